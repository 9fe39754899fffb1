"""Cancelling what runs, and waiting for no more than the newest of what is to be done."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Cancelled(Exception):  # noqa: N818 - no error
    """What ran was told to stop."""


class CancelToken:
    """Told by one thread, asked by another."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._pause = threading.Event()

    def cancel(self) -> None:
        """Ask for an end; any thread, any number of times."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether an end was asked for."""
        return self._event.is_set()

    def pause(self) -> None:
        """Ask to wait at the next point, from where one can go on."""
        self._pause.set()

    @property
    def paused(self) -> bool:
        """Whether it shall wait at the next point."""
        return self._pause.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if an end was asked for."""
        if self._event.is_set():
            raise Cancelled


class Latest(Generic[T]):
    """A mailbox with one place: what waits in it is replaced by what is newer."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> T | None:
        """Leave an item; returns the one it replaced. A closed mailbox drops it."""
        with self._changed:
            if self._closed:
                return None
            replaced, self._item = self._item, item
            self._changed.notify()
            return replaced

    def take(self, timeout: float | None = None) -> T | None:
        """Wait for the item; None when the mailbox is closed, or nothing came in `timeout` s."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            return item

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._closed

    def close(self) -> None:
        """Drop what waits and wake who waits."""
        with self._changed:
            self._item, self._closed = None, True
            self._changed.notify_all()
