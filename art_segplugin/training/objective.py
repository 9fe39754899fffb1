"""What a training step minimises: the interface of all objectives, their cross-entropy, the supervised one."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.core.types import NO_VOID, Images, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head, with_margin
from art_segplugin.models.segmenter import Segmenter


@dataclass(frozen=True, eq=False)
class WeightedCrossEntropy:
    """Cross-entropy summed over the pixels that belong to a class.

    Attributes:
        ignore_index: Label of the pixels that do not count; negative labels do not count either.
        class_weights: One weight per class, shape (c,); None weighs all alike.
        scale: Scale s of a hypersphere head, whose logits are s * cos; 1 for other heads.
        margin: Additive margin m that the label's cosine must be ahead by (arXiv:2002.08619).
    """

    ignore_index: int = 255
    class_weights: Tensor | None = None
    scale: float = 1.0
    margin: float = 0.0

    def __call__(self, logits: Logits, labels: Labels) -> Tensor:
        """Return the weighted sum, a scalar."""
        if self.margin:
            logits = with_margin(
                logits, labels, self.scale, self.margin, ignore_index=self.ignore_index
            )
        weights = None if self.class_weights is None else self.class_weights.to(logits)
        targets = labels.long().masked_fill(~self.valid(labels), NO_VOID)
        return F.cross_entropy(logits, targets, weights, ignore_index=NO_VOID, reduction="sum")

    def total(self, labels: Labels) -> Tensor:
        """Return the sum of the weights of all pixels that count, a scalar float32."""
        valid = self.valid(labels)
        if self.class_weights is None:
            return valid.sum(dtype=torch.float32)
        weights = self.class_weights.to(labels.device, torch.float32)
        return (weights[labels.where(valid, 0)] * valid).sum()

    def valid(self, labels: Labels) -> Tensor:
        """Return which pixels count."""
        return (labels >= 0) & (labels != self.ignore_index)

    def check_head(self, model: nn.Module) -> None:
        """Refuse a model whose head is not the one that scale and margin are for.

        Raises:
            InputError: It has a hypersphere head of another scale, or there is a margin and no such
                head.
        """
        head = hypersphere_head(model)
        if head is None and self.margin:
            raise InputError(
                f"margin is {self.margin} and the model has no hypersphere head; convert it with "
                "to_hypersphere, or leave the margin out."
            )
        if head is not None and head.scale != self.scale:
            raise InputError(
                f"scale is {self.scale:g} and the hypersphere head of the model has {head.scale:g}; "
                f"give WeightedCrossEntropy(scale={head.scale:g})."
            )

    def described(self) -> dict[str, Any]:
        """Return what tells it apart, as JSON can hold it."""
        weights = self.class_weights
        return {
            "weights": None if weights is None else [round(w, 6) for w in weights.tolist()],
            "scale": self.scale,
            "margin": self.margin,
        }


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

    def part(self, which: list[int] | slice) -> "TrainingBatch":
        """Return some of the images; a slice copies none of them."""
        indices = range(len(self.places))[which] if isinstance(which, slice) else which
        return replace(
            self,
            images=self.images[which],
            labels=self.labels[which],
            places=tuple(self.places[i] for i in indices),
            seeds=tuple(self.seeds[i] for i in indices),
        )


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


class Supervised(Objective):
    """Learn from the images as they are."""

    title = "cross-entropy"

    def terms(self, model: Segmenter, batch: TrainingBatch) -> Tensor:
        """Return the cross-entropy, (1,)."""
        return self.loss(logits_of(model, batch.images), batch.labels)[None]
