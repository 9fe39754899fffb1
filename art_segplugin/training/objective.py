"""What a training step minimises: the interface of all objectives, and the images they are given."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from art_segplugin.core.types import Images, Labels, Logits
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.cross_entropy import WeightedCrossEntropy


@dataclass(frozen=True, eq=False)
class TrainingBatch:
    """Images of one optimiser step, or a part of them.

    Attributes:
        images: (n, ch, h, w) in [0, 1].
        labels: Class indices or void, (n, h, w), or (n, 1, 1) of a classifier.
        places: Place of each image among all images of the step, on whatever process they are.
        seeds: Seed of the random numbers of each image, so that they do not depend on its company.
        strength: Share of the full radius that attacks have at this step, in (0, 1].
    """

    images: Images
    labels: Labels
    places: tuple[int, ...]
    seeds: tuple[int, ...]
    strength: float = 1.0


class Objective(ABC):
    """A loss made of terms, each a sum over pixels (or images) over a total.

    Totals are those of all images of a step, so that the gradients of its parts add up to that of the
    whole, whether the parts are micro-batches or processes.

    Args:
        loss: Cross-entropy of the update; attacks use their own.
    """

    title: ClassVar[str]
    """What this way of training is called."""

    repeats: int = 1
    """Optimiser steps for which one batch is kept."""

    least_images: int = 1
    """Images that a step needs, on all processes together."""

    def __init__(self, loss: WeightedCrossEntropy) -> None:
        self.loss = loss

    @property
    def name(self) -> str:
        """Everything that makes it what it is: a run is resumed with an equal one only."""
        return f"{self.title} {json.dumps(self.described(), sort_keys=True)}"

    def described(self) -> dict[str, Any]:
        """What tells it apart from others of its title, as JSON can hold it."""
        return self.loss.described()

    def totals(self, batch: TrainingBatch) -> Tensor:
        """What the terms are divided by once they are added up, shape (k,); a 0 counts as 1.

        Here the weight of all valid pixels, for one term.
        """
        return self.loss.total(batch.labels)[None]

    @abstractmethod
    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the terms before division, shape (k,), with their graph; the model is in training mode."""

    def updated(self) -> None:  # noqa: B027
        """Called after the backward passes of a step; gradients of inputs can be read here."""

    def state(self) -> Mapping[str, Tensor]:
        """What is carried from step to step, one entry per image of the step in the first axis."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:  # noqa: B027
        """Go on from a `state`."""

    def __call__(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the loss of a batch that is the whole step, a scalar with its graph."""
        return mean(self.terms(model, batch), self.totals(batch))


def mean(terms: Tensor, totals: Tensor) -> Tensor:
    """Return the sum of the terms, each over its total; a crop may hold void pixels only."""
    return (terms / torch.where(totals > 0, totals, 1.0)).sum()


def logits_of(model: Segmenter, images: Images) -> Logits:
    """Return logits in the precision of the images: bfloat16's softmax is too coarse to learn from."""
    # Before torch 2.11 autocast reuses weights that were cast without a graph: no gradient.
    torch.clear_autocast_cache()
    logits: Logits = model(images)
    return logits.to(images.dtype)
