"""Maps that follow from what a model says: where it is right, where it fell, where it healed."""

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.qt.panes.cache import SideCache
from art_segplugin_gui.qt.panes.hatching import (
    BARS,
    DOTS,
    FALLING,
    RISING,
    hatching,
    outline,
)
from art_segplugin_gui.session.frames import VOID, PixelMap, Prediction
from art_segplugin_gui.session.state import View

RIGHT, HEALED, NEWLY, ALREADY, IGNORED = 0, 2 * DOTS, 2 * RISING, 2 * FALLING, 2 * BARS
"""Even codes of `verdicts`; one more means that the pixel is ink of the state's hatching."""
PAIR_FILL, PAIR_INK, PAIR_LINE = 1, 2, 3
"""Codes of `pair_codes`; 0 is everything else."""

_cache = SideCache(room=24)


def verdicts(side: Prediction, clean: Prediction | None, view: View) -> NDArray[np.uint8]:
    """What became of each pixel: RIGHT, NEWLY wrong, ALREADY wrong clean, HEALED or IGNORED.

    Of a clean side every wrong pixel is ALREADY wrong. Without a clean side every wrong pixel is
    NEWLY wrong. Pixels of true classes that are hidden, or not the isolated one, are RIGHT.

    Args:
        side: what is looked at.
        clean: the same model on the clean image, or None.
        view: its `hidden` and `isolated` classes count.

    Returns:
        Codes, uint8 (h, w); hatched pixels are one higher.
    """
    settings = ("verdicts", view.hidden, view.isolated)
    return _cache.get((side, clean), settings, lambda: _verdicts(side, clean, view))


def _verdicts(side: Prediction, clean: Prediction | None, view: View) -> NDArray[np.uint8]:
    reference = side.reference
    wrong = (side.prediction != reference).view(np.uint8)
    if clean is None:
        before = np.zeros_like(wrong)
    elif clean is side:
        before = wrong
    else:
        before = (clean.prediction != reference).view(np.uint8)
    # Right, healed, newly and already wrong are 0 to 3: halves of the codes, bits of the hatching.
    state = (wrong << 1) | before
    np.copyto(state, IGNORED // 2, where=reference == VOID)
    if view.hidden or view.isolated is not None:
        state *= cv2.LUT(reference, _painted_classes(view))  # by far faster than NumPy's indexing
    ink = (hatching(*state.shape) >> state) & 1
    codes: NDArray[np.uint8] = (state << 1) | ink
    return codes


def _painted_classes(view: View) -> NDArray[np.uint8]:
    """1 for every class that is painted, 0 for the others; void is painted."""
    painted = np.ones(256, np.uint8)
    if view.isolated is not None:
        painted[:VOID] = 0
        painted[view.isolated] = 1
    for index in view.hidden:
        painted[index] = 0
    return painted


def pair_codes(side: Prediction, pair: tuple[int, int]) -> NDArray[np.uint8]:
    """Pixels of one true class that are taken for one class: fill, hatching and outline.

    Args:
        side: what is looked at.
        pair: true and predicted class.

    Returns:
        0, PAIR_FILL, PAIR_INK or PAIR_LINE, uint8 (h, w).
    """

    def work_out() -> NDArray[np.uint8]:
        inside = (side.reference == pair[0]) & (side.prediction == pair[1])
        codes: NDArray[np.uint8] = inside.astype(np.uint8)
        codes += inside & (hatching(*codes.shape) >> RISING & 1).astype(np.bool_)
        codes[outline(inside)] = PAIR_LINE
        return codes

    return _cache.get((side,), ("pair", pair), work_out)


def restricted(side: Prediction, view: View) -> PixelMap | None:
    """The confidence where the view paints the predicted class, at least 1/255; 0 elsewhere.

    Args:
        side: what is looked at.
        view: its `hidden`, `isolated` and `pair` count.

    Returns:
        uint8 (h, w), or None where there is no confidence.
    """
    confidence = side.confidence
    if confidence is None:
        return None

    def work_out() -> NDArray[np.uint8]:
        painted = cv2.LUT(side.prediction, _painted_classes(view))
        if view.pair is not None:
            painted *= side.reference == view.pair[0]
            painted *= side.prediction == view.pair[1]
        share: NDArray[np.uint8] = np.maximum(confidence, np.uint8(1)) * painted
        return share

    settings = ("confidence", view.hidden, view.isolated, view.pair)
    return _cache.get((side,), settings, work_out)
