"""Tables: made once, shown in the terminal, on pages and as Markdown; and rows for CSV files."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from art_segplugin.evaluation.result import CLEAN, RobustnessReport
from art_segplugin.files import write_text
from art_segplugin.metrics import fooled_within, median_distance
from art_segplugin.report.fitted import FittedTable
from art_segplugin.report.summary import (
    ABSENT,
    Attacked,
    Group,
    Score,
    accuracy_word,
    class_scores_of,
    groups,
    main_score,
    main_score_word,
    norm_of,
    option_text,
    size_text,
    worst_case_groups,
)
from art_segplugin.scores import TargetScores

Rows = list[list[str]]


@dataclass(frozen=True)
class Sheet:
    """A table: what it shows, its columns, its rows, and what its reader has to know.

    With `total` the last row sums up the others.
    """

    title: str
    header: list[str]
    rows: Rows
    note: str = ""
    total: bool = False

    def for_terminal(self) -> FittedTable:
        """The same for rich to print, at any width of the terminal."""
        return FittedTable(self.title, self.header, self.rows, self.note, self.total)

    def as_markdown(self) -> str:
        """The same without title and note."""
        lines = [self.header, ["---", *("---:" for _ in self.header[1:])], *self.rows]
        # A name with a bar opens no other cell.
        escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
        return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def table(
    heading: str, header: Sequence[str], rows: Rows, note: str = "", total: bool = False
) -> FittedTable:
    """A table for the terminal, whose first column names the rows."""
    return Sheet(heading, list(header), rows, note, total).for_terminal()


def scores_header(report: RobustnessReport) -> list[str]:
    """Heads of the columns of `score_rows`."""
    whole, word = report.classification, main_score_word(report)
    return [
        "attack",
        f"{accuracy_word(whole)} [%]",
        *([] if whole else ["mIoU [%]", "MisRatio [%]"]),
        *(["reached [%]", "collateral [%]"] if targeted(report) else []),
        f"{word} drop [points]",
        "largest change",
    ]


def targeted(report: RobustnessReport) -> bool:
    """Whether an attack had a target, so that there is something to say of it."""
    return any(group.targeted for group in groups(report))


def score_rows(report: RobustnessReport) -> Rows:
    """One row for the clean images and one an attack, with the columns of `scores_header`."""
    whole = report.classification
    return [
        [
            group.label,
            group.pixel_accuracy.percent,
            *([] if whole else [group.mean_iou.percent, group.mis_ratio.percent]),
            *([group.reached.percent, group.collateral.percent] if targeted(report) else []),
            ABSENT if group.attack == CLEAN else _drop(report, group).percent,
            ABSENT if group.attack == CLEAN else group.largest_distance,
        ]
        for group in groups(report)
    ]


RADII = (1, 2, 4, 8, 16, 32)
"""Of 255, in Linf: where `distance_sheet` says how many images are fooled."""


def with_distances(report: RobustnessReport) -> list[Group]:
    """The attacks without a radius, whose distances were measured."""
    return [group for group in groups(report) if group.distances is not None]


def distance_sheet(report: RobustnessReport) -> Sheet | None:
    """How far attacks without a radius had to go, one row each; None where there is none."""
    rows, without = [], 0
    for group in with_distances(report):
        found, share = group.distances, group.options["share"]
        assert found is not None, "chosen by it"
        known = found[~found.isnan()]
        in_linf = norm_of(group.options) == math.inf
        within = fooled_within(known, [radius / 255 for radius in RADII])
        median = median_distance(known)
        standing = int(known.isinf().sum())
        without += standing
        rows.append(
            [
                group.label,
                f"{100 * share:g}",
                f"{len(known) - standing} of {len(known)}",
                "∞" if median == math.inf else size_text(median, group.options),
                *(f"{100 * one:.0f}" if in_linf else ABSENT for one in within),
            ]
        )
    if not rows:
        return None
    heads = [f"within {radius}/255 [%]" for radius in RADII]
    header = ["attack", "pixels to fool [%]", "images fooled", "median distance", *heads]
    note = "An image counts as fooled when that share of its pixels is."
    if without:
        note += " An image for which no such point was found has an infinite distance."
    return Sheet("Smallest perturbations", header, rows, note)


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


def scores_table(report: RobustnessReport) -> FittedTable:
    """Accuracy, mIoU and MisRatio of segmenters, what is lost, and size of the perturbation, for a terminal."""
    heading = f"{report.model} on {report.data}"
    return table(heading, scores_header(report), score_rows(report), scores_caption(report))


def worst_case_sheet(report: RobustnessReport) -> Sheet | None:
    """The worst case over the answers of several attacks; None where there is none."""
    pooled, whole = worst_case_groups(report), report.classification
    if not pooled:
        return None
    header = ["over", "answers an image", f"{accuracy_word(whole)} [%]"]
    rows = [
        [
            group.label,
            str(max(result.answers for result in group.results)),
            group.pixel_accuracy.percent,
            *([] if whole else [group.mean_iou.percent]),
        ]
        for group in pooled
    ]
    note = (
        "Answers are those of the attacks and of their members, and the clean image. "
        f"{accuracy_word(whole)[:1].upper()}{accuracy_word(whole)[1:]}: each image has its lowest"
    )
    if not whole:
        header.append("mIoU [%]")
        note += "; mIoU: the answers that together leave the lowest that was found"
    return Sheet("Worst case over attacks", header, rows, note + ".")


def class_table(report: RobustnessReport) -> FittedTable:
    """Score of each class in percent, one row a class and one column an attack, for a terminal."""
    pooled = groups(report)
    rows = [[name, *(score.percent for score in row)] for name, row in class_scores(report)]
    scores = [main_score(report, group).percent for group in pooled]
    rows.append([main_score_word(report), *scores])
    header = ["class", *(group.label for group in pooled)]
    return table(class_heading(report), header, rows, caption(report), total=True)


def class_heading(report: RobustnessReport) -> str:
    """What the table of `class_scores` shows."""
    return "Accuracy per class [%]" if report.classification else "IoU per class [%]"


def scores_caption(report: RobustnessReport) -> str:
    """What a reader of the first table has to know: `caption`, and what the labels were."""
    labels = report.labels.sentences(len(report.classes)) if report.labels else ""
    return " ".join(filter(None, (caption(report), labels)))


def caption(report: RobustnessReport) -> str:
    """What a reader of the tables has to know; empty if nothing."""
    notes = []
    if report.reference != "labels":
        notes.append(f"Reference: {report.reference}, not labels.")
    if targeted(report):
        notes.append(
            "Reached: of the pixels that were to become the target by the clean prediction, those "
            "predicted as it. Collateral: of the other valid pixels, those predicted as another class "
            "than before."
        )
    if report.left_out:
        notes.append(f"Not in the scores, for they could not be used: {len(report.left_out)}.")
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


def write_csv(report: RobustnessReport, path: Path) -> None:
    """Write one row an attack and seed: options, scores, and IoU of each class.

    Raises:
        InputError: `path` cannot be written.
    """
    rows = []
    for result in report.results:
        scores = {
            "pixel_accuracy": result.pixel_accuracy,
            "mean_iou": result.mean_iou,
            "mis_ratio": result.mis_ratio,
            "mean_iou_drop": report.clean.mean_iou - result.mean_iou,
            **_target_cells(report, result.target),
            "largest_distance": result.largest_distance,
            "images": len(result.images),
            "pixels": sum(map(sum, result.counts)),
            "seconds": result.seconds,
        }
        iou = {f"iou {n}": v for n, v in zip(report.classes, result.iou, strict=True)}
        rows.append(identity(result, report.results) | scores | iou)
    write_rows(rows, path)


def write_images_csv(report: RobustnessReport, path: Path) -> None:
    """Write one row an image, attack and seed, with its right, counted and void pixels.

    Raises:
        InputError: `path` cannot be written.
    """
    measured = bool(with_distances(report))
    write_rows(
        (
            identity(result, report.results)
            | {
                "image": image.name,
                "right": image.right,
                "valid": image.valid,
                "void": "" if image.void is None else image.void,
                "pixel_accuracy": image.right / image.valid if image.valid else math.nan,
                **_target_cells(report, image.target),
                **({"distance": _cell(image.distance)} if measured else {}),
            }
            for result in report.results
            for image in result.images
        ),
        path,
    )


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _target_cells(report: RobustnessReport, target: TargetScores | None) -> dict[str, Any]:
    """What of the target was reached; no cells where no attack of the report has one."""
    if not targeted(report):
        return {}
    names = ("reached", "collateral", "source", "rest")
    return {name: "" if target is None else getattr(target, name) for name in names}


def identity(result: Attacked, results: Iterable[Attacked]) -> dict[str, Any]:
    """The cells that tell a result from the others, the same columns for all of them."""
    names = dict.fromkeys(name for other in results for name in other.options)
    options = {f"option {name}": result.options.get(name, "") for name in names}
    return {"attack": result.attack, "seed": result.seed, **options}


def write_rows(rows: Iterable[dict[str, Any]], path: Path, header: Iterable[str] = ()) -> None:
    """Write rows of the same columns, whose names are the first line.

    Args:
        rows: cells by the name of their column.
        path: where to write.
        header: the names, needed only where there may be no row.

    Raises:
        InputError: `path` cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(header)
    if names:
        writer.writerow(names)
    for row in rows:
        if not names:
            names = list(row)
            writer.writerow(names)
        writer.writerow("" if _is_nan(value) else value for value in row.values())
    write_text(path, text.getvalue())


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
