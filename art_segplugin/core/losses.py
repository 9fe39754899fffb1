"""Pixel losses: (logits, labels) -> one number per pixel, larger = more wrong. No reduction."""

from collections.abc import Callable

import torch.nn.functional as F

from art_segplugin.core.types import Labels, Logits, PixelMap

PixelLoss = Callable[[Logits, Labels], PixelMap]
"""Differentiable in the logits; labels are classes only (void pixels were given class 0)."""


def cross_entropy(logits: Logits, labels: Labels) -> PixelMap:
    """-log softmax(z)_y of each pixel, in nats."""
    return F.cross_entropy(logits, labels, reduction="none")
