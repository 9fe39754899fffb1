"""The table of classes of a picture or a clip, for spreadsheets."""

from collections.abc import Mapping, Sequence
from typing import Any

from art_segplugin.scores import Scores


def class_rows(
    classes: Sequence[str], numbers: Mapping[str, Scores], attacked: str
) -> list[dict[str, Any]]:
    """IoU of every class, clean and under attack, and what is lost; one row a class.

    A class that is neither in the reference nor in the prediction has no IoU, NaN; where it has none
    before or after the attack, nothing can be said to be lost: its drop is NaN too.

    Args:
        classes: their names.
        numbers: figures by names such as "A clean" and "A 8-bit".
        attacked: which of them the drop is to, such as "8-bit".
    """
    labelled = all(one.labelled for one in numbers.values())
    rows = []
    for index, name in enumerate(classes):
        row: dict[str, Any] = {"class": name}
        row["reference"] = "labels" if labelled else "clean prediction"
        for model in ("A", "B"):
            iou = {
                side: float(one.class_iou[index])
                for side, one in numbers.items()
                if side.startswith(f"{model} ")
            }
            row |= {f"{side} IoU": value for side, value in iou.items()}
            before, after = iou.get(f"{model} clean"), iou.get(f"{model} {attacked}")
            if before is not None and after is not None:
                row[f"{model} drop"] = before - after
        rows.append(row)
    return rows
