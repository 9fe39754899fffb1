"""Who is hurt, by whom, and by how much: class-wise findings.

The questions are those of Tian et al., "Analysis and Applications of Class-wise Robustness in
Adversarial Training" (KDD 2021, arXiv:2105.14240). The definitions are the ones given here: pixels
are counted where the paper counts images. Classes that are absent hold NaN and are left out.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.metrics.correlation import spearman


@dataclass(frozen=True)
class ClassSpread:
    """How unequal the classes are; NaN and None where there is no class.

    Attributes:
        mean: mean over the classes that are there.
        variance: mean squared deviation from it, over the number of these classes.
        coefficient_of_variation: standard deviation over mean; NaN where the mean is 0.
        smallest: smallest value.
        largest: largest value.
        gap: largest minus smallest.
        worst: class with the smallest value; of equal ones the first.
        best: class with the largest value; of equal ones the first.
    """

    mean: float
    variance: float
    coefficient_of_variation: float
    smallest: float
    largest: float
    gap: float
    worst: int | None
    best: int | None


def class_spread(values: Tensor) -> ClassSpread:
    """Spread of one score a class, such as the class accuracies under an attack.

    Args:
        values: (c,) scores; NaN for a class that is absent.

    Raises:
        InputError: another shape.
    """
    (values,) = _rows(values)
    there = (~values.isnan()).nonzero().squeeze(1)
    if not len(there):
        nan = math.nan
        return ClassSpread(nan, nan, nan, nan, nan, nan, worst=None, best=None)
    known = values[there]
    mean, variance = float(known.mean()), float(known.var(correction=0))
    smallest, largest = float(known.amin()), float(known.amax())
    return ClassSpread(
        mean=mean,
        variance=variance,
        coefficient_of_variation=math.sqrt(variance) / mean if mean else math.nan,
        smallest=smallest,
        largest=largest,
        gap=largest - smallest,
        worst=int(there[known.argmin()]),
        best=int(there[known.argmax()]),
    )


def confounds(confusion: Tensor) -> Tensor:
    """The class that each class is most often mistaken for.

    Args:
        confusion: (c, c) counts, rows true, columns predicted.

    Returns:
        (c,) int64; of equal ones the first, -1 where nothing of the class is wrong.

    Raises:
        InputError: another shape.
    """
    wrong = _wrong(confusion)
    most, main = wrong.max(1)
    return main.masked_fill(most == 0, -1)


def confound_share(confusion: Tensor) -> Tensor:
    """Share of each class's wrong pixels that went to its main confound.

    Args:
        confusion: (c, c) counts, rows true, columns predicted.

    Returns:
        (c,) float64; NaN where nothing of the class is wrong.

    Raises:
        InputError: another shape.
    """
    wrong = _wrong(confusion).double()
    return wrong.amax(1) / wrong.sum(1)


def homing(counts: ClassCounts) -> Tensor:
    """Share of each class's pixels in its main confound that come home without it.

    Of the pixels of class y predicted as its main confound k: those whose largest logit is y's once
    k's is taken away.

    Returns:
        (c,) float64; NaN where nothing of the class is wrong.
    """
    main = confounds(counts.confusion)
    column = main.clamp(min=0).unsqueeze(1)
    went, back = counts.confusion.gather(1, column), counts.returned.gather(1, column)
    return (back.double() / went).squeeze(1).masked_fill(main < 0, torch.nan)


def homing_rate(counts: ClassCounts) -> float:
    """Share of all wrong pixels that are right once the class they went to is taken away."""
    return float(counts.returned.sum().double() / _wrong(counts.confusion).sum())


def gain(weak: Tensor, strong: Tensor) -> Tensor:
    """What the stronger attack takes from each class beyond the weaker one.

    Args:
        weak: (c,) class accuracies under the weaker attack.
        strong: (c,) class accuracies under the stronger one.

    Returns:
        (c,) float64, weak minus strong; NaN where one of them is.

    Raises:
        InputError: other shapes, or shapes that differ.
    """
    weak, strong = _rows(weak, strong)
    return weak - strong


def weakest(values: Tensor, k: int) -> Tensor:
    """The classes with the smallest values, the smallest first; of equal ones the first.

    Args:
        values: (c,) scores; NaN for a class that is absent.
        k: how many classes, >= 1.

    Returns:
        (k,) int64 class indices, fewer where fewer classes are there.

    Raises:
        InputError: another shape, or k below 1.
    """
    (values,) = _rows(values)
    if not isinstance(k, int) or k < 1:
        raise InputError(f"k is {k!r}; give a number of classes >= 1.")
    there = (~values.isnan()).nonzero().squeeze(1)
    order: Tensor = values[there].argsort(stable=True)
    return there[order[:k]]


def share_on_weakest(weak: Tensor, strong: Tensor, k: int) -> float:
    """Share of the summed `gain` that falls on the k classes weakest under the weaker attack.

    k / c would be an even share. Classes that gain less than nothing can take it above 1, and below 0
    where they are among the k.

    Args:
        weak: (c,) class accuracies under the weaker attack.
        strong: (c,) class accuracies under the stronger one.
        k: how many classes, >= 1.

    Returns:
        The share over the classes that are there in both; NaN where the summed gain is not positive.

    Raises:
        InputError: other shapes, shapes that differ, or k below 1.
    """
    gains = gain(weak, strong)
    on = weakest(weak.masked_fill(gains.isnan(), torch.nan), k)
    total, size = float(gains.nansum()), float(gains.abs().nansum())
    # Gains that cancel leave a sum of nothing but rounding, which has no shares.
    return float(gains[on].sum()) / total if total > 1e-12 * size else math.nan


def rank_consistency(values: Tensor) -> Tensor:
    """Spearman's rank correlation between rows: do attacks (or models) agree who is weak?

    Args:
        values: (m, c) one row of class scores an attack; NaN for a class that is absent.

    Returns:
        (m, m) float64, symmetric; NaN where two rows share fewer than 3 classes or one is constant.

    Raises:
        InputError: another shape.
    """
    if values.ndim != 2:
        raise InputError(f"values have shape {tuple(values.shape)}; give (rows, classes).")
    result = torch.full((len(values),) * 2, torch.nan, dtype=torch.float64, device=values.device)
    for i, row in enumerate(values):
        for j in range(i + 1):
            result[i, j] = result[j, i] = spearman(row, values[j])
    return result


def _wrong(confusion: Tensor) -> Tensor:
    """The confusion matrix with an empty diagonal."""
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1] or not len(confusion):
        raise InputError(
            f"a confusion matrix has shape {tuple(confusion.shape)}; give (classes, classes)."
        )
    return confusion - confusion.diagonal().diag()


def _rows(*rows: Tensor) -> list[Tensor]:
    """Rows of class scores as float64, all of one shape (c,)."""
    for row in rows:
        if row.ndim != 1 or row.shape != rows[0].shape:
            shapes = " and ".join(str(tuple(row.shape)) for row in rows)
            raise InputError(f"class scores have the shape {shapes}; give one number a class.")
    return [row.double() for row in rows]
