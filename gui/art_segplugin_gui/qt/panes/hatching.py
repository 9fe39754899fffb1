"""Hatchings as pictures, so that errors are told apart by more than their colour."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2

DOTS, RISING, FALLING, BARS = 1, 2, 3, 4
"""Bits of `hatching`: dots, lines like /, lines like \\, and sparse upright lines; bit 0 is empty."""


def pen_of(height: int, width: int) -> int:
    """Width of a line that is seen when the whole picture fits a pane, in its pixels."""
    return max(1, round(max(height, width) / 320))


@lru_cache(maxsize=8)
def hatching(height: int, width: int) -> NDArray[np.uint8]:
    """All hatchings of one size: bit n of a pixel is set where hatching n has ink.

    Lines are as far apart as looks right when the whole picture fits a pane, so they are wider in
    larger pictures.

    Args:
        height: pixels.
        width: pixels.

    Returns:
        uint8 (height, width).
    """
    pen = pen_of(height, width)
    period = 6 * pen
    y, x = np.ogrid[:height, :width]
    rising = (x + y) % period < pen + pen // 2
    falling = (x - y) % period < pen + pen // 2
    centre = period // 2
    row = y // period
    dots = (y % period - centre) ** 2 + ((x + row % 2 * centre) % period - centre) ** 2 <= (
        1.3 * pen
    ) ** 2
    bars = (x % (2 * period) < pen) & (y >= 0)
    bits = np.zeros((height, width), np.uint8)
    for bit, ink in ((RISING, rising), (FALLING, falling), (DOTS, dots), (BARS, bars)):
        bits |= ink.astype(np.uint8) << bit
    bits.setflags(write=False)
    return bits


def outline(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A line along the inner side of a region's edge; the picture's rim is no edge.

    Args:
        inside: bool (h, w).

    Returns:
        bool (h, w).
    """
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    core: NDArray[np.uint8] = cv2.erode(
        inside.view(np.uint8), cross, iterations=pen_of(*inside.shape)
    )
    rim: NDArray[np.bool_] = inside & (core == 0)
    return rim
