"""What a run has done so far, one row a step: log.csv, and TensorBoard where it is installed."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from art_segplugin.errors import InputError
from art_segplugin.files import write_text
from art_segplugin.training.trainer import TrainingStep

LOG_FILE = "log.csv"
TENSORBOARD_FOLDER = "tensorboard"
NUMBERS = ("loss", "lr", "strength")


@dataclass(frozen=True)
class LogRow:
    """One step.

    Attributes:
        step: Steps done, from 1.
        loss: Loss of its batch, before the update.
        lr: Its learning rate.
        strength: Share of the full radius that attacks had.
        scores: Validation scores in 0..1 by name; empty where the step was not validated.
    """

    step: int
    loss: float
    lr: float
    strength: float
    scores: dict[str, float] = field(default_factory=dict)


def logged(
    steps: Iterator[TrainingStep],
    folder: Path,
    scores: Sequence[str],
    *,
    tensorboard: bool = True,
) -> Iterator[TrainingStep]:
    """Write down the steps that pass through.

    Each row is appended and flushed at once, so that the cost of a step does not grow. What an earlier
    process wrote of these steps after it last saved its state is dropped: no step is there twice. A
    row that was cut off is dropped, too.

    Args:
        steps: Those of `art_segplugin.training.train`, from wherever the run goes on.
        folder: Folder of the run; gets ``log.csv`` and ``tensorboard/``.
        scores: Names of the validation scores, see `validation_scores`.
        tensorboard: Write events for TensorBoard, too, if tensorboardX is installed.

    Yields:
        The same steps, each once it is written.

    Raises:
        InputError: The folder cannot be written, or its ``log.csv`` is something else.
    """
    with ExitStack() as stack:
        targets: list[_Target] = []
        for step in steps:
            row = LogRow(step.step, step.loss, step.lr, step.strength, dict(step.scores or {}))
            if not targets:
                earlier = _earlier(folder / LOG_FILE, step.step)
                targets.append(_Csv(folder / LOG_FILE, scores, earlier))
                if tensorboard and has_tensorboard():
                    targets.append(_TensorBoard(folder / TENSORBOARD_FOLDER, earlier))
                for target in targets:
                    stack.callback(target.close)
            for target in targets:
                target.add(row)
            yield step


def has_tensorboard() -> bool:
    """Return whether tensorboardX, which writes events, is installed."""
    return find_spec("tensorboardX") is not None


def read_log(path: Path) -> list[LogRow]:
    """Read what `logged` wrote, without a row that was cut off.

    Raises:
        InputError: The file cannot be read, or is no such log.
    """
    try:
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]  # what follows was cut off
        rows = csv.DictReader(io.StringIO(whole), strict=True)
        return [_row(row) for row in rows]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise InputError(f"{path} is no log of a training ({error}); move it away.") from error


def _earlier(path: Path, first: int) -> list[LogRow]:
    return [row for row in read_log(path) if row.step < first] if path.exists() else []


def _row(cells: dict[str, str]) -> LogRow:
    numbers = {name: float(cells[name]) for name in NUMBERS}
    others = [name for name in cells if name not in ("step", *NUMBERS)]
    scores = {name: float(cells[name]) for name in others if cells[name] != ""}
    return LogRow(int(cells["step"]), **numbers, scores=scores)


class _Target(Protocol):
    def add(self, row: LogRow) -> None: ...

    def close(self) -> None: ...


class _Csv:
    """A table with empty cells where there was no validation."""

    def __init__(self, path: Path, scores: Sequence[str], earlier: Sequence[LogRow]) -> None:
        self._path, self._scores = path, scores
        lines = [self._line(["step", *NUMBERS, *scores]), *map(self._cells, earlier)]
        write_text(path, "".join(lines))
        self._file = path.open("a", encoding="utf-8", newline="")

    def add(self, row: LogRow) -> None:
        try:
            self._file.write(self._cells(row))
            self._file.flush()
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror or error}.") from error

    def close(self) -> None:
        self._file.close()

    def _cells(self, row: LogRow) -> str:
        scores = [row.scores.get(name, "") for name in self._scores]
        return self._line([row.step, *(getattr(row, name) for name in NUMBERS), *scores])

    def _line(self, cells: Sequence[Any]) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()


class _TensorBoard:
    """Events, written anew from the table when a run goes on: event files cannot be shortened."""

    def __init__(self, folder: Path, earlier: Sequence[LogRow]) -> None:
        from tensorboardX import SummaryWriter

        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
        self._writer = SummaryWriter(str(folder))
        for row in earlier:
            self.add(row)

    def add(self, row: LogRow) -> None:
        for name in NUMBERS:
            self._writer.add_scalar(f"training/{name}", getattr(row, name), row.step)
        for name, score in row.scores.items():
            if not math.isnan(score):
                self._writer.add_scalar(f"validation/{name}", score, row.step)

    def close(self) -> None:
        self._writer.close()
