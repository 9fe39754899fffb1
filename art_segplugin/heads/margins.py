"""The margin of hypersphere embedding: what the label's cosine must exceed the others by."""

from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import NO_VOID, Labels, Logits, PixelMap
from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import checked_scale


def with_margin(
    logits: Logits, labels: Labels, scale: float, margin: float, ignore_index: int = NO_VOID
) -> Logits:
    """Lower the label's logit: s * (cos(theta_k) - m * [k = y]), as arXiv:2002.08619 does.

    The margin belongs into the loss of the training only: attacks, validation and predictions take
    the logits as the network gives them.

    Args:
        logits: s * cos (n, c, h, w); those of a hypersphere head, enlarged or not.
        labels: (n, h, w); a class, or void: ``ignore_index`` or anything negative.
        scale: s, the scale of the head.
        margin: m in [0, 2), in units of the cosine; 0 changes nothing.
        ignore_index: Label of void pixels, whose logits are left alone.

    Returns:
        New logits of the same shape and type, differentiable.

    Raises:
        InputError: ``scale`` or ``margin`` is out of range, see `checked_scale` and `checked_margin`.
    """
    lowered = checked_scale(scale) * checked_margin(margin)
    void = _void(labels, ignore_index)
    at_label = labels.long().masked_fill(void, 0).unsqueeze(1)
    amount = torch.zeros_like(at_label, dtype=logits.dtype).masked_fill_(
        ~void.unsqueeze(1), -lowered
    )
    return logits.scatter_add(1, at_label, amount)


def margin_cross_entropy(
    logits: Logits, labels: Labels, scale: float, margin: float, ignore_index: int = NO_VOID
) -> PixelMap:
    """Cross-entropy of the logits with margin, for each pixel, at least in float32.

    -log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum over k != y of e^(s cos_k))), by differences of
    logarithms, so that no scale overflows.

    Args:
        logits: s * cos (n, c, h, w).
        labels: (n, h, w); a class, or void: ``ignore_index`` or anything negative.
        scale: s, the scale of the head.
        margin: m in [0, 2); 0 is the ordinary cross-entropy.
        ignore_index: Label of void pixels.

    Returns:
        (n, h, w) in nats; 0, without gradient, on void pixels.

    Raises:
        InputError: ``scale`` or ``margin`` is out of range, see `checked_scale` and `checked_margin`.
    """
    if logits.dtype != torch.float64:
        logits = logits.float()
    lowered = with_margin(logits, labels, scale, margin, ignore_index)
    targets = labels.long().masked_fill(_void(labels, ignore_index), NO_VOID)
    return F.cross_entropy(lowered, targets, ignore_index=NO_VOID, reduction="none")


def checked_margin(margin: Any) -> float:
    """Return a margin as a float.

    Raises:
        InputError: It is not a number in [0, 2): no cosine leads another one by 2.
    """
    number = isinstance(margin, Real) and not isinstance(margin, bool)
    if not (number and 0 <= float(margin) < 2):
        raise InputError(
            f"margin is {margin!r}; give a finite number >= 0, below 2 because cosines differ by at "
            "most that, such as 0.2."
        )
    return float(margin)


def _void(labels: Tensor, ignore_index: int) -> Tensor:
    return (labels < 0) | (labels == ignore_index)
