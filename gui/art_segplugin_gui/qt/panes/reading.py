"""The line that says what is under the pointer."""

from collections.abc import Sequence
from typing import NamedTuple

from art_segplugin_gui.session.frames import VOID, Prediction


class Sides(NamedTuple):
    """What the panes show; None where there is nothing yet."""

    a_clean: Prediction | None = None
    a_adv: Prediction | None = None
    b_clean: Prediction | None = None
    b_adv: Prediction | None = None
    labelled: bool = True
    """The reference is the labels; else it is the clean prediction."""


def reading(x: int, y: int, sides: Sides, names: Sequence[str]) -> str:
    """One pixel in words, such as "(240, 260)  truth road | clean road .97 | adv car .61".

    Args:
        x: column.
        y: row.
        sides: all panes; those of B are named once there are any.
        names: of the classes.

    Returns:
        One line; only the place where nothing is known of it.
    """
    two = sides.b_clean is not None or sides.b_adv is not None
    words = ("A clean", "A adv", "B clean", "B adv") if two else ("clean", "adv", "clean", "adv")
    parts: list[str] = []
    for word, side in zip(words, sides[:4], strict=True):
        if side is None or not _inside(x, y, side):
            continue
        if not parts:
            reference = "truth" if sides.labelled else "reference"
            parts.append(f"{reference} {_name(int(side.reference[y, x]), names)}")
        parts.append(f"{word} {_name(int(side.prediction[y, x]), names)} {_share(side, x, y)}")
    return "  ".join(part for part in (f"({x}, {y})", " | ".join(parts)) if part)


def _inside(x: int, y: int, side: Prediction) -> bool:
    rows, columns = side.prediction.shape
    return bool(0 <= x < columns and 0 <= y < rows)


def _name(index: int, names: Sequence[str]) -> str:
    if index == VOID:
        return "void"
    return names[index] if index < len(names) else f"class {index}"


def _share(side: Prediction, x: int, y: int) -> str:
    """Confidence as ".97"."""
    if side.confidence is None:
        return "—"
    return f"{side.confidence[y, x] / 255:.2f}".removeprefix("0")
