"""The rows of the class bars: which order, which class fell most, which is absent."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from art_segplugin.errors import InputError

Order = Literal["drop", "class"]

SMALLEST_FALL = 0.005
"""Below it the change is written as 0, and no class is marked as the worst."""


@dataclass(frozen=True, eq=False)
class BarData:
    """IoU of each class of one or two models.

    Attributes:
        names: of the classes.
        colours: of the classes, RGB 0..255.
        clean: float64 (m, c) with m = 1 or 2 models; NaN where the class is absent.
        adversarial: float64 (m, c).
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    clean: NDArray[np.float64]
    adversarial: NDArray[np.float64]

    @cached_property
    def drop(self) -> NDArray[np.float64]:
        """Adversarial minus clean, float64 (m, c); NaN where one of them is absent."""
        return self.adversarial - self.clean

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """Classes that no map of any model has, bool (c,)."""
        known = ~np.isnan(np.concatenate([self.clean, self.adversarial]))
        absent: NDArray[np.bool_] = known.sum(axis=0) == 0
        return absent

    @cached_property
    def worst(self) -> int | None:
        """The class that fell most for the first model; None where none fell."""
        fall = np.where(np.isnan(self.drop[0]), 0.0, self.drop[0])
        if fall.size == 0 or fall.min() > -SMALLEST_FALL:
            return None
        return int(fall.argmin())

    def order(self, order: Order) -> tuple[int, ...]:
        """Classes from the top row to the last.

        By "drop" the largest fall comes first, then classes without one; ties are in class order.
        By "class" it is the order of the classes. Absent classes are at the end either way.
        """
        fall = np.where(np.isnan(self.drop[0]), np.inf, self.drop[0])
        keys = fall if order == "drop" else np.zeros(len(self.names))
        rows = np.lexsort((np.arange(len(self.names)), keys, self.absent))
        return tuple(int(row) for row in rows)


def bar_data(
    names: Sequence[str],
    colours: Sequence[tuple[int, int, int]],
    a_clean: ArrayLike,
    a_adv: ArrayLike,
    b_clean: ArrayLike | None = None,
    b_adv: ArrayLike | None = None,
) -> BarData:
    """Checks the arrays and puts the models together.

    Raises:
        InputError: B has one of two arrays, or an array is not (c,) of NaN and values in 0..1.
    """
    if (b_clean is None) != (b_adv is None):
        raise InputError("B has scores on one of two images; give b_clean and b_adv, or neither.")
    if len(colours) != len(names):
        raise InputError(f"{len(colours)} colours for {len(names)} classes; give one for each.")
    models = [(a_clean, a_adv)]
    if b_clean is not None and b_adv is not None:
        models.append((b_clean, b_adv))
    checked = [[_scores(values, len(names)) for values in model] for model in models]
    return BarData(
        names=tuple(names),
        colours=tuple(colours),
        clean=np.stack([clean for clean, _ in checked]),
        adversarial=np.stack([adversarial for _, adversarial in checked]),
    )


def _scores(values: ArrayLike, count: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (count,):
        raise InputError(f"Scores have shape {array.shape}; for {count} classes give ({count},).")
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise InputError(f"A score is {array[outside][0]:g}; give values in 0..1, NaN for absent.")
    return array
