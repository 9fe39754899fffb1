"""A second thread for the attack itself, so that drawing a point does not hold up the next one."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Ahead:
    """Does one thing after the other.

    A daemon, unlike the threads of an executor: one that is stuck in a model must not keep the
    process from ending.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="attack", daemon=True)
        self._thread.start()

    def start(self, work: Callable[[], T]) -> "Future[T]":
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
