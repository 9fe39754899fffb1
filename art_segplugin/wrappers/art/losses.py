"""One number per image, or per batch, from any loss: void pixels count nowhere."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from art_segplugin.core.types import Labels, Logits, PerImage, PixelMap, PixelMask
from art_segplugin.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits (n, c, h, w), labels (n, h, w)) -> one value per pixel (n, h, w), or a scalar.

Void pixels hold the `ignore_index` of the loss if it has one, else that of the estimator.
"""


def image_losses(loss: Loss, logits: Logits, labels: Labels, ignore_index: int) -> PerImage:
    """Loss of each image: the mean over its valid pixels, 0 where all are void.

    A loss that returns a scalar is asked for each image by itself, so that no loss object is changed
    (`reduction` is not rewritten), which threads rely on. Which kind it is, one image tells.

    Raises:
        InputError: the loss returned neither a map nor a scalar.
    """
    valid = labels != ignore_index
    labels = _with_void_of(loss, labels, valid)
    if _gives_map(loss, logits, labels):
        values = _checked(loss(logits, labels), labels)
        return _mean_over_valid(values.flatten(1), valid.flatten(1))
    each = [
        loss(logits[i : i + 1], labels[i : i + 1]) if valid[i].any() else logits[i].sum() * 0
        for i in range(len(logits))
    ]
    return torch.stack(each)


def batch_loss(loss: Loss, logits: Logits, labels: Labels, ignore_index: int) -> Tensor:
    """Loss of a batch for training: the mean over its valid pixels, 0 where all are void.

    Raises:
        InputError: the loss returned neither a map nor a scalar.
    """
    valid = labels != ignore_index
    if not valid.any():
        return logits.sum() * 0
    labels = _with_void_of(loss, labels, valid)
    values = _checked(loss(logits, labels), labels)
    return values if values.ndim == 0 else _mean_over_valid(values.flatten(), valid.flatten())


def zero_one_losses(logits: Logits, labels: Labels, ignore_index: int) -> PerImage:
    """Share of the valid pixels of each image that are classified wrongly."""
    valid = labels != ignore_index
    wrong = (logits.argmax(1) != labels).to(logits.dtype)
    return _mean_over_valid(wrong.flatten(1), valid.flatten(1))


def _with_void_of(loss: Any, labels: Labels, valid: PixelMask) -> Labels:
    index = getattr(loss, "ignore_index", None)
    return labels if index is None else labels.masked_fill(~valid, index)


def _gives_map(loss: Loss, logits: Logits, labels: Labels) -> bool:
    if getattr(loss, "reduction", None) == "none":
        return True
    with torch.no_grad():
        return _checked(loss(logits[:1], labels[:1]), labels[:1]).ndim > 0


def _checked(values: Tensor, labels: Labels) -> Tensor:
    if values.ndim != 0 and values.shape != labels.shape:
        raise InputError(
            f"the loss returned shape {tuple(values.shape)} for labels {tuple(labels.shape)}; "
            "give one that returns a scalar or one value per pixel."
        )
    return values


def _mean_over_valid(values: PixelMap, valid: PixelMask) -> Tensor:
    return torch.where(valid, values, 0.0).sum(-1) / valid.sum(-1).clamp(min=1)
