"""How strongly two lists of numbers go together, such as two lists of class accuracies."""

import math

import torch
from torch import Tensor

from art_segplugin.errors import InputError


def pearson(x: Tensor, y: Tensor) -> float:
    """Pearson's correlation, computed in float64.

    Args:
        x: (m,) numbers.
        y: (m,) numbers; pairs with a NaN on either side are left out.

    Returns:
        -1 ... 1; NaN with fewer than 3 pairs, or where x or y is constant or infinite.

    Raises:
        InputError: shapes that differ or are not (m,).
    """
    x, y = _pairs(x, y)
    if len(x) < 3:
        return math.nan
    x, y = _centred(x), _centred(y)
    return float((x @ y / (x.norm() * y.norm())).clamp(-1, 1))


def spearman(x: Tensor, y: Tensor) -> float:
    """Spearman's rank correlation: Pearson's of the ranks; ties share their average rank.

    Arguments, result and errors are those of `pearson`, except that infinite values have a rank.
    """
    x, y = _pairs(x, y)
    return pearson(ranks(x), ranks(y))


def ranks(values: Tensor) -> Tensor:
    """Ranks 1 ... m of values (m,) without NaN, float64; tied values share their average rank."""
    _, place, times = torch.unique(values, return_inverse=True, return_counts=True)
    average: Tensor = times.cumsum(0).double() - (times.double() - 1) / 2
    return average[place]


def _pairs(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(
            f"a correlation is of two equally long lists, these have the shapes {tuple(x.shape)} "
            f"and {tuple(y.shape)}."
        )
    x, y = x.double(), y.to(x.device).double()
    known = ~(x.isnan() | y.isnan())
    return x[known], y[known]


def _centred(values: Tensor) -> Tensor:
    """Deviations from the mean over their largest; NaN for a constant, which has no direction."""
    # Rounding may leave a constant's deviations just off 0, so they cannot be asked.
    constant = values.amin() == values.amax()
    deviations = values - values.mean()
    return (deviations / deviations.abs().amax()).masked_fill(constant, torch.nan)
