"""Error rates of a clip at the resolution of the screen, and how frames are named."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from art_segplugin.errors import InputError

TOPS = (0.05, 0.1, 0.25, 0.5, 1.0)


def checked_rates(values: ArrayLike, count: int) -> NDArray[np.float64]:
    """Rates of each frame as float64 (count,).

    Raises:
        InputError: another shape, or values outside 0..1 that are not NaN.
    """
    array = np.array(values, dtype=np.float64)  # a copy: the caller may go on writing
    if array.shape != (count,):
        raise InputError(
            f"Error rates have shape {array.shape}; for {count} frames give ({count},)."
        )
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise InputError(f"An error rate is {array[outside][0]:g}; give values in 0..1 or NaN.")
    return array


def binned(
    rates: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (in frames) and values of at most `columns` points.

    Where several frames share a column the largest rate stands for them, so that no bad frame is
    lost; NaN only where none of them is known.
    """
    count = len(rates)
    if count <= columns:
        return np.arange(count, dtype=np.float64) + 0.5, rates
    edges = np.linspace(0, count, columns + 1).astype(np.int64)
    centres: NDArray[np.float64] = (edges[:-1] + edges[1:]).astype(np.float64) / 2
    return centres, np.fmax.reduceat(rates, edges[:-1])


def runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True as (first, one past the last)."""
    padded = np.concatenate([[False], known, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def top_of(*rates: NDArray[np.float64]) -> float:
    """Upper end of the axis: the smallest of TOPS that holds every rate."""
    largest = max((float(np.nanmax(r)) for r in rates if not np.isnan(r).all()), default=0.0)
    return next(top for top in TOPS if top >= largest)


def time_text(seconds: float) -> str:
    """A time in a clip, such as `0:01.48`."""
    cents = math.floor(100 * seconds + 0.5)
    return f"{cents // 6000}:{cents // 100 % 60:02d}.{cents % 100:02d}"
