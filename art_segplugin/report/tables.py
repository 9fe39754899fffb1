"""Scores as rows of text, and as tables for the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from art_segplugin.evaluation.result import CLEAN, RobustnessReport
from art_segplugin.report.summary import (
    ABSENT,
    Group,
    Score,
    groups,
    option_text,
)

Rows = list[list[str]]

SCORES_HEADER = (
    "attack",
    "pixel accuracy [%]",
    "mIoU [%]",
    "MisRatio [%]",
    "mIoU drop [points]",
    "largest change",
)


def score_rows(report: RobustnessReport) -> Rows:
    """One row for the clean images and one an attack, with the columns of `SCORES_HEADER`."""
    return [
        [
            group.label,
            group.pixel_accuracy.percent,
            group.mean_iou.percent,
            group.mis_ratio.percent,
            ABSENT if group.attack == CLEAN else _drop(report, group).percent,
            ABSENT if group.attack == CLEAN else group.largest_distance,
        ]
        for group in groups(report)
    ]


def class_scores(report: RobustnessReport) -> list[tuple[str, list[Score]]]:
    """Per class its name and its IoU in each of `groups(report)`; NaN where it does not occur."""
    columns = [group.iou for group in groups(report)]
    return [
        (name, [column[index] for column in columns]) for index, name in enumerate(report.classes)
    ]


def threat_rows(report: RobustnessReport) -> tuple[list[str], Rows]:
    """Header and rows of a table with all options of each attack, its seeds and its time."""
    attacks = [group for group in groups(report) if group.attack != CLEAN]
    names = list(dict.fromkeys(name for group in attacks for name in group.options))
    rows = [
        [
            group.label,
            *(option_text(name, group.options) for name in names),
            ", ".join(str(seed) for seed in group.seeds),
            f"{sum(result.seconds for result in group.results):.1f} s",
        ]
        for group in attacks
    ]
    return ["attack", *(name.replace("_", " ") for name in names), "seeds", "time"], rows


def scores_table(report: RobustnessReport) -> Table:
    """Pixel accuracy, mIoU, MisRatio, loss of mIoU and size of the perturbation, for a terminal."""
    return _table(
        f"{report.model} on {report.data}", SCORES_HEADER, score_rows(report), caption(report)
    )


def class_table(report: RobustnessReport) -> Table:
    """IoU in percent, one row a class and one column an attack, for a terminal."""
    pooled = groups(report)
    rows = [[name, *(score.percent for score in row)] for name, row in class_scores(report)]
    rows.append(["mIoU", *(group.mean_iou.percent for group in pooled)])
    header = ["class", *(group.label for group in pooled)]
    table = _table("IoU per class [%]", header, rows, caption(report))
    table.rows[-2].end_section = True
    return table


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
    before = report.clean.mean_iou
    return Score.of(before - result.mean_iou for result in group.results)


def _table(heading: str, header: Sequence[str], rows: Rows, note: str) -> Table:
    # Names come from files of others: Text keeps rich from reading "[...]" in them as mark-up.
    table = Table(title=Text(heading), caption=Text(note) if note else None)
    table.add_column(Text(header[0]), no_wrap=True)
    for name in header[1:]:
        table.add_column(Text(name), justify="right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
