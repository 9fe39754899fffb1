"""Frames of a video file."""

from pathlib import Path

from art_segplugin.data.video import VideoReader
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import check_index
from art_segplugin_gui.session.sources.cache import FrameCache
from art_segplugin_gui.session.sources.scaling import even_sides, scaled_down


class VideoSource:
    """A video; an odd last row or column is cut off, as where the library attacks videos.

    Args:
        spec: path of the file.
        longest_side: larger frames are scaled down.

    Raises:
        InputError: the file is missing, is no video or breaks off before its first frame.
    """

    moving = True
    exact_labels = False

    def __init__(self, spec: str, longest_side: int | None) -> None:
        self.spec = spec
        path = Path(spec).absolute()
        self.name = path.name
        self.longest_side = longest_side
        self._reader = VideoReader(path)
        self.fps = self._reader.fps
        self._cache = FrameCache()

    @property
    def count(self) -> int:
        """Number of frames; shrinks when the file turns out to break off."""
        return self._reader.count

    def read(self, index: int) -> SourceFrame:
        """Read a frame; the next one is the fastest."""
        check_index(index, self.count, self.name)
        if (kept := self._cache.get(index)) is not None:
            return kept
        image = even_sides(scaled_down(self._reader.read(index), self.longest_side))
        origin = {
            "spec": self.spec,
            "index": index,
            "path": str(self._reader.path),
            "longest_side": self.longest_side,
        }
        name = f"{self._reader.path.stem}-{index:06d}"
        return self._cache.keep(SourceFrame(name, index, image, None, origin))

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        self._cache.clear()
