"""Parts of a label map that are worth counting apart."""

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import Labels, PixelMask
from art_segplugin.errors import InputError


def boundary(labels: Labels, width: int = 2, ignore_index: int = 255) -> PixelMask:
    """Valid pixels with a valid pixel of another class in the square of 2 width + 1 around them.

    Void pixels are no class: next to them there is no boundary.

    Args:
        labels: (n, h, w) integers.
        width: largest Chebyshev distance to the other class, >= 0; 0 finds nothing.
        ignore_index: label of void pixels.

    Returns:
        (n, h, w) bool.

    Raises:
        InputError: labels that are not integers (n, h, w), or a negative width.
    """
    valid = _valid(labels, ignore_index)
    if not isinstance(width, int) or width < 0:
        raise InputError(f"width is {width!r}; give a whole number of pixels >= 0.")
    if not labels.numel():
        return valid
    width = min(width, max(labels.shape[1:]))
    # Pooling takes floats; float64 holds every class index there can be.
    classes = labels.double()
    largest = _largest_around(classes.masked_fill(~valid, -torch.inf), width)
    smallest = -_largest_around((-classes).masked_fill(~valid, -torch.inf), width)
    return valid & ((largest != classes) | (smallest != classes))


def interior(labels: Labels, width: int = 2, ignore_index: int = 255) -> PixelMask:
    """Valid pixels that are not on the `boundary`; arguments and errors are the same."""
    return _valid(labels, ignore_index) & ~boundary(labels, width, ignore_index)


def foreground(labels: Labels, background: Collection[int], ignore_index: int = 255) -> PixelMask:
    """Valid pixels whose class is not one of `background`.

    Args:
        labels: (n, h, w) integers.
        background: classes that are no objects, such as sky and road.
        ignore_index: label of void pixels.

    Returns:
        (n, h, w) bool.

    Raises:
        InputError: labels that are not integers (n, h, w).
    """
    valid = _valid(labels, ignore_index)
    behind = torch.tensor(list(background), dtype=torch.int64, device=labels.device)
    return valid & ~torch.isin(labels.long(), behind)


def _valid(labels: Tensor, ignore_index: int) -> Tensor:
    if labels.ndim != 3 or labels.is_floating_point() or labels.dtype == torch.bool:
        raise InputError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; give class indices (int64) "
            "of shape (n, h, w)."
        )
    # In int64, so that an ignore_index of -1 can be compared with 8-bit labels.
    return labels.long() != ignore_index


def _largest_around(values: Tensor, width: int) -> Tensor:
    """Largest value in the square around each pixel of (n, h, w), first by column, then by row."""
    size = 2 * width + 1
    pooled = F.max_pool2d(values.unsqueeze(1), (size, 1), stride=1, padding=(width, 0))
    return F.max_pool2d(pooled, (1, size), stride=1, padding=(0, width)).squeeze(1)
