"""What the window is given because it must not import it: everything behind which torch stands."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from art_segplugin_gui.qt.worker import Start
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.sources.base import FrameSource


@dataclass(frozen=True)
class Services:
    """Functions that are called in other threads than the window's.

    Attributes:
        start_engine: the engine and what there is to choose from.
        open_source: a source, by its spec and the longest side of its pictures.
        cameras: numbers of the cameras that are there.
        export: writes kinds of files of what is on screen into a folder.
    """

    start_engine: Start
    open_source: Callable[[str, int | None], FrameSource]
    cameras: Callable[[], list[int]]
    export: Callable[[Path, Collection[str], Exported], list[Path]]
