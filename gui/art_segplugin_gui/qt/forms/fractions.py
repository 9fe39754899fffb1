"""Numbers as people write them: 0.03, 8/255, 1e-3."""

import math

from art_segplugin.errors import InputError

GREY_LEVELS = 255


def parse_number(text: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A number or a fraction such as 8/255.

    Args:
        text: what was typed.
        low: smallest number that will do.
        high: largest number that will do.

    Raises:
        InputError: it is no number, or outside the range.
    """
    numerator, slash, denominator = text.strip().partition("/")
    try:
        value = float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{text.strip()!r} is no number; write 0.03 or 8/255.")
    if not low <= value <= high:
        raise InputError(f"{text.strip()} is out of range; give a number from {low:g} to {high:g}.")
    return value


def as_text(value: float, fraction: bool = False) -> str:
    """A number as it is typed, to four digits and to 1 from 1000 on.

    Args:
        value: the number.
        fraction: write multiples of half a grey level such as 8/255.
    """
    levels = value * GREY_LEVELS
    half = round(levels * 2) / 2
    if fraction and value and math.isclose(levels, half, rel_tol=1e-9):
        return f"{half:g}/{GREY_LEVELS}"
    return f"{value:.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"
