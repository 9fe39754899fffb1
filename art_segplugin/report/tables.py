"""Scores as rows of text, and as tables for the terminal."""

import re
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from art_segplugin.evaluation.result import CLEAN, RobustnessReport
from art_segplugin.report.summary import (
    ABSENT,
    Group,
    Score,
    accuracy_word,
    class_scores_of,
    groups,
    main_score,
    main_score_word,
    option_text,
)

Rows = list[list[str]]


def scores_header(report: RobustnessReport) -> list[str]:
    """Heads of the columns of `score_rows`."""
    whole, word = report.classification, main_score_word(report)
    return [
        "attack",
        f"{accuracy_word(whole)} [%]",
        *([] if whole else ["mIoU [%]", "MisRatio [%]"]),
        f"{word} drop [points]",
        "largest change",
    ]


def score_rows(report: RobustnessReport) -> Rows:
    """One row for the clean images and one an attack, with the columns of `scores_header`."""
    whole = report.classification
    return [
        [
            group.label,
            group.pixel_accuracy.percent,
            *([] if whole else [group.mean_iou.percent, group.mis_ratio.percent]),
            ABSENT if group.attack == CLEAN else _drop(report, group).percent,
            ABSENT if group.attack == CLEAN else group.largest_distance,
        ]
        for group in groups(report)
    ]


def class_scores(report: RobustnessReport) -> list[tuple[str, list[Score]]]:
    """Per class its name and its score in each of `groups(report)`; NaN where it does not occur."""
    columns = [class_scores_of(report, group) for group in groups(report)]
    return [
        (name, [column[index] for column in columns]) for index, name in enumerate(report.classes)
    ]


def threat_rows(report: RobustnessReport) -> tuple[list[str], Rows]:
    """Header and rows of a table with all options of each attack, its seeds and its time."""
    attacks = [group for group in groups(report) if group.attack != CLEAN]
    names, cells = option_cells([group.options for group in attacks])
    rows = [
        [
            group.label,
            *values,
            ", ".join(str(seed) for seed in group.seeds),
            f"{sum(result.seconds for result in group.results):.1f} s",
        ]
        for group, values in zip(attacks, cells, strict=True)
    ]
    return ["attack", *names, "seeds", "time"], rows


def option_cells(options: Sequence[dict[str, Any]]) -> tuple[list[str], Rows]:
    """Heads of the columns, and the cells of each attack, of a table with all their options."""
    names = list(dict.fromkeys(name for one in options for name in one))
    cells = [[option_text(name, one) for name in names] for one in options]
    return [name.replace("_", " ") for name in names], cells


def scores_table(report: RobustnessReport) -> Table:
    """Accuracy, mIoU and MisRatio of segmenters, what is lost, and size of the perturbation, for a terminal."""
    return table(
        f"{report.model} on {report.data}",
        scores_header(report),
        score_rows(report),
        caption(report),
    )


def class_table(report: RobustnessReport) -> Table:
    """Score of each class in percent, one row a class and one column an attack, for a terminal."""
    pooled = groups(report)
    rows = [[name, *(score.percent for score in row)] for name, row in class_scores(report)]
    scores = [main_score(report, group).percent for group in pooled]
    rows.append([main_score_word(report), *scores])
    header = ["class", *(group.label for group in pooled)]
    written = table(class_heading(report), header, rows, caption(report))
    written.rows[-2].end_section = True
    return written


def class_heading(report: RobustnessReport) -> str:
    """What the table of `class_scores` shows."""
    return "Accuracy per class [%]" if report.classification else "IoU per class [%]"


def caption(report: RobustnessReport) -> str:
    """What a reader of the tables has to know; empty if nothing."""
    notes = []
    if report.reference != "labels":
        notes.append(f"Reference: {report.reference}, not labels.")
    if any(len(group.results) > 1 for group in groups(report)):
        notes.append("Mean ± standard deviation over seeds.")
    if any(not score.known for _, row in class_scores(report) for score in row):
        notes.append(f"{ABSENT} in a class: it does not occur.")
    return " ".join(notes)


def _drop(report: RobustnessReport, group: Group) -> Score:
    if report.classification:
        right = report.clean.pixel_accuracy
        return Score.of(right - result.pixel_accuracy for result in group.results)
    before = report.clean.mean_iou
    return Score.of(before - result.mean_iou for result in group.results)


def table(heading: str, header: Sequence[str], rows: Rows, note: str) -> Table:
    """A table for the terminal, whose first column names the rows."""
    written = Table(title=_text(heading), caption=_text(note) if note else None)
    written.add_column(_label(header[0]), no_wrap=True)
    for name in header[1:]:
        head = re.sub(r"(?<=\w{8})-", "-\n", name)  # rich breaks lines at spaces only
        written.add_column(_label(head), justify="right", overflow="fold")
    for first, *others in rows:
        written.add_row(_label(first), *map(_text, others))
    return written


def _label(name: str) -> Text:
    """A name with the options that follow it on a line of their own: terminals are narrow."""
    return _text(name.replace(" (", "\n("))


def _text(text: str) -> Text:
    """A text in which rich reads no "[...]" as mark-up: names come from files of others."""
    return Text(text)
