"""Sizes that are meant in another unit than that of the images; without torch, which takes seconds."""

import math

from art_segplugin.errors import InputError, warn

_8_BIT = 255
LEAST_8_BIT_SPAN = 100.0
"""A range as wide as this is counted in 8-bit levels (or finer)."""


def check_sizes(
    name: str,
    smallest: float,
    largest: float,
    bounds: tuple[float, float],
    norm: float,
    setting: str | None,
    *,
    quiet: bool = False,
) -> None:
    """Question L-inf radii or step sizes that are meant in another unit than that of the images.

    Radii of other norms are sums over coordinates, for which any number may be meant. A radius of
    the whole range is no mistake: it says that nothing is bounded but the values.

    Args:
        name: what the user calls the size, such as "eps".
        smallest: of the sizes above 0; of one size the size itself, as `largest`.
        largest: of the sizes.
        bounds: smallest and largest value of the images.
        norm: 1, 2 or inf.
        setting: where the user sets the bounds; None where images always are in [0, 1].
        quiet: refuse only.

    Warns:
        Of a size above 0 below one level of 8-bit images.

    Raises:
        InputError: a size is larger than the range.
    """
    low, high = bounds
    span = high - low
    if norm != math.inf or not span < math.inf:
        return
    whose = f"and images go from {low:g} to {high:g}"
    if largest > span * (1 + 1e-6):
        meant = f"{largest:g}/255" if span == 1 else f"{largest * span / _8_BIT:.3g}"
        if span >= LEAST_8_BIT_SPAN or largest > _8_BIT:
            raise InputError(f"{name} is {largest:g} {whose}; give at most {span:g}.")
        other = f", or are the images in 0 to 255 (then set {setting}=(0, 255))" if setting else ""
        raise InputError(f"{name} is {largest:g} {whose}: did you mean {meant}{other}?")
    if not quiet and 0 < smallest < span / _8_BIT and span >= LEAST_8_BIT_SPAN:
        other = f", or are the images in [0, 1] (then set {setting}=(0, 1))" if setting else ""
        warn(
            f"{name} is {smallest:.3g} {whose}, less than one 8-bit level: did you mean "
            f"{smallest * span:.3g}{other}?"
        )
