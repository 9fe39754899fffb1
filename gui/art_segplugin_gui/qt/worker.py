"""The inference worker: one thread that runs the engine, and can be abandoned when a model blocks."""

import contextlib
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal

from art_segplugin_gui.session.clip_request import AnyEvent
from art_segplugin_gui.session.frames import Failed, Idle
from art_segplugin_gui.session.jobs import CancelToken, Latest
from art_segplugin_gui.session.priority import give_way
from art_segplugin_gui.session.ready import Ready

CLOSING_SECONDS = 2.0


class EngineLike(Protocol):
    """What the worker needs of the engine."""

    def events(self, request: Any, token: CancelToken) -> Iterator[AnyEvent]:
        """Answer a request; the last event is Idle."""

    def close(self) -> None:
        """Let go of everything; no request comes any more."""


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
        self._requests: Latest[tuple[Any, CancelToken]] = Latest()
        self._events: deque[AnyEvent] = deque()
        self._announced = False
        self._lock = threading.Lock()
        self._token = CancelToken()
        self._pending = 0
        self.last_sign = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="inference", daemon=True)

    def start(self) -> None:
        """Begin, once the signals are connected."""
        self._thread.start()

    def submit(self, request: Any) -> None:
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

    def take(self) -> list[AnyEvent]:
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
        engine: EngineLike
        give_way()
        try:
            engine, ready = self._start()
        except Exception as error:
            engine = _Absent(f"The engine did not start: {error}")
            self._post(Failed(0, engine.text, traceback.format_exc()))
        else:
            self._emit(self.ready, ready)
        while (taken := self._requests.take()) is not None:
            request, token = taken
            for event in engine.events(request, token):
                self._post(event)
        engine.close()

    def _post(self, event: AnyEvent) -> None:
        with self._lock:
            self.last_sign = time.monotonic()
            self._events.append(event)
            if isinstance(event, Idle):  # who hears of it shall find the worker at rest
                self._pending -= 1
            announce, self._announced = not self._announced, True
        if announce:
            self._emit(self.arrived)

    def _emit(self, signal: Any, *values: Any) -> None:
        # The window may be gone, and this object with it; then nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            signal.emit(*values)


class _Absent:
    """Stands in for an engine that did not start, so that nothing waits for an answer for ever."""

    def __init__(self, text: str) -> None:
        self.text = text

    def events(self, request: Any, token: CancelToken) -> Iterator[AnyEvent]:
        """Say again why."""
        yield Failed(request.rev, self.text)
        yield Idle(request.rev)

    def close(self) -> None:
        """There is nothing to let go of."""


QUEUED = Qt.ConnectionType.QueuedConnection
"""How to connect to signals that come from another thread."""
