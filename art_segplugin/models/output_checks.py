"""What is doubtful about a model's outputs before anybody attacks them."""

import warnings

import torch
from torch import Tensor

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError

_LABELS_NEEDED = 4
_MODESTY = 0.25
"""By how much a model of unscaled cosines is more often right than it believes."""


def check_outputs(logits: Logits, labels: Tensor | None = None) -> None:
    """Make the checks of a model's outputs that read values back; call it once per run.

    Warns, in the name of the caller's caller, when the outputs are probabilities, on which losses
    made for logits are weak, or look like cosines, whose softmax is almost even: attacks on those
    overstate the robustness of models with normalised features and weights.

    Args:
        logits: Outputs of the model on images of the run, (n, c, h, w).
        labels: True labels (n, h, w) or (n,) if there are any, not the model's own predictions, see
            `no_predictions`; without them cosines are not recognised.

    Raises:
        InputError: They hold NaN or infinite values.
    """
    if not logits.isfinite().all():
        raise InputError(
            "the model's output holds NaN or infinite values on these images: "
            "its weights or its normalisation are broken."
        )
    if logits.shape[1] > 1 and logits.numel() and _are_probabilities(logits):
        warnings.warn(
            "the model's output looks like probabilities (it sums to 1 over the classes); "
            "attacks are stronger on the logits before the softmax.",
            stacklevel=3,
        )
    elif labels is not None and labels.shape == logits.shape[:1] + logits.shape[2:]:
        if not _are_cosines(logits, labels):
            return
        warnings.warn(
            "the model's output looks like cosines (all values are in [-1, 1], and it is right far "
            "more often than its softmax says): if features and weights are normalised, multiply it "
            "by the scale of the training, or attacks will seem weaker than they are.",
            stacklevel=3,
        )


def no_predictions(logits: Logits, labels: Tensor | None) -> Tensor | None:
    """Return labels that somebody gave, or None where they may be what the model itself predicts."""
    if labels is None or labels.shape != logits.shape[:1] + logits.shape[2:]:
        return None
    valid = (labels >= 0) & (labels < logits.shape[1])
    return None if torch.equal(logits.argmax(1)[valid], labels[valid]) else labels


def _are_probabilities(outputs: Tensor) -> bool:
    total = outputs.sum(1)
    return bool((outputs >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3)


def _are_cosines(outputs: Tensor, labels: Tensor) -> bool:
    valid = (labels >= 0) & (labels < outputs.shape[1])
    if int(valid.sum()) < _LABELS_NEEDED or outputs.abs().amax().item() > 1.001:
        return False
    confidence, prediction = outputs.float().softmax(1).max(1)
    right = (prediction == labels)[valid].float().mean()
    return bool(right - confidence[valid].mean() > _MODESTY)
