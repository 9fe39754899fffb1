"""Figures as the window writes them."""

from art_segplugin.scores import percent, share, target_text
from art_segplugin_gui.session.frames import Prediction


def summary(side: Prediction | None, *, labelled: bool) -> str:
    """Mean IoU and error in one line; without labels it says first what they are against.

    Before them comes what a targeted attack reached and what else it changed.
    """
    if side is None:
        return ""
    against = "" if labelled else "vs clean prediction: "
    said = f"{against}mIoU {share(side.scores.miou)}  error {percent(side.scores.mis_ratio)}"
    target = target_text(side.scores)
    return f"{target}  {said}" if target else said


def radius(distance: float, norm: str) -> str:
    """The size of a perturbation: "8.0/255" in L-infinity, "1.25" in another norm."""
    return f"{255 * distance:.1f}/255" if norm == "Linf" else f"{distance:.3g}"


def duration(seconds: float) -> str:
    """A time to wait, such as "1.2 s" or "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
