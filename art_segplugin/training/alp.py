"""Adversarial logit pairing: Kannan et al., 2018, arXiv:1803.06373, section 4.1."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.types import Labels, Logits
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import (
    Objective,
    TrainingBatch,
    WeightedCrossEntropy,
    logits_of,
)


class AdversarialLogitPairing(Objective):
    """Half clean and half adversarial cross-entropy, plus the distance between the two logits.

    The distance is the mean square over classes and valid pixels. For a hypersphere head it is that of
    the cosines, without the scale (Pang et al., NeurIPS 2020, arXiv:2002.08619).

    Args:
        attack: What makes the adversarial images.
        loss: Cross-entropy of the update.
        weight: Factor of the distance.
    """

    title = "adversarial logit pairing"

    def __init__(
        self, attack: NamedAttack, loss: WeightedCrossEntropy, *, weight: float = 0.5
    ) -> None:
        super().__init__(loss)
        self.attack = InnerAttack(attack, loss.ignore_index)
        self.weight = weight

    def described(self) -> dict[str, Any]:
        """Attack, options and weights."""
        return {**self.attack.described(), **self.loss.described(), "weight": self.weight}

    def totals(self, batch: TrainingBatch) -> Tensor:
        """Return the weight of all valid pixels, twice, and their number, (3,)."""
        weight = self.loss.total(batch.labels)
        return torch.stack([weight, weight, self.loss.valid(batch.labels).sum(dtype=weight.dtype)])

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return clean cross-entropy, adversarial cross-entropy and distance, (3,)."""
        x_adv = self.attack(model, batch)
        clean, attacked = logits_of(model, batch.images), logits_of(model, x_adv)
        return torch.stack(
            [
                0.5 * self.loss(clean, batch.labels),
                0.5 * self.loss(attacked, batch.labels),
                self.weight * self._distance(clean, attacked, batch.labels),
            ]
        )

    def _distance(self, clean: Logits, attacked: Logits, labels: Labels) -> Tensor:
        square = F.mse_loss(attacked, clean, reduction="none").mean(1) / self.loss.scale**2
        return square.masked_fill(~self.loss.valid(labels), 0.0).sum()
