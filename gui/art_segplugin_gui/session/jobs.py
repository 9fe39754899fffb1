"""Cancelling what runs, waiting for the newest of what is to be done, and doing the next beside."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Cancelled(BaseException):
    """What ran was told to stop; like KeyboardInterrupt no Exception, which models may catch."""


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


def next_of_each(iterators: Sequence[Iterator[T]]) -> tuple[list[T], float]:
    """The next of each iterator, and the seconds that they took."""
    started = time.perf_counter()
    return [next(one) for one in iterators], time.perf_counter() - started


class Prefetcher:
    """A second thread for the attack itself: drawing a point does not hold up the next one.

    It does one thing after the other.

    A daemon, unlike the threads of an executor: one that is stuck in a model must not keep the
    process from ending.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="attack", daemon=True)
        self._thread.start()

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Do this next; the future has what comes of it, an exception too."""
        future: Future[T] = Future()
        self._jobs.put((work, future))
        return future

    def close(self) -> None:
        """End the thread after what it is doing; does not wait."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future = job
            try:
                future.set_result(work())
            except BaseException as error:  # raised again where the result is asked for
                future.set_exception(error)
            del job, work, future  # while nothing is to do, hold on to nothing
