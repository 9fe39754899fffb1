"""Scores for spreadsheets: shares in 0..1 at full precision, an empty cell where there is none."""

import csv
import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from art_segplugin.evaluation.result import RobustnessReport
from art_segplugin.files import write_text
from art_segplugin.report.summary import Attacked


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
            "largest_distance": result.largest_distance,
            "images": len(result.images),
            "pixels": sum(map(sum, result.counts)),
            "seconds": result.seconds,
        }
        iou = {f"iou {n}": v for n, v in zip(report.classes, result.iou, strict=True)}
        rows.append(identity(result, report.results) | scores | iou)
    write_rows(rows, path)


def write_images_csv(report: RobustnessReport, path: Path) -> None:
    """Write one row an image, attack and seed, with its right and counted pixels.

    Raises:
        InputError: `path` cannot be written.
    """
    write_rows(
        (
            identity(result, report.results)
            | {
                "image": image.name,
                "right": image.right,
                "valid": image.valid,
                "pixel_accuracy": image.right / image.valid if image.valid else math.nan,
            }
            for result in report.results
            for image in result.images
        ),
        path,
    )


class Seeded(Attacked, Protocol):
    """What an attack with its options and a seed led to."""

    @property
    def seed(self) -> int:
        """Seed of the random starts."""
        ...


def identity(result: Seeded, results: Iterable[Seeded]) -> dict[str, Any]:
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
