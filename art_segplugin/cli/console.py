"""What all commands print with."""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from art_segplugin.errors import InputWarning

LINE_EVERY = 60.0
"""Seconds after which a line of progress is printed, however little was done."""
LINE_SHARE, LEAST_BETWEEN_LINES = 0.1, 2.0
"""Share of the whole after which one is printed, but not before so many seconds."""


def output() -> Console:
    """Standard output, for tables and results."""
    return Console(emoji=False)  # ":two:" in a name is no emoji


def errors() -> Console:
    """Standard error, for progress and messages."""
    return Console(stderr=True, emoji=False)


def progress_bar() -> Progress:
    """A bar with count, elapsed and remaining time; lines where standard error is no terminal."""
    if not errors().is_terminal:
        return ProgressLines(console=errors(), disable=True)
    return Progress(
        TextColumn("{task.description}", markup=False),  # a path may look like markup
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors(),
    )


class ProgressLines(Progress):
    """The same for logs: a line at the start, at the end, and at most every tenth in between."""

    _last: tuple[float, float] = (0.0, 0.0)  # when the last line was printed, and how much was done

    def add_task(self, description: str, *args: Any, **values: Any) -> TaskID:
        """Begin, and say so."""
        number = super().add_task(description, *args, **values)
        self._print(number, time.monotonic())
        return number

    def update(self, task_id: TaskID, **values: Any) -> None:
        """Note what is done, and say it where enough is new."""
        super().update(task_id, **values)
        task, now = self.tasks[task_id], time.monotonic()
        waited, more = now - self._last[0], task.completed - self._last[1]
        due = more >= LINE_SHARE * (task.total or 0) and waited >= LEAST_BETWEEN_LINES
        finished = task.total is not None and task.completed >= task.total
        if more > 0 and (due or waited >= LINE_EVERY or finished):
            self._print(task_id, now)

    def _print(self, number: TaskID, now: float) -> None:
        task = self.tasks[number]
        self._last = now, task.completed
        of = "" if task.total is None else f" of {task.total:g}"
        left = f", {clock(task.time_remaining)} left" if task.time_remaining else ""
        self.console.print(
            f"{task.description}: {task.completed:g}{of}, {clock(task.elapsed or 0)} elapsed{left}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def clock(seconds: float) -> str:
    """A duration as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


@contextmanager
def warnings_told() -> Iterator[None]:
    """Print warnings as sentences, those about files once at the end with the number of files."""
    files: dict[str, dict[str, None]] = {}
    told, usual = set[str](), warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if isinstance(message, InputWarning):
            files.setdefault(str(message), {})[message.where] = None
        elif not issubclass(category, UserWarning):
            usual(message, category, *where, **more)
        elif str(message) not in told:
            told.add(str(message))
            tell_warning(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        try:
            yield
        finally:
            for sentence, names in files.items():
                first = next(iter(names))
                others = f" and {len(names) - 1} more" if len(names) > 1 else ""
                tell_warning(f"{first}{others}: {sentence}.")


def tell_warning(sentence: str) -> None:
    """Print a warning."""
    errors().print(f"[yellow]warning:[/] {escape(sentence)}", highlight=False, soft_wrap=True)
