"""Data-set-level counts and the scores made of them."""

from art_segplugin.metrics.confusion import ConfusionMatrix, count
from art_segplugin.metrics.scores import iou_per_class, mean_iou, mis_ratio, pixel_accuracy

__all__ = ["ConfusionMatrix", "count", "iou_per_class", "mean_iou", "mis_ratio", "pixel_accuracy"]
