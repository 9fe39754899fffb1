"""Adversarial training: Madry et al., ICLR 2018, arXiv:1706.06083, equation 2.1, solved from outside in."""

import json
from dataclasses import replace

import torch
from torch import Generator, Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.types import Images, Labels
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.supervised import CrossEntropy


class AdversarialTraining:
    """Learn from the adversarial images of the present model alone; with PGD this is PGD-AT.

    The attack sees the model in evaluation mode and the update in training mode.

    Args:
        attack: What makes the adversarial images.
        ignore_index: Label of the pixels that do not count.
        class_weights: One weight per class in the loss, shape (c,); the attack does not see them.
    """

    def __init__(
        self,
        attack: NamedAttack,
        ignore_index: int = 255,
        class_weights: Tensor | None = None,
    ) -> None:
        self._named = replace(attack, options=attack.options | {"ignore_index": ignore_index})
        self.attack = self._named.build()
        self._loss = CrossEntropy(ignore_index, class_weights)

    @property
    def name(self) -> str:
        """Attack, options and weights: a run is resumed with the same ones only."""
        weights = self._loss.class_weights
        rounded = None if weights is None else [round(w, 6) for w in weights.tolist()]
        described = {"attack": self._named.name, **self._named.described(), "weights": rounded}
        return f"adversarial training {json.dumps(described, sort_keys=True)}"

    def __call__(
        self, model: Segmenter, images: Images, labels: Labels, generator: Generator
    ) -> Tensor:
        """Return the loss on the adversarial images of one batch, a scalar."""
        seed = int(torch.randint(2**62, (), generator=generator))
        starts = torch.Generator(images.device).manual_seed(seed)
        x_adv = self.attack(model, images, labels, generator=starts)
        return self._loss(model, x_adv, labels, generator)
