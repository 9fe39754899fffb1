"""The inference worker: one thread that runs the engine, and can be abandoned when a model blocks."""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from art_segplugin_gui.session.frames import Event, Failed, Idle
from art_segplugin_gui.session.jobs import CancelToken, Latest
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.request import EngineLike, Request

CLOSING_SECONDS = 2.0
NICENESS = 5
LOOKS_MS = 500
PATIENCE_SECONDS = 10.0
"""A step or a load that is silent for longer is worth a word."""

Start = Callable[[], tuple[EngineLike, Ready]]


class Worker(QObject):
    """Runs requests one after the other; a newer one cancels what runs and replaces what waits.

    The thread is a daemon and no QThread: one that is stuck in a single operation can neither be
    ended nor destroyed, only left alone.

    Args:
        start: makes the engine, in the worker's thread.

    Signals:
        ready: the engine has started, with its Ready.
        arrived: `take` has something to give. There is never more than one of these on its way, so
            a slow window cannot be flooded.
    """

    ready = Signal(object)
    arrived = Signal()

    def __init__(self, start: Start, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._start = start
        self._requests: Latest[tuple[Request, CancelToken]] = Latest()
        self._events: deque[Event] = deque()
        self._announced = False
        self._lock = threading.Lock()
        self._token = CancelToken()
        self._pending = 0
        self.last_sign = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)

    def start(self) -> None:
        """Begin, once the signals are connected."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Run this next, and stop what runs now."""
        token = CancelToken()
        with self._lock:
            self._token.cancel()
            self._token = token
            if self._requests.put((request, token)) is None:
                self._pending += 1
            self.last_sign = time.monotonic()

    def cancel(self) -> None:
        """Stop what runs; it says Stopped when it has."""
        self._token.cancel()

    def pause(self) -> None:
        """Let what runs wait at its next point."""
        self._token.pause()

    def take(self) -> list[Event]:
        """All events since the last time, oldest first."""
        with self._lock:
            self._announced = False
            events = list(self._events)
            self._events.clear()
        return events

    @property
    def busy(self) -> bool:
        """Whether a request runs or waits."""
        return self._pending > 0

    @property
    def silent_for(self) -> float:
        """Seconds since the worker was last heard of, 0 while there is nothing to do."""
        return time.monotonic() - self.last_sign if self.busy else 0.0

    def close(self, timeout: float = CLOSING_SECONDS) -> bool:
        """Stop and end the thread; False if it is stuck and was left alone."""
        self.cancel()
        self._requests.close()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        _give_way()
        engine, refusal = None, ""
        try:
            engine, ready = self._start()
        except Exception as error:
            refusal = f"The engine did not start: {error}"
            self._post(Failed(0, refusal, traceback.format_exc()))
        else:
            self._emit(self.ready, ready)
        while (taken := self._requests.take()) is not None:
            request, token = taken
            if engine is None:  # nothing shall wait for an answer for ever
                self._post(Failed(request.rev, refusal))
                self._post(Idle(request.rev))
                continue
            for event in request.run(engine, token):
                self._post(event)
        if engine is not None:
            engine.close()

    def _post(self, event: Event) -> None:
        with self._lock:
            self.last_sign = time.monotonic()
            self._events.append(event)
            if event.last:  # who hears of it shall find the worker at rest
                self._pending -= 1
            announce, self._announced = not self._announced, True
        if announce:
            self._emit(self.arrived)

    def _emit(self, signal: Any, *values: Any) -> None:
        # The window may be gone, and this object with it; then nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            signal.emit(*values)


class HasWorker(Protocol):
    """What has a worker."""

    worker: Worker


class Watch(QObject):
    """Looks twice a second whether a worker is stuck in one operation, and says so once.

    Args:
        owner: has the worker, which may become another one.

    Signals:
        stuck: seconds for which nothing was heard; again every PATIENCE_SECONDS.
        recovered: it was heard of again.
    """

    stuck = Signal(float)
    recovered = Signal()

    def __init__(self, owner: HasWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._owner = owner
        self._said_at: float | None = None
        self.patience = PATIENCE_SECONDS
        self._timer = QTimer(self, interval=LOOKS_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def look(self) -> None:
        """Compare the silence with the patience."""
        silent = self._owner.worker.silent_for
        if silent < self.patience:
            if self._said_at is not None:
                self._said_at = None
                self.recovered.emit()
        elif self._said_at is None or time.monotonic() - self._said_at >= self.patience:
            self._said_at = time.monotonic()
            self.stuck.emit(silent)


def _give_way() -> None:
    """Give the calling thread a lower priority, where the system has one for each thread (Linux).

    The window and the attack go before the drawing where there are more threads than cores.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


QUEUED = Qt.ConnectionType.QueuedConnection
"""How to connect to signals that come from another thread."""
