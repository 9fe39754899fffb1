"""Work that the window must not wait for and no model is needed for, such as writing files."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from art_segplugin.errors import InputError


class Background(QObject):
    """Runs functions one after the other, each in a thread of its own.

    Signals:
        done: what the function returned.
        failed: one sentence, and the details for the log.
        running: whether something is being done.
    """

    done = Signal(object)
    failed = Signal(str, str)
    running = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._one_at_a_time = threading.Lock()
        self._threads: list[threading.Thread] = []

    def run(self, work: Callable[[], Any]) -> None:
        """Do this after what is being done."""
        thread = threading.Thread(target=self._work, args=(work,), name="files", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        self.running.emit(True)
        thread.start()

    def wait(self, seconds: float) -> bool:
        """Let it finish, for so many seconds in all; False if it has not."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self, work: Callable[[], Any]) -> None:
        with self._one_at_a_time, contextlib.suppress(RuntimeError):  # the window may be gone
            try:
                result = work()
            except InputError as error:
                self.failed.emit(str(error), "")
            except Exception as error:
                self.failed.emit(f"{type(error).__name__}: {error}", traceback.format_exc())
            else:
                self.done.emit(result)
            self.running.emit(False)
