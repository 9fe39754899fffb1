"""A confusion matrix as shares and as words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from art_segplugin.errors import InputError

Shown = Literal["clean", "adversarial", "difference"]
SHOWN: tuple[Shown, ...] = ("clean", "adversarial", "difference")


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixels of each (true, predicted) pair of classes, clean and adversarial.

    Attributes:
        names: of all classes.
        clean: int64 (c, c).
        adversarial: int64 (c, c); None before there is one.
    """

    names: tuple[str, ...]
    clean: NDArray[np.int64]
    adversarial: NDArray[np.int64] | None

    @cached_property
    def present(self) -> tuple[int, ...]:
        """Classes that are true or predicted anywhere: only they are drawn."""
        both = self.clean if self.adversarial is None else self.clean + self.adversarial
        there = both.any(axis=0) | both.any(axis=1)
        return tuple(int(index) for index in np.flatnonzero(there))

    def shares(self, shown: Shown) -> NDArray[np.float64]:
        """What each cell shows, float64 (c, c): shares of the row, -1..1 for the difference.

        NaN in the rows of classes that are not true anywhere, and where there is nothing yet.
        """
        if shown == "clean" or self.adversarial is None:
            return _of_rows(self.clean) if shown == "clean" else np.full(self.clean.shape, np.nan)
        adversarial = _of_rows(self.adversarial)
        return adversarial if shown == "adversarial" else adversarial - _of_rows(self.clean)

    def words(self, true: int, predicted: int, shown: Shown) -> str:
        """A cell in words: "road taken for car: 1234 px, 3.1 % of road"."""
        row = self.names[true]
        what = f"{row} right" if true == predicted else f"{row} taken for {self.names[predicted]}"
        share = float(self.shares(shown)[true, predicted])
        if np.isnan(share):
            reason = "no attack yet" if self.adversarial is None else f"no pixel of {row}"
            return f"{what}: {reason}"
        clean = int(self.clean[true, predicted])
        adversarial = 0 if self.adversarial is None else int(self.adversarial[true, predicted])
        if shown == "difference":
            change = f"{adversarial - clean:+d} px, {100 * share:+.1f} % of {row}"
            return f"{what}: {change} ({clean} px clean, {adversarial} px adversarial)"
        pixels = clean if shown == "clean" else adversarial
        text = "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
        return f"{what}: {pixels} px, {text} of {row}"


def confusion(
    names: Sequence[str], clean_counts: ArrayLike, adv_counts: ArrayLike | None
) -> Confusion:
    """Checks the counts.

    Raises:
        InputError: they are not whole numbers from 0 up in the shape (c, c).
    """
    counts = _counts(clean_counts, len(names))
    adversarial = None if adv_counts is None else _counts(adv_counts, len(names))
    return Confusion(tuple(names), counts, adversarial)


def _counts(values: ArrayLike, classes: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.shape != (classes, classes) or array.dtype.kind not in "iu":
        raise InputError(
            f"A confusion matrix is {array.dtype} {array.shape}; for {classes} classes "
            f"give whole numbers of shape ({classes}, {classes})."
        )
    if (array < 0).any():
        raise InputError(f"A confusion matrix holds {array.min()}; give counts from 0 up.")
    return array.astype(np.int64, copy=False)


def _of_rows(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares
