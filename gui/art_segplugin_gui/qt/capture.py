"""The thread that opens sources and reads their pictures, so that the window never waits."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from art_segplugin.errors import InputError
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.jobs import Latest
from art_segplugin_gui.session.sources.base import FrameSource, SourceLostError, describe

CLOSING_SECONDS = 0.8
Kind = Literal["opened", "recounted", "frame", "failed", "lost", "ended"]


@dataclass(frozen=True)
class Play:
    """A range that is played; see `SourceThread.play`."""

    first: int
    last: int | None
    loop: bool
    fps: float | None


@dataclass(frozen=True)
class Wish:
    """All that is wanted of the thread, so that a newer wish can replace one that waits.

    Attributes:
        opening: counts sources that were asked for.
        spec: the newest of them.
        longest_side: limit on its pictures.
        asked: counts pictures that were asked for.
        index: the newest of them.
        play: what shall play; None for nothing.
        acknowledged: number of the report whose picture has been shown.
    """

    opening: int = 0
    spec: str = ""
    longest_side: int | None = None
    asked: int = 0
    index: int = 0
    play: Play | None = None
    acknowledged: int = 0


@dataclass(frozen=True, eq=False)
class Report:
    """What the thread has to say.

    Attributes:
        kind: which signal it becomes.
        value: what that signal carries.
        opening: `Wish.opening` that it answers.
        asked: `Wish.asked` that it answers.
        number: counts reports of pictures.
        stops: the source cannot play on.
    """

    kind: Kind
    value: object
    opening: int
    asked: int
    number: int
    stops: bool = False


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


class CaptureLoop:
    """What the source thread does: it compares what is wished for with what it has done.

    Args:
        opener: makes a source of a spec and the longest side.
        wishes: where wishes come from; its end is the end of the loop.
        report: takes what there is to say.
    """

    def __init__(
        self,
        opener: Callable[[str, int | None], FrameSource],
        wishes: Latest[Wish],
        report: Callable[[Report], None],
    ) -> None:
        self._opener, self._wishes, self._tell = opener, wishes, report
        self._source: FrameSource | None = None
        self._wish = Wish()
        self._playing: Play | None = None
        self._index = 0  # of the newest picture
        self._number = 0  # of the newest report of a picture
        self._started = 0.0  # when picture `_from` was due
        self._from = 0
        self._steps = 0  # pictures since then

    def run(self) -> None:
        """Do what is wished for until the mailbox is closed."""
        try:
            while not self._wishes.closed:
                wish = self._wishes.take(self._patience())
                if wish is not None:
                    self._follow(wish)
                elif not self._wishes.closed:
                    self._play_on()
        finally:
            self._drop()

    def _patience(self) -> float | None:
        """Seconds until there is something to do without a new wish; None for never."""
        if self._source is None or self._playing is None:
            return None
        if self._source.count is None:
            return 0.0  # a camera's own pace; what the window has no time for is thrown away
        if self._wish.acknowledged < self._number:
            return None
        due = self._started + (self._steps + 1) / self._fps(self._source)
        return max(due - time.monotonic(), 0.0)

    def _follow(self, wish: Wish) -> None:
        before, self._wish = self._wish, wish
        play_changed = wish.play is not before.play
        if wish.opening != before.opening:
            self._playing = None
            if not self._open(wish):
                return
            play_changed = True
        elif wish.asked != before.asked:
            self._read(wish.index)
            self._set_clock()
        if play_changed:
            self._playing = wish.play
            self._begin()

    def _open(self, wish: Wish) -> bool:
        """Replace the source; where that fails, the old one stays."""
        if self._source is not None and self._source.count is None:
            self._drop()  # a camera can be opened once only
        source = None
        try:
            source = self._opener(wish.spec, wish.longest_side)
            index = wish.index if source.count is None else min(wish.index, source.count - 1)
            first, problem = None, ""
            try:
                first = source.read(max(index, 0))
            except SourceLostError:
                raise
            except InputError as error:
                if source.moving or source.count == 1:
                    raise
                problem = str(error)  # the next picture of a folder may be readable
        except Exception as error:
            if source is not None:
                source.close()
            self._report("failed", _sentence(error), stops=True)
            return False
        self._drop()
        self._source = source
        self._index = max(index, 0)
        self._report("opened", describe(source, first))
        if first is not None:
            self._send(first)
        else:
            self._report("failed", problem)
        return True

    def _read(self, index: int, spare: bool = False) -> bool:
        """Read one picture and send it; not a spare one that the window has no time for."""
        source = self._source
        if source is None:
            self._report("failed", "Nothing is open; open a picture, a video or a scene first.")
            return False
        count = source.count
        try:
            frame = source.read(index)
        except SourceLostError as error:
            self._drop()
            self._playing = None
            self._report("lost", str(error), stops=True)
            return False
        except Exception as error:
            self._playing = None
            self._report("failed", _sentence(error), stops=True)
            if source.count is not None and source.count != count:
                self._report("recounted", source.count)
            return False
        self._index = index
        if not spare or self._wish.acknowledged >= self._number:
            self._send(frame)
        return True

    def _begin(self) -> None:
        """Start the clock of what shall play."""
        if self._source is None or self._playing is None:
            return
        first, last = self._range(self._source, self._playing)
        if first == last:
            self._playing = None
            self._report("ended", None)
            return
        if not first <= self._index <= last or (self._index == last and not self._playing.loop):
            self._index = first
            if not self._read(first):
                return
        self._set_clock()

    def _set_clock(self) -> None:
        self._started, self._from, self._steps = time.monotonic(), self._index, 0

    def _play_on(self) -> None:
        """Send the picture that is due."""
        source, play = self._source, self._playing
        if source is None or play is None:
            return
        if source.count is None:
            self._read(self._index + 1, spare=True)
            return
        first, last = self._range(source, play)
        self._steps = max(
            int((time.monotonic() - self._started) * self._fps(source)), self._steps + 1
        )
        place = self._from - first + self._steps
        if play.loop:
            self._read(first + place % (last - first + 1))
        elif self._read(min(first + place, last)) and self._index == last:
            self._playing = None
            self._report("ended", None)

    def _range(self, source: FrameSource, play: Play) -> tuple[int, int]:
        if source.count is None:
            return 0, self._index + 1
        end = source.count - 1
        first = min(max(play.first, 0), end)
        return first, end if play.last is None else min(max(play.last, first), end)

    def _fps(self, source: FrameSource) -> float:
        asked = self._playing.fps if self._playing is not None else None
        return asked if asked is not None and asked > 0 else max(source.fps, 0.01)

    def _send(self, frame: SourceFrame) -> None:
        self._number += 1
        self._report("frame", frame)

    def _report(self, kind: Kind, value: object, stops: bool = False) -> None:
        wish = self._wish
        self._tell(Report(kind, value, wish.opening, wish.asked, self._number, stops))

    def _drop(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None


def _sentence(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f"The source could not be read ({type(error).__name__}: {error}); open it again."
