"""The supervised objective: cross-entropy in which rare classes may weigh more."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from art_segplugin.core.types import Images, Labels
from art_segplugin.training.cache import SampleCache

_SAMPLES_COUNTED = 200


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
        # A crop may hold void pixels only; its loss is 0, not 0/0.
        return losses / counted.sum().clamp_min(1)


def class_weights(samples: SampleCache, kind: str) -> Tensor | None:
    """Weigh classes by how rare they are, with mean 1 over the pixels.

    Args:
        samples: Labelled samples; at most 200, evenly spread, are counted.
        kind: ``none``; ``sqrt``: 1 / sqrt(frequency); ``median``: median frequency / frequency
            (Eigen & Fergus, arXiv:1411.4734, section 6.3.2), with frequencies pooled over all pixels.

    Returns:
        Weights of shape (c,), or None for ``none``. A class that never occurs weighs 1.
    """
    if kind == "none":
        return None
    classes = len(samples.dataset.palette.classes)
    counts = torch.zeros(classes, dtype=torch.float64)
    number = min(len(samples), _SAMPLES_COUNTED)
    for index in range(number):
        labels = samples[index * len(samples) // number].labels
        valid = labels[labels != samples.dataset.palette.ignore_index]
        counts += torch.bincount(valid.long(), minlength=classes)
    frequency = counts / counts.sum()
    present = counts > 0
    weights = frequency.clamp_min(torch.finfo(frequency.dtype).tiny).reciprocal()
    weights = weights.sqrt() if kind == "sqrt" else weights * frequency[present].median()
    weights = weights / (weights * frequency)[present].sum()
    return torch.where(present, weights, torch.ones_like(weights)).float()
