"""Arrays worked out from sides, kept while the sides live and there is room."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui.session.frames import Prediction


class SideCache:
    """The newest arrays, by the sides and the settings they follow from.

    It keeps no side alive: a pass over a long video must not fill the memory.

    Args:
        room: number of arrays kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[Hashable, tuple[tuple[Any, ...], NDArray[Any]]] = OrderedDict()

    def get(
        self,
        sides: tuple[Prediction | None, ...],
        settings: Hashable,
        work_out: Callable[[], NDArray[np.uint8]] | Callable[[], NDArray[np.float32]],
    ) -> NDArray[Any]:
        """The array of these sides and settings, worked out at most once while there is room.

        Args:
            sides: what the array follows from.
            settings: anything else it follows from.
            work_out: called where the array is not there yet; nobody writes into its answer.
        """
        key = (tuple(id(side) for side in sides), settings)
        found = self._kept.get(key)
        # An id may be that of a newer side at the place of a dead one.
        if found is not None and all(
            (side is None) if seen is None else seen() is side
            for seen, side in zip(found[0], sides, strict=True)
        ):
            self._kept.move_to_end(key)
            return found[1]
        array = work_out()
        array.setflags(write=False)
        seen_sides = tuple(None if side is None else ref(side) for side in sides)
        self._kept[key] = (seen_sides, array)
        self._kept.move_to_end(key)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return array
