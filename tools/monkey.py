"""Plays with the desktop app at random and tells whether it can stand it.

    python tools/monkey.py --minutes 30 --seed 0

Keys, clicks, drags, the wheel, sizes of the window, menus, drops of good and bad files; dialogs are
played with and closed. Every ten seconds it prints one line. It ends with 1 if the app crashed, an
exception got out, threads were left over, or memory grew by more than a tenth after minute 3.
"""

import argparse
import gc
import os
import random
import re
import shutil
import statistics
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from monkey_hands import Hands
from monkey_home import HOME
from monkey_warm import warm
from monkey_watching import Gaps, files_open, memory, tasks, trim
from PySide6.QtCore import Qt, QTimer, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox

from art_segplugin_gui import app as studio
from art_segplugin_gui.qt.window import MainWindow
from art_segplugin_gui.session.state import State

HARMLESS = re.compile("plugin does not|outside target window|RoundingPolicy")
THREADS_MORE = 4  # of torch, OpenCV and Qt, which begin when they are first needed
GROWTH = 1.1


class Monkey:
    """Acts on one window, again and again.

    Args:
        window: the window.
        seed: of what it does.
        minutes: how long.
    """

    def __init__(self, window: MainWindow, seed: int, minutes: float, warmed: bool) -> None:
        self.window, self.random = window, random.Random(seed)
        self.hands = Hands(window, self.random)
        self.started, self.seconds = time.monotonic(), 60 * minutes
        self.done, self.banners, self.modal_since = 0, 0, 0.0
        self.gaps, self.problems = Gaps(), list[str]()
        self.early: list[float] = []
        self.late: list[float] = []
        self.quiet_until: float | None = None
        self.threads = 0
        say = window.parts.banners.show_message

        def counted(*given: Any, **more: Any) -> None:
            self.banners += 1
            say(*given, **more)

        window.parts.banners.show_message = counted  # type: ignore[method-assign]
        window.actions_table.show_enabled("quit", False)
        window.controller.shown_changed.connect(self._first)
        for other in ("getOpenFileName", "getSaveFileName"):
            setattr(QFileDialog, other, lambda *_, **__: (self.hands.path(), ""))
        QFileDialog.getExistingDirectory = lambda *_, **__: self.hands.path()  # type: ignore[method-assign]
        QMessageBox.about = lambda *_: None  # type: ignore[method-assign]
        self._every(10, self.gaps.tick)
        self._every(10_000, self.report)
        ready = warm(window) if warmed else 500
        QTimer.singleShot(ready, self.hands.home)
        QTimer.singleShot(ready + 100, self.act)

    def act(self) -> None:
        """One action, and an appointment for the next, also while a dialog is open."""
        QTimer.singleShot(self.random.choice((1, 1, 5, 20, 20, 60)), self.act)
        elapsed = time.monotonic() - self.started
        if self._dismissed() or self._is_quiet(elapsed):
            return
        self.done += 1
        self.hands.act()

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

    def _is_quiet(self, elapsed: float) -> bool:
        """Stop at minute 3 and at the end, and look at the memory when all is as at the start."""
        if self.quiet_until is None:
            due = (
                self.seconds > 180 and not self.early and elapsed > 180
            ) or elapsed > self.seconds
            if not due:
                return False
            self.hands.tidy()
            self.window.session.change(State())
            self.window.controller.run()
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
        step = self.window.controller.shown.step
        if not self.threads and step is not None and step.answer:
            self.threads = tasks()

    def _every(self, milliseconds: int, what: Callable[[], None]) -> None:
        timer = QTimer(self.window)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(what)
        timer.start(milliseconds)


def main() -> int:
    """Start the app, play, and return 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--warm", action="store_true", help="first do all that the app does once and keeps"
    )
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
        monkeys.append(Monkey(window, given.seed, given.minutes, given.warm))

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
