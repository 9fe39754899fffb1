"""Data-set-level counts, the scores made of them, and what they say class by class."""

from art_segplugin.metrics.bootstrap import (
    Interval,
    interval,
    paired_class_differences,
    paired_difference,
)
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.metrics.class_scores import (
    accuracy,
    class_accuracy,
    class_iou,
    image_mean_iou,
    iou_per_class,
    mean_iou,
    mean_iou_of,
    mis_ratio,
    pixel_accuracy,
    totals_of,
    worst_class_accuracy,
)
from art_segplugin.metrics.confusion import ConfusionMatrix, count
from art_segplugin.metrics.correlation import pearson, spearman
from art_segplugin.metrics.diagnosis import (
    ClassSpread,
    class_spread,
    confound_share,
    confounds,
    gain,
    homing,
    homing_rate,
    rank_consistency,
    share_on_weakest,
    weakest,
)
from art_segplugin.metrics.distances import (
    fooled_within,
    fooling_distances,
    median_distance,
    standing_curve,
)
from art_segplugin.metrics.regions import boundary, foreground, interior
from art_segplugin.metrics.worst_case import chosen, lowest_accuracy, lowest_mean_iou

__all__ = [
    "ClassCounts",
    "ClassSpread",
    "ConfusionMatrix",
    "Interval",
    "accuracy",
    "boundary",
    "chosen",
    "class_accuracy",
    "class_iou",
    "class_spread",
    "confound_share",
    "confounds",
    "count",
    "fooled_within",
    "fooling_distances",
    "foreground",
    "gain",
    "homing",
    "homing_rate",
    "image_mean_iou",
    "interior",
    "interval",
    "iou_per_class",
    "lowest_accuracy",
    "lowest_mean_iou",
    "mean_iou",
    "mean_iou_of",
    "median_distance",
    "mis_ratio",
    "paired_class_differences",
    "paired_difference",
    "pearson",
    "pixel_accuracy",
    "rank_consistency",
    "share_on_weakest",
    "spearman",
    "standing_curve",
    "totals_of",
    "weakest",
    "worst_class_accuracy",
]
