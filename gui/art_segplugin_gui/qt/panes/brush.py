"""Painting a region with a round brush, and how it looks."""

import math

import numpy as np

from art_segplugin_gui.qt.panes.colours import CLEAR, Table, argb, padded
from art_segplugin_gui.qt.panes.hatching import FALLING, hatching, outline
from art_segplugin_gui.qt.panes.layers import Layer
from art_segplugin_gui.session.painted import Mask

_TABLE: Table = padded(
    [CLEAR, argb((255, 255, 255), 40), argb((0, 0, 0), 110), argb((255, 255, 255))]
)


def brushed(
    mask: Mask, start: tuple[float, float], end: tuple[float, float], width: float, erase: bool
) -> Mask:
    """A new mask: one stroke of a round brush more, or less.

    Args:
        mask: bool (h, w); it is not written into.
        start: x and y of where the stroke begins, in pixels of the picture.
        end: x and y of where it ends.
        width: diameter of the brush in pixels; a pixel is hit when its middle is within.
        erase: take away instead of adding.
    """
    height, columns = mask.shape
    reach = max(width / 2, 0.75)  # less would pass between the middles of pixels
    left = max(0, math.floor(min(start[0], end[0]) - reach))
    top = max(0, math.floor(min(start[1], end[1]) - reach))
    right = min(columns, math.ceil(max(start[0], end[0]) + reach))
    bottom = min(height, math.ceil(max(start[1], end[1]) + reach))
    stroked = mask.copy()
    if right <= left or bottom <= top:
        return stroked
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = (x - start[0]) * dx + (y - start[1]) * dy
    share = np.clip(along / length, 0, 1) if length > 0 else 0.0
    distance = (x - start[0] - share * dx) ** 2 + (y - start[1] - share * dy) ** 2
    hit = distance <= reach * reach
    part = stroked[top:bottom, left:right]
    part[hit] = not erase
    return stroked


def mask_layer(mask: Mask) -> Layer:
    """A painted region as it lies on the panes: hatched, in a white outline.

    Args:
        mask: bool (h, w).
    """
    codes = mask.astype(np.uint8)
    codes += mask & (hatching(*mask.shape) >> FALLING & 1).astype(np.bool_)
    codes[outline(mask)] = 3
    return Layer(codes, _TABLE)
