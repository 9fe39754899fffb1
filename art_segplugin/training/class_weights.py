"""Class weights of the loss: by frequency, and by measured robustness."""

import torch
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.training.batches import SampleCache, derived_generator

_MAPS_COUNTED = 200
_IMAGES_COUNTED = 10_000  # with one label each


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


def robustness_weights(accuracy: Tensor, strength: float = 1.0) -> Tensor:
    """Weigh classes by how much of them an attack leaves.

    Args:
        accuracy: Robust accuracy of each class in 0..1, shape (c,), measured on held-out data; NaN for
            a class that did not occur, which then weighs 1.
        strength: The weight is proportional to exp(-strength * accuracy); 0 weighs all alike.

    Returns:
        Weights (c,) float32 with mean 1 over the classes that occur.

    Raises:
        InputError: An accuracy is outside 0..1, all are NaN, or the strength is negative.
    """
    known = ~accuracy.isnan()
    if not known.any() or not ((accuracy[known] >= 0) & (accuracy[known] <= 1)).all():
        raise InputError(
            f"the class accuracies are {accuracy.tolist()}; expected shares from 0 to 1, "
            "at least one of them known."
        )
    if not 0 <= strength < float("inf"):
        raise InputError(f"strength is {strength}; expected a finite number >= 0, such as 1.")
    # Measured from the weakest class: what is largest cannot underflow.
    raw = torch.exp(-strength * (accuracy.double() - accuracy[known].min()))
    return torch.where(known, raw / raw[known].mean(), 1.0).float()
