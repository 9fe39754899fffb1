"""Scores of a confusion matrix, or of its totals: hits, true and predicted pixels of each class.

Functions of totals take (..., 3, c) of any leading shape (one data set, one row an image, one row a
resample); those of a matrix take (c, c), rows true, columns predicted. All divide in float64. What is undefined, such as the accuracy of an absent class, is
NaN, never 0, and is left out of means and minima.
"""

import torch
from torch import Tensor

from art_segplugin.errors import InputError


def totals_of(confusion: Tensor) -> Tensor:
    """Hits, true and predicted pixels of each class.

    Args:
        confusion: (..., c, c) counts, rows true, columns predicted.

    Returns:
        (..., 3, c) of the same dtype.

    Raises:
        InputError: the last two sizes differ.
    """
    if confusion.ndim < 2 or confusion.shape[-1] != confusion.shape[-2]:
        raise InputError(
            f"a confusion matrix has shape {tuple(confusion.shape)}; give (classes, classes)."
        )
    hits = confusion.diagonal(dim1=-2, dim2=-1)
    return torch.stack((hits, confusion.sum(-1), confusion.sum(-2)), dim=-2)


def class_accuracy(totals: Tensor) -> Tensor:
    """Share of each class's true pixels that are predicted as it (its recall).

    Args:
        totals: (..., 3, c).

    Returns:
        (..., c) float64; NaN for a class without true pixels.

    Raises:
        InputError: totals of another shape.
    """
    hits, true, _ = _parts(totals)
    return hits / true


def class_iou(totals: Tensor) -> Tensor:
    """Intersection over union of each class.

    Args:
        totals: (..., 3, c).

    Returns:
        (..., c) float64; NaN for a class neither true nor predicted, 0 for one only predicted.

    Raises:
        InputError: totals of another shape.
    """
    hits, true, predicted = _parts(totals)
    return hits / (true + predicted - hits)


def accuracy(totals: Tensor) -> Tensor:
    """Share of all pixels that are right (...,) float64; NaN without pixels.

    Raises:
        InputError: totals of another shape.
    """
    hits, true, _ = _parts(totals)
    return hits.sum(-1) / true.sum(-1)


def mean_iou_of(totals: Tensor) -> Tensor:
    """Mean of `class_iou` over the classes that occur, true or predicted (...,) float64.

    Raises:
        InputError: totals of another shape.
    """
    return class_iou(totals).nanmean(-1)


def worst_class_accuracy(totals: Tensor) -> Tensor:
    """Smallest `class_accuracy` of a class that occurs (...,) float64; NaN without pixels.

    Raises:
        InputError: totals of another shape.
    """
    values = class_accuracy(totals)
    absent = values.isnan()
    smallest: Tensor = values.masked_fill(absent, torch.inf).amin(-1)
    return smallest.masked_fill(absent.all(-1), torch.nan)


def image_mean_iou(images: Tensor) -> float:
    """Mean over the images of each image's own mean IoU.

    Small objects count as much as large ones here, where pooled counts drown them. An image's mean is
    over the classes that occur in it, true or predicted; images without valid pixels are left out.

    Args:
        images: (n, 3, c) totals of each image.

    Raises:
        InputError: another shape.
    """
    return float(mean_iou_of(images).nanmean())


def pixel_accuracy(counts: Tensor) -> float:
    """Share of the counted pixels that are right; NaN without pixels."""
    return float(accuracy(totals_of(counts)))


def mis_ratio(counts: Tensor) -> float:
    """Share of the counted pixels that are wrong (MisRatio, arXiv:2207.12391, section 5.1)."""
    return 1 - pixel_accuracy(counts)


def iou_per_class(counts: Tensor) -> Tensor:
    """Intersection over union of each class (classes,), float64.

    A class that is neither true nor predicted anywhere is NaN; one that is only predicted is 0.
    """
    return class_iou(totals_of(counts))


def mean_iou(counts: Tensor) -> float:
    """mIoU: mean over the classes that occur, from counts pooled over the data set."""
    return float(mean_iou_of(totals_of(counts)))


def _parts(totals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if totals.ndim < 2 or totals.shape[-2] != 3 or not totals.shape[-1]:
        raise InputError(
            f"totals have shape {tuple(totals.shape)}; give (..., 3, classes): hits, true and "
            "predicted pixels, as totals_of makes them of a confusion matrix."
        )
    hits, true, predicted = totals.double().unbind(-2)
    return hits, true, predicted
