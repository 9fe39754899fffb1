"""What ART's black-box attacks ask for on a segmenter: when an image counts as fooled, and a loss.

`SquareAttack(estimator, adv_criterion=AccuracyBelow(0.5), loss=NegativeLoss(estimator))`; on images
that are not square, also lower its `p_init`, whose default needs squares that do not fit.
"""

from dataclasses import dataclass

import numpy as np
import torch

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Array, to_tensor
from art_segplugin.wrappers.art.estimator import PyTorchSegmenter
from art_segplugin.wrappers.art.labels import label_map


@dataclass(frozen=True)
class AccuracyBelow:
    """An image is fooled when the share of its valid pixels classified rightly is below a threshold.

    Args:
        threshold: share in (0, 1].
        ignore_index: label of void pixels.

    Raises:
        InputError: a threshold outside (0, 1].
    """

    threshold: float = 0.5
    ignore_index: int = 255

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise InputError(f"threshold is {self.threshold}; give a share above 0, at most 1.")

    def __call__(self, y_pred: Array, y: Array) -> Array:
        """Whether each image is fooled, (n,) bool; an image without valid pixels is not.

        Args:
            y_pred: logits or probabilities (n, c, h, w).
            y: labels in any form, see `label_map`.

        Raises:
            InputError: labels that do not fit the predictions.
        """
        scores = to_tensor(y_pred, torch.device("cpu"))
        labels = label_map(
            y, scores, nb_classes=scores.shape[1], ignore_index=self.ignore_index
        ).numpy()
        valid = labels != self.ignore_index
        right = ((y_pred.argmax(1) == labels) & valid).sum((1, 2))
        return right < self.threshold * valid.sum((1, 2))


@dataclass(frozen=True, eq=False)
class NegativeLoss:
    """What `SquareAttack` minimises: minus the estimator's loss of each image.

    Args:
        estimator: the segmenter under attack.
    """

    estimator: PyTorchSegmenter

    def __call__(self, x: Array, y: Array) -> Array:
        """Minus `estimator.compute_loss(x, y)`, (n,)."""
        return -np.asarray(self.estimator.compute_loss(x, y))
