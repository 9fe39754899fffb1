"""Scores of a confusion matrix (rows true, columns predicted). Absent classes are NaN, not 0."""

from torch import Tensor

from art_segplugin.metrics.class_scores import accuracy, class_iou, mean_iou_of, totals_of


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
