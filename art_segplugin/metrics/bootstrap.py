"""Bootstrap over images: how far a score would move with another draw of images.

Percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13). Whole
images are drawn, because the pixels of one image are anything but independent. A resample is a row
of multinomial weights, so its totals are one row of a matrix product.

Few images give intervals that are too narrow: resamples of n images spread by a factor of
sqrt((n - 1) / n) too little, and their percentiles are those of a normal law where Student's are
wider. Where 95 % are asked for, 5 images drawn from a normal law give some 85 % and 10 some 90 %
(tests/metrics/test_bootstrap.py); for skewed scores it is less. One image, or images that are
all equal, give an interval without width. Below about 10 images draw no conclusion from one.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.errors import InputError

Statistic = Callable[[Tensor], Tensor]
"""Totals (..., 3, c) float64 -> scores (...,), as the functions of metrics/class_scores.py are."""

CHUNK = 1 << 22  # numbers in the largest tensor at a time: 32 MB


@dataclass(frozen=True)
class Interval:
    """A score and its interval.

    Attributes:
        estimate: the score of the images as they are.
        low: lower end of the interval.
        high: upper end; both are NaN where no resample has a score, and both equal the estimate
            where no resample differs from it, as with a single image.
    """

    estimate: float
    low: float
    high: float


def interval(
    images: Tensor, statistic: Statistic, samples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Percentile interval of a score.

    Args:
        images: (n, 3, c) counts of each image, as ClassCounts holds them. Other per-image numbers
            (n, ...) will do where the statistic takes their sums (..., ...).
        statistic: totals (..., 3, c) float64 -> scores (...,). Resamples whose score is NaN are
            left out.
        samples: number of resamples, >= 1.
        seed: of the resamples. Equal seeds draw the same images from counts of equal shape, on
            every device.
        level: share of the resamples inside the interval, between 0 and 1.

    Raises:
        InputError: images without a second dimension, samples or level outside the range, or a
            statistic that gives another shape.
    """
    return _percentiles(_scores(images, statistic, samples, seed), level)


def paired_difference(
    before: Tensor,
    after: Tensor,
    statistic: Statistic,
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of a score of `after` minus that of `before`.

    Both count the same images in the same order, and each resample draws the same images from both,
    so that what makes an image easy or hard cancels.

    Args:
        before: (n, 3, c) counts of each image.
        after: (n, 3, c), likewise.
        statistic: as in `interval`.
        samples: number of resamples, >= 1.
        seed: of the resamples.
        level: share of the resamples inside the interval, between 0 and 1.

    Raises:
        InputError: shapes that differ, or what `interval` raises.
    """
    return _percentiles(_differences(before, after, statistic, samples, seed), level)


def paired_class_differences(
    before: Tensor,
    after: Tensor,
    statistic: Callable[[Tensor], Tensor],
    samples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[Interval]:
    """`paired_difference` of one score a class, each with an interval of its own.

    All classes are scored on the same resamples.

    Args:
        before: (n, 3, c) counts of each image.
        after: (n, 3, c), likewise.
        statistic: totals (..., 3, c) float64 -> one score a class (..., c).
        samples: number of resamples, >= 1.
        seed: of the resamples.
        level: share of the resamples inside each interval, between 0 and 1.

    Raises:
        InputError: what `paired_difference` raises.
    """
    differences = _differences(before, after, statistic, samples, seed, per_class=True)
    return [_percentiles(of_class, level) for of_class in differences.unbind(1)]


def _differences(
    before: Tensor,
    after: Tensor,
    statistic: Statistic,
    samples: int,
    seed: int,
    *,
    per_class: bool = False,
) -> Tensor:
    """`_scores` of `after` minus those of `before`; the same seed draws the same images."""
    if before.shape != after.shape:
        raise InputError(
            f"counts before {tuple(before.shape)} and after {tuple(after.shape)} differ in shape; "
            "give those of the same images and classes."
        )
    first, second = (
        _scores(images, statistic, samples, seed, per_class=per_class) for images in (before, after)
    )
    return second - first.to(second.device)


def _scores(
    images: Tensor, statistic: Statistic, samples: int, seed: int, *, per_class: bool = False
) -> Tensor:
    """Scores of the images as they are, then of every resample: (1 + samples,), or (1 + samples, c)."""
    if images.ndim < 2:
        raise InputError(f"images have shape {tuple(images.shape)}; give counts (n, 3, classes).")
    if not isinstance(samples, int) or samples < 1:
        raise InputError(f"samples is {samples!r}; give a number of resamples >= 1.")
    # Counts add up exactly in float64, below 2 ** 53: in any order, on any device.
    numbers, wanted = images.flatten(1).double(), images.shape[-1:] if per_class else ()
    scores = []
    for weights in _weights(len(images), numbers.shape[1], samples, seed):
        totals = (weights.to(images.device) @ numbers).view(-1, *images.shape[1:])
        part = statistic(totals)
        if part.shape != (len(totals), *wanted):
            raise InputError(
                f"the statistic gives shape {tuple(part.shape[1:])} for one data set; give one "
                f"that turns totals (..., 3, classes) into (...{', classes' if per_class else ','})."
            )
        scores.append(part)
    return torch.cat(scores)


def _weights(n: int, width: int, samples: int, seed: int) -> Iterator[Tensor]:
    """How often each of n images is drawn (rows, n) float64: once each, then at random."""
    # On the CPU, so that every device gets the same draws.
    generator = torch.Generator().manual_seed(seed)
    yield torch.ones(1, n, dtype=torch.float64)
    rows = max(CHUNK // max(n, width, 1), 1)
    for done in range(0, samples, rows):
        count = min(rows, samples - done)
        drawn = torch.randint(max(n, 1), (count, n), generator=generator)
        drawn += torch.arange(count).unsqueeze(1) * n
        yield torch.bincount(drawn.flatten(), minlength=count * n).view(count, n).double()


def _percentiles(scores: Tensor, level: float) -> Interval:
    if not 0 < level < 1:
        raise InputError(f"level is {level!r}; give a share between 0 and 1, such as 0.95.")
    estimate, drawn = float(scores[0]), scores[1:]
    drawn = drawn[~drawn.isnan()]
    if not len(drawn):
        return Interval(estimate, math.nan, math.nan)
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = torch.quantile(drawn, ends.to(drawn.device)).tolist()
    return Interval(estimate, low, high)
