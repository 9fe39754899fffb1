"""What every source of pictures gives."""

from dataclasses import dataclass
from typing import Protocol

from art_segplugin.errors import InputError
from art_segplugin_gui.session.frames import SourceFrame


class SourceLostError(InputError):
    """A source that was open cannot give pictures any more, such as a camera that was unplugged."""


class FrameSource(Protocol):
    """Pictures by number. It belongs to the thread that opened it."""

    @property
    def spec(self) -> str:
        """What opens it again."""
        ...

    @property
    def name(self) -> str:
        """What a window calls it."""
        ...

    @property
    def count(self) -> int | None:
        """Number of pictures, which may shrink; None for a live source, which never ends."""
        ...

    @property
    def fps(self) -> float:
        """Pictures a second, for playing."""
        ...

    @property
    def moving(self) -> bool:
        """Whether one picture follows from the one before, as in videos, drives and cameras."""
        ...

    @property
    def exact_labels(self) -> bool:
        """Whether every picture comes with labels that nobody had to draw."""
        ...

    def read(self, index: int) -> SourceFrame:
        """Read a picture; a live source gives its newest one, whatever the index.

        Raises:
            InputError: there is no such picture, or it cannot be read.
            SourceLostError: there will be no more pictures.
        """
        ...

    def close(self) -> None:
        """Let go of files and devices."""
        ...


@dataclass(frozen=True)
class SourceInfo:
    """What there is to know of a source without touching it.

    Attributes:
        spec: what opens it again.
        name: what a window calls it.
        count: number of pictures; None for a live source.
        fps: pictures a second.
        size: height and width of the picture that was read first; None where it could not be read.
        moving: one picture follows from the one before.
        exact_labels: every picture comes with labels that nobody had to draw.
    """

    spec: str
    name: str
    count: int | None
    fps: float
    size: tuple[int, int] | None
    moving: bool
    exact_labels: bool


def describe(source: FrameSource, first: SourceFrame | None) -> SourceInfo:
    """Describe a source, of which `first` was read first."""
    height, width = (0, 0) if first is None else first.image.shape[:2]
    return SourceInfo(
        source.spec,
        source.name,
        source.count,
        source.fps,
        None if first is None else (height, width),
        source.moving,
        source.exact_labels,
    )


def check_index(index: int, count: int, name: str) -> None:
    """Refuse a number that no picture has.

    Raises:
        InputError: `index` is not in 0..`count` - 1.
    """
    if not 0 <= index < count:
        raise InputError(f"{name} has {count} pictures; give 0 to {count - 1}, not {index}.")
