"""The body of `replay`: scores recorded and scores computed now, side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from art_segplugin.cli import options
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.evaluation.clip import ClipReproduction, replay_clip
from art_segplugin.evaluation.model_refs import ModelPair, elsewhere
from art_segplugin.evaluation.repro import (
    Reproduction,
    json_path,
    kind_of,
    read_text,
    reproduce,
)
from art_segplugin.evaluation.result import versions
from art_segplugin.evaluation.scores import Scores, differences
from art_segplugin.report.summary import ABSENT
from art_segplugin.report.tables import table

MOST_CLASSES = 24
MOST_LISTED = 20
FIGURES = ("mIoU", "error", "change")
TARGET_FIGURES = ("reached", "collateral")
DIGITS = 5
"""That the tables show; what is compared are all of them."""


def run(
    path: Path,
    device: str | None,
    tolerance: float,
    moved: tuple[str | None, str | None],
    *,
    run_code: bool,
) -> bool:
    """Compute the scores of a file again, print both, and say whether they agree.

    Args:
        path: a `repro.json` or its folder.
        device: where to compute; None for where it was recorded.
        tolerance: by how much shares and distances may differ.
        moved: where models A and B are now; None where they were.
        run_code: models of own code may be run.

    Raises:
        InputError: the file, what it names, or a model cannot be used.
    """
    path = json_path(path)
    is_clip = kind_of(read_text(path)) == "clip"
    recorded = ClipReproduction.load(path) if is_clip else Reproduction.load(path)
    recorded = replace(recorded, models=_moved(recorded.models, moved))
    where = device or options.device(recorded.device)
    _say_versions(recorded.versions, recorded.device, where)
    with progress_bar() as bar:
        task = bar.add_task("pictures" if is_clip else "points", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if isinstance(recorded, ClipReproduction):
            before = recorded.pooled
            found, lines = replay_clip(
                recorded,
                path.parent,
                where,
                tolerance=tolerance,
                progress=progress,
                run_code=run_code,
            )
        else:
            before = recorded.numbers
            found = reproduce(recorded, where, progress=progress, run_code=run_code)
            lines = differences(before, found, tolerance)
    _print(str(path), before, found, recorded.classes)
    return _verdict(lines, tolerance)


def _moved(models: ModelPair, moved: tuple[str | None, str | None]) -> ModelPair:
    b = None if models.b is None else elsewhere(models.b, moved[1])
    return replace(models, a=elsewhere(models.a, moved[0]), b=b)


def _say_versions(recorded: Mapping[str, str], device: str, where: str) -> None:
    now = versions() | {"device": where}
    before = dict(recorded) | {"device": device}
    other = [f"{k} {before[k]} (here {now[k]})" for k in now if k in before and before[k] != now[k]]
    if other:
        errors().print(
            f"recorded with {', '.join(other)}: figures may differ in the last digits.",
            markup=False,
            highlight=False,
        )


def _print(
    heading: str,
    recorded: Mapping[str, Scores],
    found: Mapping[str, Scores],
    classes: Sequence[str],
) -> None:
    sides = [side for side in recorded if side in found]
    targeted = any(recorded[side].target for side in sides)
    rows = []
    for side in sides:
        before, now = recorded[side], found[side]
        pairs = [(before.miou, now.miou), (before.mis_ratio, now.mis_ratio)]
        pairs.append((before.distance, now.distance))
        if targeted:
            pairs += [(before.reached, now.reached), (before.collateral, now.collateral)]
        rows.append([side, *(_text(value) for pair in pairs for value in pair)])
    figures = (*FIGURES, *TARGET_FIGURES) if targeted else FIGURES
    header = ["recorded and now", *(name for figure in figures for name in (figure, "now"))]
    against = any(not numbers.labelled for numbers in recorded.values())
    note = "Vs clean prediction, not labels." if against else ""
    output().print(table(heading, header, rows, note))
    count = min(len(recorded[side].class_iou) for side in sides) if sides else 0
    names = [*classes, *map(str, range(len(classes), count))]
    classes_shown = [
        [names[index], *(_both(recorded[side], found[side], index) for side in sides)]
        for index in range(min(count, MOST_CLASSES))
    ]
    if classes_shown:
        note = "" if count <= MOST_CLASSES else f"The first {MOST_CLASSES} of {count} classes."
        output().print(
            table(
                "IoU, and what it is now where it differs", ["class", *sides], classes_shown, note
            )
        )


def _both(recorded: Scores, found: Scores, index: int) -> str:
    before, now = (
        float(one.class_iou[index]) if index < len(one.class_iou) else math.nan
        for one in (recorded, found)
    )
    same = _text(before) == _text(now)
    return _text(before) if same else f"{_text(before)} -> {_text(now)}"


def _text(value: float) -> str:
    return ABSENT if math.isnan(value) else f"{value:.{DIGITS}f}"


def _verdict(lines: list[str], tolerance: float) -> bool:
    if not lines:
        said = "identical" if tolerance == 0 else f"the same within {tolerance:g}"
        output().print(f"All figures are {said}.")
        return True
    output().print(f"{len(lines)} figures differ:")
    listed = lines[:MOST_LISTED]
    if len(lines) > MOST_LISTED:
        listed.append(f"and {len(lines) - MOST_LISTED} more")
    for line in listed:
        output().print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    return False
