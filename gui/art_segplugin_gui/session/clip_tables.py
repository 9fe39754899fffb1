"""The figures of a clip for spreadsheets, one row a picture."""

from collections.abc import Iterable
from typing import Any

from art_segplugin.evaluation.clip_reproduction import PictureRecord


def picture_rows(records: Iterable[PictureRecord]) -> list[dict[str, Any]]:
    """Error, mIoU and distance of every picture, and what they are against."""
    rows = []
    for record in records:
        row: dict[str, Any] = {"index": record.index, "picture": record.name}
        labelled = all(score.labelled for score in record.scores.values())
        row["reference"] = "labels" if labelled else "clean prediction"
        for side, score in record.scores.items():
            row |= {f"{side} error": score.mis_ratio, f"{side} mIoU": score.miou}
            if not side.endswith("clean"):
                row[f"{side} distance"] = score.distance
        rows.append(row | {"seconds": record.seconds})
    return rows
