"""The supervised objective: cross-entropy in which rare classes may weigh more."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from art_segplugin.core.types import Images, Labels
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.randomness import derived_generator

_MAPS_COUNTED = 200
_IMAGES_COUNTED = 10_000  # with one label each


class CrossEntropy:
    """Mean cross-entropy over the pixels that belong to a class.

    Args:
        ignore_index: Label of the pixels that do not count.
        class_weights: One weight per class, shape (c,); None weighs all alike.
    """

    name = "cross-entropy"
    attack = None

    def __init__(self, ignore_index: int = 255, class_weights: Tensor | None = None) -> None:
        self.ignore_index = ignore_index
        self.class_weights = class_weights

    def __call__(
        self, model: nn.Module, images: Images, labels: Labels, generator: Generator
    ) -> Tensor:
        """Return the loss of one batch, a scalar; the generator is not used."""
        # The softmax of bfloat16 logits would be too coarse to learn from.
        logits = model(images).to(images.dtype)
        weights = None if self.class_weights is None else self.class_weights.to(logits)
        losses = F.cross_entropy(
            logits, labels, weights, ignore_index=self.ignore_index, reduction="sum"
        )
        valid = labels != self.ignore_index
        counted = valid if weights is None else weights[labels.where(valid, 0)] * valid
        total = counted.sum()
        # A crop may hold void pixels only; its loss is 0, not 0/0.
        return losses / torch.where(total > 0, total, 1)


def class_weights(samples: SampleCache, kind: str) -> Tensor | None:
    """Weigh classes by how rare they are, with mean 1 over the pixels.

    Args:
        samples: Labelled samples; at most 200 label maps, evenly spread, are counted, or 10,000 labels
            of whole images, drawn at random because such data sets list their classes in turn.
        kind: ``none``; ``sqrt``: 1 / sqrt(frequency); ``median``: median frequency / frequency
            (Eigen & Fergus, arXiv:1411.4734, section 6.3.2), with frequencies pooled over all pixels.

    Returns:
        Weights of shape (c,), or None for ``none``. A class that never occurs weighs 1.
    """
    if kind == "none":
        return None
    classes = len(samples.dataset.palette.classes)
    counts = torch.zeros(classes, dtype=torch.float64)
    for index in _counted(samples):
        labels = samples[index].labels
        valid = labels[labels != samples.dataset.palette.ignore_index]
        counts += torch.bincount(valid.long(), minlength=classes)
    frequency = counts / counts.sum()
    present = counts > 0
    weights = frequency.clamp_min(torch.finfo(frequency.dtype).tiny).reciprocal()
    weights = weights.sqrt() if kind == "sqrt" else weights * frequency[present].median()
    weights = weights / (weights * frequency)[present].sum()
    return torch.where(present, weights, torch.ones_like(weights)).float()


def _counted(samples: SampleCache) -> list[int]:
    if samples[0].labels.shape == (1, 1):
        order = torch.randperm(len(samples), generator=derived_generator("class weights"))
        return sorted(order[:_IMAGES_COUNTED].tolist())
    number = min(len(samples), _MAPS_COUNTED)
    return [index * len(samples) // number for index in range(number)]
