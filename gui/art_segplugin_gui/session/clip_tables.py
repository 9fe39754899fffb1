"""The figures of a clip for spreadsheets: one row a picture, one row a class."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from art_segplugin.evaluation.clip_reproduction import PictureRecord
from art_segplugin.evaluation.numbers import Numbers


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


def class_rows(classes: Sequence[str], pooled: dict[str, Numbers]) -> list[dict[str, Any]]:
    """IoU of every class over all pictures, and what each model loses of it."""
    rows = []
    for index, name in enumerate(classes):
        row: dict[str, Any] = {"class": name}
        row |= {f"{side} IoU": numbers.class_iou[index] for side, numbers in pooled.items()}
        for model in ("A", "B"):
            clean, attacked = row.get(f"{model} clean IoU"), row.get(f"{model} 8-bit IoU")
            if clean is not None and attacked is not None:
                row[f"{model} drop"] = math.nan if math.isnan(clean) else clean - attacked
        rows.append(row)
    return rows
