"""The thread that opens sources and reads their pictures, so that the window never waits."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from art_segplugin_gui.qt.capture_loop import CaptureLoop, Play, Report, Wish
from art_segplugin_gui.session.jobs import Latest
from art_segplugin_gui.session.sources.base import FrameSource

CLOSING_SECONDS = 0.8


class SourceThread(QObject):
    """Reads pictures in a thread of its own. No method waits, but `close` for less than a second.

    Only the newest wish counts: pictures that were asked for while another one was being read, and
    are not wanted any more, are never read. While a source plays, the next picture is sent when its
    time has come and the window has said `ready` about the one before; those in between are left
    out. After `opened`, no picture of an earlier source arrives.

    Where a source cannot be opened, the one that was open stays open.

    Args:
        opener: makes a source of a spec and the longest side, as `session.sources.opening` does.
        parent: owner of this object.
    """

    opened = Signal(object)
    """A `SourceInfo`; its first picture follows as `frame`."""
    recounted = Signal(int)
    """The source turned out to have only so many pictures."""
    frame = Signal(object)
    """A `SourceFrame`."""
    failed = Signal(str)
    """One sentence on what could not be opened or read; the source is still there."""
    lost = Signal(str)
    """One sentence; the source is gone and has to be opened again."""
    busy = Signal(bool)
    """Whether a picture that was asked for has not come yet; sent at once, not by the thread."""
    playing = Signal(bool)
    """Whether the source plays."""

    _reported = Signal(object)

    def __init__(
        self, opener: Callable[[str, int | None], FrameSource], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._wish = Wish()
        self._wishes: Latest[Wish] = Latest()
        self._busy = False
        self._delivered = 0
        self._reported.connect(self._deliver)
        loop = CaptureLoop(opener, self._wishes, self._report)
        self._thread = threading.Thread(target=loop.run, name="source", daemon=True)
        self._thread.start()

    def open(self, spec: str, longest_side: int | None, index: int = 0) -> None:
        """Open a source and read one of its pictures (the last, if it has fewer)."""
        self._set(
            opening=self._wish.opening + 1,
            spec=spec,
            longest_side=longest_side,
            asked=self._wish.asked + 1,
            index=index,
            play=None,
        )
        self._set_busy(True)

    def show(self, index: int) -> None:
        """Read a picture; a source that plays goes on from there."""
        self._set(asked=self._wish.asked + 1, index=index)
        self._set_busy(True)

    def play(
        self, first: int = 0, last: int | None = None, loop: bool = True, fps: float | None = None
    ) -> None:
        """Play from where the source is, or from `first` where that is outside of the range.

        Args:
            first: first picture of the range.
            last: last picture of it; None for the end.
            loop: begin again at `first` after `last`.
            fps: pictures a second; None for the source's own.
        """
        self._set(play=Play(first, last, loop, fps))
        self.playing.emit(True)

    def pause(self) -> None:
        """Play no further."""
        if self._wish.play is not None:
            self._set(play=None)
            self.playing.emit(False)

    def ready(self) -> None:
        """Say that the newest picture has been shown, so that a playing source sends another."""
        self._set(acknowledged=self._delivered)

    def close(self) -> None:
        """End the thread; one that is blocked by a device is left behind and dies on its own."""
        self._wishes.close()
        self._thread.join(CLOSING_SECONDS)

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _set(self, **changes: object) -> None:
        self._wish = replace(self._wish, **changes)  # type: ignore[arg-type]
        self._wishes.put(self._wish)

    def _set_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy.emit(busy)

    def _report(self, report: Report) -> None:
        """Called by the thread."""
        if not self._wishes.closed:
            with suppress(RuntimeError):  # the window may be gone already
                self._reported.emit(report)

    @Slot(object)
    def _deliver(self, report: Report) -> None:
        if self._wishes.closed:
            return
        if report.kind == "frame":
            self._delivered = report.number
        if report.opening != self._wish.opening:
            if report.kind == "frame":
                self.ready()  # nobody will show it
            return
        if report.kind == "ended" or (report.kind in ("failed", "lost") and report.stops):
            self.pause()
        if report.kind != "ended":
            getattr(self, report.kind).emit(report.value)
        if report.kind in ("frame", "failed", "lost") and report.asked == self._wish.asked:
            self._set_busy(False)
