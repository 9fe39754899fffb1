"""Weights that let rare classes count more in the loss."""

import torch
from torch import Tensor

from art_segplugin.training.cache import SampleCache
from art_segplugin.training.randomness import derived_generator

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
