"""What went wrong goes to a file, also when the process dies of it; the window is told if it lives."""

import atexit
import contextlib
import faulthandler
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TextIO

from art_segplugin import __version__
from art_segplugin.files import state_folder

KEPT = 5
"""So many logs with something in them are kept."""

_PATTERN = "crash-*.log"
_LONG_EMPTY = 24 * 3600.0  # seconds; an empty log that old belongs to no running app
_LARGEST = 4 << 20  # bytes; a fault in a paint event may come sixty times a second

OnError = Callable[[str, str], None]


class CrashLog:
    """Hooks into Python that write every uncaught exception to a file.

    Covered are exceptions in slots and in the main thread, in other threads, and faults that end the
    process (a segmentation fault in a library). The app goes on after an exception in a slot.

    Attributes:
        path: the file; None where none can be written. It is empty until something happens, and is
            removed at the end if it still is.

    Args:
        folder: where the file is made, and the older ones lie.
        on_error: called with one line and the whole traceback, **in the thread in which it
            happened**; nothing is expected of it, and what it raises is written down too.
    """

    def __init__(self, folder: Path, on_error: OnError) -> None:
        self._on_error = on_error
        self._lock = threading.RLock()
        self._seen: set[str] = set()
        self._old_hook, self._old_thread_hook = sys.excepthook, threading.excepthook
        self._file: TextIO | None = None
        self.path: Path | None = None
        # without a log the app is still of use
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            _tidy(folder)
            self.path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
            self._file = self.path.open("a", encoding="utf-8", errors="replace")
            faulthandler.enable(self._file)
        sys.excepthook, threading.excepthook = self._exception, self._thread_exception
        atexit.register(self.close)

    def close(self) -> None:
        """Take the hooks away, and an empty file; may be called twice."""
        atexit.unregister(self.close)
        if sys.excepthook == self._exception:
            sys.excepthook = self._old_hook
        if threading.excepthook == self._thread_exception:
            threading.excepthook = self._old_thread_hook
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None and self.path is not None:
                faulthandler.disable()
                self._file.close()
                self._file = None
                if self.path.stat().st_size == 0:
                    self.path.unlink()

    def write(self, where: str, text: str) -> None:
        """Add a traceback to the file; one that is there already is not written again."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._file is None or text in self._seen or self._file.tell() > _LARGEST:
                return
            if not self._seen:
                self._file.write(_heading())
            self._seen.add(text)
            self._file.write(f"\n{time.strftime('%H:%M:%S')}, {where}\n{text}")
            self._file.flush()

    def _exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, Exception):
            self._report("main thread", kind, error, trace)
        self._old_hook(kind, error, trace)

    def _thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        if issubclass(arguments.exc_type, Exception) and error is not None:
            name = arguments.thread.name if arguments.thread else "a thread"
            self._report(name, arguments.exc_type, error, arguments.exc_traceback)
        self._old_thread_hook(arguments)

    def _report(
        self,
        where: str,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        self.write(where, text)
        line = traceback.format_exception_only(kind, error)[-1].strip()
        try:
            self._on_error(line, text)
        except Exception:
            self.write("telling the window", traceback.format_exc())


def install(on_error: OnError) -> CrashLog:
    """Write uncaught exceptions to the user's state folder from now on, and tell `on_error`."""
    return CrashLog(state_folder(os.environ, sys.platform, Path.home()), on_error)


def _tidy(folder: Path) -> None:
    """Remove all but the newest logs, and the empty ones of apps that were killed."""
    written = []
    for path in folder.glob(_PATTERN):
        with contextlib.suppress(OSError):  # another app may have removed it just now
            found = path.stat()
            if found.st_size:
                written.append((found.st_mtime, path))
            elif time.time() - found.st_mtime > _LONG_EMPTY:
                path.unlink()
    for _, path in sorted(written, reverse=True)[KEPT:]:
        with contextlib.suppress(OSError):
            path.unlink()


def _heading() -> str:
    return (
        f"art-segplugin {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
    )
