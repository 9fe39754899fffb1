"""Adversarial training: Madry et al., ICLR 2018, arXiv:1706.06083, equation 2.1, solved from outside in.

The attack makes the method: PGD-AT with pgd, SegPGD-AT (Gu et al., ECCV 2022, arXiv:2207.12391,
algorithm 2) with segpgd on half of the images, FastAT (Wong et al., ICLR 2020, arXiv:2001.03994,
algorithm 3) with one step of 1.25 eps from a random start.
"""

import json

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.cross_entropy import WeightedCrossEntropy
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import Objective, TrainingBatch, logits_of


class AdversarialTraining(Objective):
    """Learn from adversarial images of the present model.

    Args:
        attack: What makes the adversarial images; class weights and margin are not seen by it.
        loss: Cross-entropy of the update.
        half: Attack every other image only, the second of each pair: of an odd number the larger half
            is clean. The loss is then the mean over the clean pixels plus the mean over the attacked
            ones, from one forward pass over both.
    """

    def __init__(
        self, attack: NamedAttack, loss: WeightedCrossEntropy, *, half: bool = False
    ) -> None:
        super().__init__(loss)
        self.attack = InnerAttack(attack, loss.ignore_index)
        self.half = half
        self.least_images = 2 if half else 1  # of one image none would ever be attacked

    @property
    def name(self) -> str:
        """Attack, options and weights."""
        described = {**self.attack.described(), **self.loss.described(), "half": self.half}
        return f"adversarial training {json.dumps(described, sort_keys=True)}"

    def totals(self, batch: TrainingBatch) -> Tensor:
        """Return the weight of the attacked pixels, (1,), with that of the clean ones, (2,)."""
        return torch.stack([self.loss.total(batch.labels[part]) for part in self._parts(batch)])

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy on attacked images, (1,), with that on clean ones, (2,)."""
        parts = self._parts(batch)
        x_adv = batch.images
        if parts[0]:
            attacked = self.attack(model, chosen(batch, parts[0]))
            x_adv = attacked
            if self.half:
                x_adv = batch.images.clone()
                x_adv[parts[0]] = attacked
        logits = logits_of(model, x_adv)
        return torch.stack([self.loss(logits[part], batch.labels[part]) for part in parts])

    def _parts(self, batch: TrainingBatch) -> list[list[int]]:
        """Return the attacked images and, if not all are, the clean ones."""
        if not self.half:
            return [list(range(len(batch.places)))]
        odd = [i for i, place in enumerate(batch.places) if place % 2]
        even = [i for i, place in enumerate(batch.places) if not place % 2]
        return [odd, even]


def chosen(batch: TrainingBatch, which: list[int]) -> TrainingBatch:
    """Return some of the images of a batch."""
    if len(which) == len(batch.places):
        return batch
    return TrainingBatch(
        batch.images[which],
        batch.labels[which],
        tuple(batch.places[i] for i in which),
        tuple(batch.seeds[i] for i in which),
        batch.strength,
    )
