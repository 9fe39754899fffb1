"""How radii and step sizes are entered in each norm, so that all norms change a picture as much."""

import math
from dataclasses import dataclass

from art_segplugin_gui.qt.forms.fractions import GREY_LEVELS

USUAL_VALUES = 3 * 480 * 360
"""Numbers in a picture while none is open."""
_TICKS = 32
_LARGEST = {"Linf": 1.0, "L2": 1e4, "L1": 1e6}


@dataclass(frozen=True)
class Scale:
    """How a size is entered in one norm.

    Attributes:
        unit: the size of a change of all numbers by 1.
        tick: what one place of the slider is.
        ticks: places of the slider; larger values can be typed.
        high: largest value that can be typed.
    """

    unit: float
    tick: float
    ticks: int
    high: float


def scale(parameter: str, norm: str, values: int) -> Scale:
    """How a size is entered.

    One place of the slider is a grey level of 255 in every number of the picture, or half of one
    for steps: in L2 its root mean square, in L1 its mean.

    Args:
        parameter: "eps" or "step_size".
        norm: "Linf", "L2" or "L1".
        values: numbers in the picture, 3 for each pixel.
    """
    unit = {"Linf": 1.0, "L1": float(values)}.get(norm, math.sqrt(values))
    tick = (1.0 if parameter == "eps" else 0.5) / GREY_LEVELS * unit
    return Scale(unit, tick, _TICKS, max(_LARGEST.get(norm, 1e4), unit))


def in_levels(value: float, norm: str, values: int) -> str:
    """What a size in L2 or L1 is in grey levels, such as "= 8.0/255 RMS"; empty for Linf."""
    if norm == "Linf":
        return ""
    levels = value / scale("eps", norm, values).unit * GREY_LEVELS
    return f"= {levels:.1f}/{GREY_LEVELS} {'mean' if norm == 'L1' else 'RMS'}"
