"""Counts of (truth, prediction) pairs over a whole data set."""

import torch
from torch import Tensor

from art_segplugin.core.types import Labels
from art_segplugin.errors import InputError


class ConfusionMatrix:
    """Rows are the true class, columns the predicted one; void pixels are not counted.

    Integer counts, so matrices of parts of a data set add up to that of the whole, in any order.

    Args:
        classes: number of classes.
        ignore_index: label of void pixels.
        device: where to count.
    """

    def __init__(
        self, classes: int, ignore_index: int = 255, device: torch.device | str = "cpu"
    ) -> None:
        self.classes = classes
        self.ignore_index = ignore_index
        self.counts = torch.zeros(classes, classes, dtype=torch.int64, device=device)

    def update(self, prediction: Labels, labels: Labels) -> None:
        """Add the pixels of one batch.

        Args:
            prediction: (n, h, w) predicted classes.
            labels: (n, h, w) true classes, or ignore_index.

        Raises:
            InputError: shapes differ, or a class is outside 0 ... classes - 1.
        """
        self.counts += count(prediction, labels, self.classes, self.ignore_index)

    def __add__(self, other: "ConfusionMatrix") -> "ConfusionMatrix":
        """Counts of both."""
        if self.classes != other.classes:
            raise InputError(
                f"cannot add counts of {other.classes} classes to counts of {self.classes}."
            )
        total = ConfusionMatrix(self.classes, self.ignore_index, self.counts.device)
        total.counts = self.counts + other.counts.to(self.counts.device)
        return total


def count(prediction: Labels, labels: Labels, classes: int, ignore_index: int = 255) -> Tensor:
    """Confusion counts (classes, classes) int64 of some pixels, rows true, columns predicted.

    Raises:
        InputError: shapes differ, or a class is outside 0 ... classes - 1.
    """
    if prediction.shape != labels.shape:
        raise InputError(
            f"prediction {tuple(prediction.shape)} and labels {tuple(labels.shape)} differ in shape."
        )
    labels = labels.long()  # 8 bits would wrap a negative ignore_index
    valid = labels != ignore_index
    truth, guess = labels[valid], prediction[valid].long()
    for name, values in (("label", truth), ("prediction", guess)):
        if values.numel() and not (int(values.min()) >= 0 and int(values.max()) < classes):
            wrong = values[(values < 0) | (values >= classes)]
            raise InputError(f"{name} {int(wrong[0])} is outside the classes 0 to {classes - 1}.")
    return torch.bincount(truth * classes + guess, minlength=classes**2).view(classes, classes)
