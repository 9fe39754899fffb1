"""Where to look: the largest connected part of some pixels."""

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.session.frames import Side

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, the last two excluded."""


def largest_region(pixels: NDArray[np.bool_]) -> Box | None:
    """The box around the largest connected part of the pixels that are True; None without any.

    Args:
        pixels: bool (h, w).
    """
    count, _, stats, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8))
    if count < 2:  # the background alone
        return None
    left, top, width, height = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), :4].tolist()
    return left, top, left + width, top + height


def newly_wrong_region(clean: Side, attacked: Side, index: int) -> Box | None:
    """The largest part of a class that was right without the attack and is wrong under it."""
    of_class = clean.reference == index
    fell = of_class & (clean.prediction == index) & (attacked.prediction != index)
    return largest_region(fell if fell.any() else of_class)
