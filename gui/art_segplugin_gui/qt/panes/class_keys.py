"""The legend of classes: what the colours in the panes mean, largest class first."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui._cv2 import cv2
from art_segplugin_gui.qt.panes.cache import SideCache
from art_segplugin_gui.qt.panes.colours import Rgb, class_table
from art_segplugin_gui.qt.panes.hatching import RISING, hatching
from art_segplugin_gui.qt.panes.layers import Key, pair_table
from art_segplugin_gui.qt.panes.maps import PAIR_FILL
from art_segplugin_gui.qt.panes.safe import safe_colours
from art_segplugin_gui.session.frames import VOID, Prediction
from art_segplugin_gui.session.state import View

MOST_KEYS = 8

_cache = SideCache(room=16)


def class_keys(
    sides: Sequence[Prediction], view: View, colours: tuple[Rgb, ...], names: Sequence[str]
) -> tuple[tuple[Key, ...], int]:
    """The classes that are painted, those with most pixels in all panes first.

    Args:
        sides: what the panes show.
        view: its `hidden`, `isolated` and `pair` count.
        colours: of the classes; `view.safe_colours` overrides them.
        names: of the classes.

    Returns:
        At most MOST_KEYS entries, and how many more there would be.
    """
    palette = safe_colours(len(colours)) if view.safe_colours else colours
    if not sides or not palette:
        return (), 0
    if view.pair is not None:
        true, predicted = (_name(index, names) for index in view.pair)
        table = pair_table(palette, *view.pair)
        return (Key(f"{true} taken for {predicted}", _pair_swatch(), table),), 0
    counts = np.sum([_counts(side) for side in sides], axis=0)[: min(len(palette), VOID)]
    shown = [
        index
        for index in np.argsort(-counts, kind="stable").tolist()
        if counts[index] and index not in view.hidden and view.isolated in (None, index)
    ]
    table = class_table(palette, view.hidden, view.isolated)
    keys = tuple(Key(_name(index, names), _swatch(index), table) for index in shown[:MOST_KEYS])
    return keys, max(len(shown) - MOST_KEYS, 0)


def _counts(side: Prediction) -> NDArray[np.float32]:
    """Pixels of each of 256 values."""

    def work_out() -> NDArray[np.float32]:
        counts: NDArray[np.float32] = cv2.calcHist([side.prediction], [0], None, [256], [0, 256])
        return counts.reshape(-1)  # OpenCV 4 gives a column

    return _cache.get((side,), "counts", work_out)


def _name(index: int, names: Sequence[str]) -> str:
    return names[index] if index < len(names) else f"class {index}"


@lru_cache(maxsize=256)
def _swatch(index: int) -> NDArray[np.uint8]:
    swatch = np.full((14, 20), index, np.uint8)
    swatch.setflags(write=False)
    return swatch


@lru_cache(maxsize=1)
def _pair_swatch() -> NDArray[np.uint8]:
    swatch = (PAIR_FILL + (hatching(14, 20) >> RISING & 1)).astype(np.uint8)
    swatch.setflags(write=False)
    return swatch
