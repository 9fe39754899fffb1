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
    truth, guess = labels.flatten().long(), prediction.flatten().long()
    void = truth == ignore_index  # compared after widening: 8 bits would wrap a negative one
    for name, values in (("label", truth), ("prediction", guess)):
        wrong = ((values < 0) | (values >= classes)) & ~void
        if bool(wrong.any()):
            raise InputError(
                f"{name} {int(values[wrong][0])} is outside the classes 0 to {classes - 1}."
            )
    # Void pixels go to one bin more: several times faster than leaving them out first.
    pairs = torch.where(void, classes**2, truth * classes + guess)
    return torch.bincount(pairs, minlength=classes**2 + 1)[:-1].view(classes, classes)
