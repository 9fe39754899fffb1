"""What all commands print with."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def output() -> Console:
    """Standard output, for tables and results."""
    return Console()


def errors() -> Console:
    """Standard error, for progress and messages."""
    return Console(stderr=True)


def progress_bar() -> Progress:
    """A bar with count, elapsed and remaining time; silent where standard error is no terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),  # a path may look like markup
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors(),
        disable=not errors().is_terminal,
    )
