"""TRADES: Zhang et al., ICML 2019, arXiv:1901.08573, equation 5 and algorithm 1."""

from typing import Any

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.losses import KLDivergence
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import (
    Objective,
    TrainingBatch,
    WeightedCrossEntropy,
    logits_of,
)


class Trades(Objective):
    """Clean cross-entropy plus the divergence between the answers to clean and attacked images.

    The attack increases that divergence too. It is averaged over the valid pixels, so that a weight
    means the same for a label map of any size and for one label. A margin acts in the cross-entropy only.

    Args:
        attack: What makes the adversarial images: a recipe whose loss can be replaced, such as pgd.
        loss: Cross-entropy of the update.
        weight: Factor of the divergence, 1 / lambda of the paper.

    Raises:
        InputError: The attack has a loss of its own or begins at the image.
    """

    title = "TRADES"

    def __init__(
        self, attack: NamedAttack, loss: WeightedCrossEntropy, *, weight: float = 6.0
    ) -> None:
        super().__init__(loss)
        self.attack = InnerAttack(attack, loss.ignore_index)
        # Refuses what has a loss of its own.
        built = self.attack.build(loss=KLDivergence(torch.zeros(1, 1, 1, 1)))
        if not getattr(built, "random_start", True):
            raise InputError(
                f"random_start is False in {attack.name!r}; TRADES needs True, for its divergence has "
                "no gradient at the clean image."
            )
        self.weight = weight

    def described(self) -> dict[str, Any]:
        """Attack, options and weights."""
        return {**self.attack.described(), **self.loss.described(), "weight": self.weight}

    def totals(self, batch: TrainingBatch) -> Tensor:
        """Return the weight of all valid pixels and their number, (2,)."""
        weight = self.loss.total(batch.labels)
        return torch.stack([weight, self.loss.valid(batch.labels).sum(dtype=weight.dtype)])

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return clean cross-entropy and divergence, (2,)."""
        with torch.no_grad(), evaluation_mode(model):
            reference = logits_of(model, batch.images)
        x_adv = self.attack(model, batch, KLDivergence(reference))
        clean, attacked = logits_of(model, batch.images), logits_of(model, x_adv)
        divergence = KLDivergence(clean)(attacked, batch.labels)
        divergence = divergence.masked_fill(~self.loss.valid(batch.labels), 0.0).sum()
        return torch.stack([self.loss(clean, batch.labels), self.weight * divergence])
