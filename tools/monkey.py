"""Plays with the desktop app at random and tells whether it can stand it.

    python tools/monkey.py --minutes 30 --seed 0

Keys, clicks, drags, the wheel, sizes of the window, menus, drops of good and bad files; dialogs are
played with and closed. Every ten seconds it prints one line. It ends with 1 if the app crashed, an
exception got out, threads were left over, or memory grew by more than a tenth after minute 3.
"""

import argparse
import ctypes
import gc
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HOME = Path(tempfile.mkdtemp(prefix="monkey-"))
for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA"):
    os.environ[name] = str(HOME)  # nothing of the user's is read or written

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import (  # noqa: E402
    QMimeData,
    QPoint,
    QPointF,
    Qt,
    QTimer,
    QUrl,
    qInstallMessageHandler,
)
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import (  # noqa: E402
    QAbstractSpinBox,
    QApplication,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QWidget,
)
from shiboken6 import isValid  # noqa: E402

from art_segplugin.data.video import VideoWriter  # noqa: E402
from art_segplugin_gui import app as studio  # noqa: E402
from art_segplugin_gui.qt.action_table import ACTIONS  # noqa: E402
from art_segplugin_gui.qt.main_window import MainWindow  # noqa: E402
from art_segplugin_gui.session.saving import save_state  # noqa: E402
from art_segplugin_gui.session.state import State  # noqa: E402

HARMLESS = re.compile("plugin does not|outside target window|RoundingPolicy")
THREADS_MORE = 4  # of torch, OpenCV and Qt, which begin when they are first needed
GROWTH = 1.1
KEYS = [Qt.Key(Qt.Key.Key_A + n) for n in range(26)] + [
    *(Qt.Key(Qt.Key.Key_0 + n) for n in range(10)),
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home,
    Qt.Key.Key_End, Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Space,
    Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    Qt.Key.Key_Minus, Qt.Key.Key_Equal, Qt.Key.Key_Period, Qt.Key.Key_BracketLeft,
    Qt.Key.Key_BracketRight, Qt.Key.Key_F1, Qt.Key.Key_F11,
]  # fmt: skip
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL, COPY = Qt.KeyboardModifier.ControlModifier, Qt.DropAction.CopyAction
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton  # fmt: skip


@dataclass
class Gaps:
    """How long the event loop was not heard of, as a histogram of milliseconds."""

    counts: dict[int, int] = field(default_factory=dict)
    last: float = 0.0

    def tick(self) -> None:
        """Note the time since the last tick."""
        now = time.perf_counter()
        if self.last:
            gap = int(1000 * (now - self.last))
            self.counts[gap] = self.counts.get(gap, 0) + 1
        self.last = now

    def words(self) -> str:
        """Its 99th percentile and its maximum."""
        if not self.counts:
            return "gap -"
        left = sum(self.counts.values()) // 100
        place = 0
        for place in sorted(self.counts, reverse=True):
            left -= self.counts[place]
            if left < 0:
                break
        return f"gap p99 {place} ms, max {max(self.counts)} ms"


def make_files(folder: Path) -> list[str]:
    """Good and bad things to open."""
    noise = np.random.default_rng(0)
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(3):
        pixels = noise.integers(0, 255, (90, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{number}.png")
    (pictures / "bad.png").write_bytes(b"no picture")
    Image.fromarray(noise.integers(0, 255, (700, 500, 3), dtype=np.uint8)).save(folder / "big.jpg")
    Image.new("RGB", (1, 1)).save(folder / "one-pixel.png")
    with VideoWriter(folder / "clip.mkv", 12) as writer:
        for _ in range(15):
            writer.write(noise.integers(0, 255, (96, 128, 3), dtype=np.uint8))
    whole = (folder / "clip.mkv").read_bytes()
    (folder / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (folder / "bad.mp4").write_bytes(b"no video" * 50)
    (folder / "bad.safetensors").write_bytes(b"no weights" * 50)
    (folder / "bad.json").write_text("{")
    (folder / "text.txt").write_text("text")
    (folder / "empty").mkdir()
    save_state(folder / "good.segstudio.json", State())
    return [str(path) for path in sorted(folder.iterdir())] + [str(folder / "missing.png")]


class Monkey:
    """Acts on one window, again and again.

    Args:
        window: the window.
        seed: of what it does.
        minutes: how long.
    """

    def __init__(self, window: MainWindow, seed: int, minutes: float) -> None:
        self.window, self.random = window, random.Random(seed)
        folder = HOME / "files"
        folder.mkdir()
        self.files = make_files(folder)
        self.started, self.seconds = time.monotonic(), 60 * minutes
        self.done, self.banners, self.modal_since = 0, 0, 0.0
        self.gaps, self.problems = Gaps(), list[str]()
        self.early: list[float] = []
        self.late: list[float] = []
        self.quiet_until: float | None = None
        self.threads = 0
        self.controls: list[QWidget] = []
        self.notes: list[str] = []
        say = window.parts.banners.show_message

        def counted(*given: Any, **more: Any) -> None:
            self.banners += 1
            say(*given, **more)

        window.parts.banners.show_message = counted  # type: ignore[method-assign]
        window.actions_table.show_enabled("quit", False)
        window.director.shown_changed.connect(self._first)
        for other in ("getOpenFileName", "getSaveFileName"):
            setattr(QFileDialog, other, lambda *_, **__: (self._path(), ""))
        QFileDialog.getExistingDirectory = lambda *_, **__: self._path()  # type: ignore[method-assign]
        QMessageBox.about = lambda *_: None  # type: ignore[method-assign]
        self._every(10, self.gaps.tick)
        self._every(10_000, self.report)
        QTimer.singleShot(500, self.home)
        QTimer.singleShot(600, self.act)

    def act(self) -> None:
        """One action, and an appointment for the next, also while a dialog is open."""
        QTimer.singleShot(self.random.choice((1, 1, 5, 20, 20, 60)), self.act)
        elapsed = time.monotonic() - self.started
        if self._dismissed() or self._is_quiet(elapsed):
            return
        self.done += 1
        what = self.random.choices(list(HABITS.values()), [weight for weight, _ in HABITS])[0]
        self._note(what.__name__)
        what(self)

    def report(self) -> None:
        """One line on how it goes."""
        print(
            f"{time.monotonic() - self.started:6.0f} s  {self.done:6d} actions  "
            f"RSS {memory():6.0f} MB  {threading.active_count():2d} threads "
            f"({tasks()} of the system)  {files_open():3d} files  {self.banners:4d} banners  "
            f"{self.gaps.words()}",
            flush=True,
        )

    def verdict(self) -> list[str]:
        """What went wrong, after the window is closed."""
        left = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
        if left:
            self.problems.append(f"threads are left: {', '.join(left)}")
        if self.threads and tasks() > self.threads + THREADS_MORE:
            self.problems.append(f"{tasks()} threads of the system, {self.threads} at the start")
        if self.early and self.late:
            before, after = statistics.median(self.early), statistics.median(self.late)
            print(f"memory at rest: {before:.0f} MB at minute 3, {after:.0f} MB at the end")
            if after > GROWTH * before:
                self.problems.append(f"memory grew from {before:.0f} to {after:.0f} MB")
        return self.problems

    # What it does.

    def key(self) -> None:
        """Press a key, at times with a modifier."""
        modifier = self.random.choices((NONE, SHIFT, CTRL), (10, 1, 1))[0]
        key = self.random.choice(KEYS)
        if (key, modifier) != (Qt.Key.Key_Q, CTRL):
            modal = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            target = modal or QApplication.focusWidget() or self.window
            QTest.keyClick(target, key, modifier)

    def hold(self) -> None:
        """Hold a key for a while."""
        key = self.random.choice((Qt.Key.Key_X, Qt.Key.Key_O))
        QTest.keyPress(self.window, key)
        QTimer.singleShot(self.random.randrange(300), lambda: QTest.keyRelease(self.window, key))

    def click(self) -> None:
        """Click on something."""
        widget = self._widget()
        button = self.random.choices((LEFT, RIGHT, MIDDLE), (12, 2, 1))[0]
        act = QTest.mouseDClick if self.random.random() < 0.1 else QTest.mouseClick
        act(widget, button, NONE, self._point(widget))

    def drag(self) -> None:
        """Press, move and let go."""
        widget = self._widget()
        button = self.random.choices((LEFT, RIGHT, MIDDLE), (8, 1, 1))[0]
        QTest.mousePress(widget, button, NONE, self._point(widget))
        for _ in range(self.random.randrange(1, 8)):
            if isValid(widget):
                QTest.mouseMove(widget, self._point(widget))
        if isValid(widget):
            QTest.mouseRelease(widget, button, NONE, self._point(widget))

    def wheel(self) -> None:
        """Turn the wheel."""
        widget = self._widget()
        at = QPointF(self._point(widget))
        turn = QPoint(0, self.random.choice((-240, -120, 120, 240)))
        spot = QPointF(widget.mapToGlobal(at.toPoint()))
        event = QWheelEvent(
            at, spot, QPoint(), turn, Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def resize(self) -> None:
        """Give the window another size."""
        self.window.resize(self.random.randrange(640, 1920), self.random.randrange(480, 1200))

    def drop(self) -> None:
        """Drop one or two files."""
        data = QMimeData()
        paths = self.random.choices(self.files, k=self.random.choice((1, 1, 2)))
        data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        QApplication.sendEvent(self.window, QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NONE))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(9, 9), COPY, data, LEFT, NONE))

    def menu(self) -> None:
        """Choose something of a menu."""
        name = self.random.choice([one.id for one in ACTIONS if one.id != "quit"])
        self.window.actions_table.action(name).trigger()

    def undo(self) -> None:
        """Take some changes back, or do them again."""
        name = self.random.choice(("undo", "undo", "redo"))
        for _ in range(self.random.randrange(1, 6)):
            self.window.actions_table.action(name).trigger()

    def home(self) -> None:
        """Bring back what was closed, and something to play with."""
        self._tidy()
        self._look_around()
        source = self.random.choice(("scenes:test", "drive:0", self.files[-2]))
        self.window.files.open_dropped("source", source)

    # How.

    def _look_around(self) -> None:
        parts = self.window.parts
        self.controls = [
            one
            for part in (parts.source, parts.models, parts.attack, parts.charts, parts.curve,
                         parts.timeline, parts.clip, parts.log, parts.grid, self.window.menuBar())
            for one in (part, *part.findChildren(QWidget))
        ]  # fmt: skip
        for one in (self.window, *self.controls):  # menus that Qt makes and deletes
            if one is self.window or isinstance(one, QLineEdit | QAbstractSpinBox | QPlainTextEdit):
                one.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def _note(self, text: str) -> None:
        """Keep the newest actions in a file, for the case that the process dies of one."""
        self.notes = [*self.notes[-30:], text]
        (HOME / "last-actions.txt").write_text("\n".join(self.notes))

    def _tidy(self) -> None:
        demo = self.window.actions_table.action("demo")
        if demo.isChecked():
            demo.trigger()
        for dock in self.window.parts.docks.values():
            dock.setFloating(False)
            dock.show()

    def _is_quiet(self, elapsed: float) -> bool:
        """Stop at minute 3 and at the end, and look at the memory when all is as at the start."""
        if self.quiet_until is None:
            due = (
                self.seconds > 180 and not self.early and elapsed > 180
            ) or elapsed > self.seconds
            if not due:
                return False
            self._tidy()
            self.window.session.change(State())
            self.window.director.run()
            self.quiet_until = elapsed + 12
        if elapsed < self.quiet_until:
            if elapsed > self.quiet_until - 4:
                gc.collect()
                trim()
                (self.late if elapsed > self.seconds else self.early).append(memory())
            return True
        self.quiet_until = None
        if elapsed > self.seconds:
            self.report()
            self.quiet_until = float("inf")
            self.window.close()
            QApplication.exit(0)
        return True

    def _dismissed(self) -> bool:
        """Close what has been open for a second."""
        shown = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if shown is None:
            self.modal_since = 0.0
        elif not self.modal_since:
            self.modal_since = time.monotonic()
        elif time.monotonic() - self.modal_since > 0.6:
            self.modal_since = 0.0
            shown.reject() if isinstance(shown, QDialog) else shown.close()
            return True
        return False

    def _first(self) -> None:
        step = self.window.director.shown.step
        if not self.threads and step is not None and step.answer:
            self.threads = tasks()

    def _widget(self) -> QWidget:
        """Something visible that lives as long as the window, or was made by Python.

        PySide is not told when Qt deletes what Qt has made, such as the buttons of a dialog's box,
        and would give what was freed for what is now in its place: then this process crashes, not
        because of the app.
        """
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if top is not None:
            values = vars(top).values()
            parts = [*values, *(v for d in values if isinstance(d, dict) for v in d.values())]
            inside = [one for one in parts if isinstance(one, QWidget) and isValid(one)]
            return self.random.choice([top, *inside])
        shown = [one for one in self.controls if isValid(one) and one.isVisible()]
        chosen = self.random.choice([*shown, self.window])
        self._note(f"  on {type(chosen).__name__} {chosen.accessibleName()!r}")
        return chosen

    def _point(self, widget: QWidget) -> QPoint:
        return QPoint(
            self.random.randrange(max(widget.width(), 1)),
            self.random.randrange(max(widget.height(), 1)),
        )

    def _path(self) -> str:
        return self.random.choice([*self.files, "", str(HOME / "written" / "new.segstudio.json")])

    def _every(self, milliseconds: int, what: Callable[[], None]) -> None:
        timer = QTimer(self.window)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(what)
        timer.start(milliseconds)


HABITS: dict[tuple[float, str], Callable[[Monkey], None]] = {
    (20, "key"): Monkey.key,
    (1, "hold"): Monkey.hold,
    (30, "click"): Monkey.click,
    (14, "drag"): Monkey.drag,
    (8, "wheel"): Monkey.wheel,
    (0.7, "resize"): Monkey.resize,
    (1, "drop"): Monkey.drop,
    (4, "menu"): Monkey.menu,
    (2, "undo"): Monkey.undo,
    (0.5, "home"): Monkey.home,
}


def memory() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def tasks() -> int:
    """Threads of this process, with those of C++."""
    return len(os.listdir("/proc/self/task"))


def files_open() -> int:
    """Open file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def trim() -> None:
    """Give free memory back, so that what is left is what is used."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def main() -> int:
    """Start the app, play, and return 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    os.chdir(HOME)
    exceptions: list[str] = []

    def heard(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        exceptions.append(f"{kind.__name__}: {error}")
        sys.__excepthook__(kind, error, trace)

    def heard_in_thread(said: threading.ExceptHookArgs) -> None:
        exceptions.append(f"{said.exc_type.__name__} in a thread: {said.exc_value}")
        threading.__excepthook__(said)

    sys.excepthook, threading.excepthook = heard, heard_in_thread  # the app calls them, too
    monkeys: list[Monkey] = []
    qInstallMessageHandler(lambda _, __, text: None if HARMLESS.search(text) else print(text))
    QApplication(["monkey"])

    def begin() -> None:
        window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
        monkeys.append(Monkey(window, given.seed, given.minutes))

    QTimer.singleShot(0, begin)
    status = studio.main(["--safe-mode", "--size", "1280x800"])
    problems = monkeys[0].verdict() + exceptions
    if time.monotonic() - monkeys[0].started < monkeys[0].seconds:
        problems.append("the app ended too early")
    for problem in problems:
        print(f"PROBLEM {problem}")
    print(f"status {status}, {len(problems)} problems")
    if not problems:
        shutil.rmtree(HOME, ignore_errors=True)  # else its crash log and last actions stay
    return 1 if problems or status else 0


if __name__ == "__main__":
    sys.exit(main())
