"""What the window is given because it must not import it: everything behind which torch stands."""

from collections.abc import Callable
from dataclasses import dataclass

from art_segplugin_gui.qt.worker import Start
from art_segplugin_gui.session.sources.base import FrameSource


@dataclass(frozen=True)
class Services:
    """Functions that are called in other threads than the window's.

    Attributes:
        start_engine: the engine and what there is to choose from.
        open_source: a source, by its spec and the longest side of its pictures.
        cameras: numbers of the cameras that are there.
    """

    start_engine: Start
    open_source: Callable[[str, int | None], FrameSource]
    cameras: Callable[[], list[int]]
