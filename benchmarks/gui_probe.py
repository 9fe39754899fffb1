"""The app as `art_segplugin_gui.app.main` puts it together, with a clock in it.

Two places are timed: the slot that takes what the worker sends, and the window's paint of all that
changed. Whatever else the window's thread does between two points of an attack shows in its CPU
time, which is noted too.
"""

import functools
import gc
import sys
import time

from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from art_segplugin_gui import app as gui
from art_segplugin_gui.arguments import parse
from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.window import MainWindow
from art_segplugin_gui.session.session import Session, with_models, with_source

SIZE = (1440, 900)
SECOND_MODEL = "small-scenes-segpgd"
TIMEOUT = 120.0


class Clock:
    """Wall clock and CPU time of the window's thread, in ms."""

    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), time.thread_time()

    def since(self):
        return 1000 * (time.perf_counter() - self.wall), 1000 * (time.thread_time() - self.cpu)


class Probe:
    """What happened when.

    Attributes:
        frames: one entry for each drawn point: wall and CPU ms of the slot and of the paints after
            it, and CPU ms of the thread until the next one.
        painted: time of the last paint; `paints` counts them.
        steps: (time, Step) of each point that arrived.
    """

    def __init__(self):
        self.frames, self.steps = [], []
        self.painted, self.paints = 0.0, 0
        self._current = None
        self._thread_cpu = None
        self._drew, self._step = False, None

    def slot(self, function):
        """`AttackController._events_came` under the clock."""

        @functools.wraps(function)
        def _events_came(controller):
            clock, self._drew = Clock(), False
            function(controller)
            wall, cpu = clock.since()
            if not self._drew:
                if self._current is not None:
                    self._current["wall"] += wall
                    self._current["cpu"] += cpu
                return
            self.end_frame()
            self._current = {"wall": wall, "cpu": cpu, "slot": wall, "paint": 0.0}
            self._thread_cpu = clock.cpu

        return _events_came

    def end_frame(self):
        """The thread's time from now on is of something else."""
        if self._current is not None:
            self._current["thread"] = 1000 * (time.thread_time() - self._thread_cpu)
            self.frames.append(self._current)
        self._current = None

    def point(self, step):
        self.steps.append((time.perf_counter(), step))

    def drew(self, shown):
        if shown.step is not self._step:
            self._step, self._drew = shown.step, True

    def paint(self, clock):
        wall, cpu = clock.since()
        self.painted, self.paints = time.perf_counter(), self.paints + 1
        if self._current is not None:
            self._current["wall"] += wall
            self._current["cpu"] += cpu
            self._current["paint"] += wall


class TimedWindow(MainWindow):
    """The app's window, whose paints are noted."""

    probe = None

    def event(self, event):
        if event.type() != QEvent.Type.UpdateRequest or self.probe is None:
            return super().event(event)
        clock = Clock()
        done = super().event(event)
        self.probe.paint(clock)
        return done


class LiveApp:
    """The window, its threads and the probe.

    Args:
        arguments: of the command line.
    """

    def __init__(self, *arguments):
        given = parse(["--safe-mode", "--size", "{}x{}".format(*SIZE), *arguments])
        sys.setswitchinterval(gui.SWITCH_INTERVAL)
        gc.disable()  # as `main` does; the engine's start enables it
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
            Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
        )
        self.app = QApplication.instance() or QApplication(["art-segplugin"])
        theme.apply(self.app, "dark")
        self.probe = Probe()
        # For good: there is one app a process.
        AttackController._events_came = self.probe.slot(AttackController._events_came)
        self.session = Session(gui.first_state(given, None))
        self.window = TimedWindow(self.session, gui.services(given), None)
        self.window.probe = self.probe
        self.controller = self.window.controller
        self.controller.stepped.connect(self.probe.point)
        self.controller.shown_changed.connect(self.probe.drew)
        self.idle_at = 0.0
        self.controller.idle.connect(self._idle)
        self.controller.failed.connect(lambda text, _: print(f"failed: {text}", file=sys.stderr))
        self.loop = QEventLoop()
        self.window.resize(*given.size)
        self.window.show()
        self.window.begin()

    def _idle(self):
        self.idle_at = time.perf_counter()

    @property
    def shown(self):
        return self.controller.shown

    def until(self, condition, timeout=TIMEOUT):
        """Run the event loop until something holds; when that was."""
        deadline = time.perf_counter() + timeout
        flags = QEventLoop.ProcessEventsFlag.WaitForMoreEvents
        while not condition():
            self.loop.processEvents(flags)
            if time.perf_counter() > deadline:
                raise SystemExit(f"gave up after {timeout:.0f} s")
        return time.perf_counter()

    def rest(self, seconds):
        """Run the event loop for so long."""
        QTimer.singleShot(round(1000 * seconds), self.loop.quit)
        self.loop.exec()

    def settle(self):
        """Wait until nothing runs and all is painted."""
        self.controller.stop()
        self.until(lambda: not self.controller.worker.busy)
        self.rest(0.3)

    def to_end(self):
        """Wait for the end of the attack that was asked for."""
        self.until(lambda: self.shown.step is not None and self.shown.step.answer)
        self.until(lambda: not self.controller.worker.busy)

    def started(self):
        """Wait for the first attack's first point."""
        self.until(lambda: self.shown.step is not None)

    def change(self, state):
        """What a control of the window does; when it was done."""
        at = time.perf_counter()
        self.session.change(state)
        return at

    def compare(self, spec=SECOND_MODEL, transfer=True):
        """Four panes, and wait until all of them show something."""
        self.change(with_models(self.session.state, b=spec, transfer=transfer))
        self.until(lambda: self.shown.attacked_b is not None or spec is None)

    def look_at(self, index):
        return self.change(with_source(self.session.state, index=index))

    def close(self):
        self.settle()
        self.window.close()
