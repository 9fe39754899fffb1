"""Figures as the window writes them."""

import math

from art_segplugin_gui.session.frames import Side


def share(value: float) -> str:
    """A share as ".717", or "1.00"; "-" where there is none."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}".removeprefix("0") if value < 0.9995 else "1.00"


def percent(value: float) -> str:
    """A share as "3.6 %"; "-" where there is none."""
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"


def summary(side: Side | None, *, labelled: bool) -> str:
    """Mean IoU and error in one line; without labels it says first what they are against."""
    if side is None:
        return ""
    against = "" if labelled else "vs clean prediction: "
    return f"{against}mIoU {share(side.scores.miou)}  error {percent(side.scores.mis_ratio)}"


def radius(distance: float, norm: str) -> str:
    """The size of a perturbation: "8.0/255" in L-infinity, "1.25" in another norm."""
    return f"{255 * distance:.1f}/255" if norm == "Linf" else f"{distance:.3g}"


def duration(seconds: float) -> str:
    """A time to wait, such as "1.2 s" or "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
