"""The pictures that were read last, so that loops and steps back cost nothing."""

from collections import OrderedDict

from art_segplugin_gui.session.frames import SourceFrame

CACHE_BYTES = 128 * 2**20
"""250 frames of 480 x 360."""


class FrameCache:
    """Pictures by number; those that were not used for longest go first.

    Args:
        limit: bytes; the newest picture is kept even if it is larger.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._frames: OrderedDict[int, SourceFrame] = OrderedDict()
        self._bytes = 0

    def get(self, index: int) -> SourceFrame | None:
        """The picture of that number, if it is still here."""
        frame = self._frames.get(index)
        if frame is not None:
            self._frames.move_to_end(index)
        return frame

    def keep(self, frame: SourceFrame) -> SourceFrame:
        """Keep a picture under its number; returns it."""
        replaced = self._frames.pop(frame.index, None)
        self._bytes += _bytes(frame) - (0 if replaced is None else _bytes(replaced))
        self._frames[frame.index] = frame
        while self._bytes > self._limit and len(self._frames) > 1:
            self._bytes -= _bytes(self._frames.popitem(last=False)[1])
        return frame

    def clear(self) -> None:
        """Forget all of them."""
        self._frames.clear()
        self._bytes = 0


def _bytes(frame: SourceFrame) -> int:
    return frame.image.nbytes + (0 if frame.labels is None else frame.labels.nbytes)
