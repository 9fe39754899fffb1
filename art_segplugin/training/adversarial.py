"""Adversarial training: Madry et al., ICLR 2018, arXiv:1706.06083, equation 2.1, solved from outside in.

The attack makes the method: PGD-AT with pgd, SegPGD-AT (Gu et al., ECCV 2022, arXiv:2207.12391,
algorithm 2) with segpgd on half of the images, FastAT (Wong et al., ICLR 2020, arXiv:2001.03994,
algorithm 3) with one step of 1.25 eps from a random start.
"""

from typing import Any

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import (
    Objective,
    TrainingBatch,
    WeightedCrossEntropy,
    logits_of,
)


class AdversarialTraining(Objective):
    """Learn from adversarial images of the present model.

    Args:
        attack: What makes the adversarial images; class weights and margin are not seen by it.
        loss: Cross-entropy of the update.
        half: Attack every other image only, the second of each pair: of an odd number the larger half
            is clean. The loss is then the mean over the clean pixels plus the mean over the attacked
            ones, from one forward pass over both.
    """

    title = "adversarial training"

    def __init__(
        self, attack: NamedAttack, loss: WeightedCrossEntropy, *, half: bool = False
    ) -> None:
        super().__init__(loss)
        self.attack = InnerAttack(attack, loss.ignore_index)
        self.half = half
        self.least_images = 2 if half else 1  # of one image none would ever be attacked

    def described(self) -> dict[str, Any]:
        """Attack, options and weights."""
        return {**self.attack.described(), **self.loss.described(), "half": self.half}

    def totals(self, batch: TrainingBatch) -> Tensor:
        """Return the weight of all pixels, (1,); of the attacked and of the clean half, (2,)."""
        if not self.half:
            return super().totals(batch)
        return torch.stack([self.loss.total(batch.labels[half]) for half in _halves(batch)])

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy of all images, (1,); of the attacked and the clean half, (2,)."""
        if not self.half:
            return self.loss(logits_of(model, self.attack(model, batch)), batch.labels)[None]
        attacked, clean = _halves(batch)
        images = batch.images.clone()
        if attacked:
            images[attacked] = self.attack(model, batch.part(attacked))
        logits = logits_of(model, images)
        return torch.stack(
            [self.loss(logits[half], batch.labels[half]) for half in (attacked, clean)]
        )


def _halves(batch: TrainingBatch) -> tuple[list[int], list[int]]:
    """Return which images are attacked and which are not."""
    places = list(enumerate(batch.places))
    return [i for i, place in places if place % 2], [i for i, place in places if not place % 2]
