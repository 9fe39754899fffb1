"""ART's `SquareAttack` on a segmenter: when an image counts as fooled, and the loss it asks for.

ART knows both for classifiers only; `square_attack(estimator)` is its attack with ours filled in.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from art.attacks.evasion import SquareAttack

from art_segplugin.core.checks import check_unit
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Array, to_tensor
from art_segplugin.wrappers.art.estimator import PyTorchSegmenter
from art_segplugin.wrappers.art.labels import label_map
from art_segplugin.wrappers.art.sizes import pixel_bounds


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
        batch_size: images per forward pass.
    """

    estimator: PyTorchSegmenter
    batch_size: int = 128

    def __call__(self, x: Array, y: Array) -> Array:
        """Minus `estimator.compute_loss(x, y)`, (n,)."""
        starts = range(0, len(x), self.batch_size)
        parts = (slice(start, start + self.batch_size) for start in starts)
        return -np.concatenate([self.estimator.compute_loss(x[part], y[part]) for part in parts])


def square_attack(
    estimator: PyTorchSegmenter, threshold: float = 0.5, **options: Any
) -> SquareAttack:
    """ART's `SquareAttack` (Andriushchenko et al., ECCV 2020, arXiv:1912.00049) on a segmenter.

    An image counts as fooled, and is left alone from then on, when less than `threshold` of its valid
    pixels are classified rightly; what is searched for is a higher loss of the estimator. Images have
    the `input_shape` of the estimator.

    Args:
        estimator: the segmenter under attack; it needs `clip_values`.
        threshold: share in (0, 1].
        **options: of `SquareAttack`. `p_init` is 0.8, as there, or the share of the largest square
            that fits into images that are not square; `batch_size` is 128.

    Raises:
        InputError: a threshold outside (0, 1], no clip_values, a radius above the range, or a norm in
            which ART's attack does nothing, or fails on images of this size.
    """
    if estimator.clip_values is None:
        raise InputError(
            "the estimator has no clip_values; give it some, which SquareAttack needs."
        )
    norm = float(options.get("norm", np.inf))
    bounds = pixel_bounds(estimator.clip_values)
    check_unit("eps", options.get("eps"), bounds, norm, "the estimator's clip_values")
    height, width = (
        estimator.input_shape[1:] if estimator.channels_first else estimator.input_shape[:2]
    )
    tile = height // 5
    if norm == 1 or (norm == 2 and (tile < 2 or 5 * tile > width)):
        raise InputError(
            f"norm is {norm:g} and the images are {height} x {width}; ART's SquareAttack works for inf, "
            "and for 2 on at least 10 rows and no more rows than columns."
        )
    side = min(height, width) - (1 if norm == np.inf else 2)  # ART needs room to move the square
    options = {
        "adv_criterion": AccuracyBelow(threshold, estimator.ignore_index),
        "loss": NegativeLoss(estimator, options.get("batch_size", 128)),
        "p_init": min(0.8, side**2 / (height * width)),
    } | options
    return SquareAttack(estimator, **options)
