"""Scores of a confusion matrix (rows true, columns predicted). Absent classes are NaN, not 0."""

import torch
from torch import Tensor


def pixel_accuracy(counts: Tensor) -> float:
    """Share of the counted pixels that are right; NaN without pixels."""
    return float(counts.diagonal().sum().double() / counts.sum())


def mis_ratio(counts: Tensor) -> float:
    """Share of the counted pixels that are wrong (MisRatio, arXiv:2207.12391, section 5.1)."""
    return 1 - pixel_accuracy(counts)


def iou_per_class(counts: Tensor) -> Tensor:
    """Intersection over union of each class (classes,), float64.

    A class that is neither true nor predicted anywhere is NaN; one that is only predicted is 0.
    """
    hits = counts.diagonal().double()
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return torch.where(union > 0, hits / union, torch.nan)


def mean_iou(counts: Tensor) -> float:
    """mIoU: mean over the classes that occur, from counts pooled over the data set."""
    return float(iou_per_class(counts).nanmean())
