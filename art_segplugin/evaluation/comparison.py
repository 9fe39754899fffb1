"""Results compared on the same images: paired bootstrap, and a choice that is not judged by itself."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from art_segplugin.evaluation.diagnosis_report import Comparison, Gain, ModelComparison, Selection
from art_segplugin.metrics import class_scores, diagnosis
from art_segplugin.metrics.bootstrap import (
    Interval,
    paired_class_differences,
    paired_difference,
)


def compare(before: Tensor, after: Tensor, samples: int = 2000) -> Comparison:
    """Differences of the scores, `after` minus `before`, with intervals over images.

    Args:
        before: (n, 3, c) counts of each image (`ClassCounts.images`) of one attack and model.
        after: the same of the same images under another attack, or of another model.
        samples: bootstrap resamples.
    """
    accuracy, mean_iou, worst = (
        paired_difference(before, after, statistic, samples)
        for statistic in (
            class_scores.accuracy,
            class_scores.mean_iou_of,
            class_scores.worst_class_accuracy,
        )
    )
    return Comparison(len(before), accuracy, mean_iou, worst)


def compare_classes(before: Tensor, after: Tensor, samples: int = 2000) -> list[Interval]:
    """Differences of the class accuracies, `after` minus `before`; arguments as of `compare`."""
    return paired_class_differences(before, after, class_scores.class_accuracy, samples)


def compare_models(
    model: int, attack: int, before: Tensor, after: Tensor, samples: int = 2000
) -> ModelComparison:
    """Differences between two models under one attack, among them that of the class that fell first.

    The class that is worst in the first model is found on the leading half of the images, and its
    difference taken on the others. Images are to be in an order in which each half is like the whole.

    Args:
        model: position of the model in the report.
        attack: position of the attack.
        before: (n, 3, c) counts of each image, of the first model.
        after: the same of the same images, of the model.
        samples: bootstrap resamples.
    """
    half = len(before) // 2
    worst, of_worst, of_others = None, None, math.nan
    if half:
        leading, rest = before[:half].sum(0), before[half:].sum(0)
        judged = class_scores.class_accuracy(leading).masked_fill(rest[1] == 0, math.nan)
        worst = diagnosis.class_spread(judged).worst
    if worst is not None:
        found = compare_classes(before[half:], after[half:], samples)
        of_worst = found.pop(worst)
        others = torch.tensor([one.estimate for one in found], dtype=torch.float64)
        of_others = float(others.nanmean())
    return ModelComparison(
        model,
        attack,
        compare(before, after, samples),
        compare_classes(before, after, samples),
        worst,
        of_worst,
        of_others,
    )


def select(images: Sequence[Tensor], samples: int = 2000) -> Selection | None:
    """The strongest attack but the first on half of the images, against the first on the other half.

    Args:
        images: per attack (n, 3, c) counts of each image. Images are to be in an order in which
            each half is like the whole.
        samples: bootstrap resamples.

    Returns:
        The choice, counted with the clean result as attack 0; None for one image, or where there
        are fewer than two attacks to choose from.
    """
    half = len(images[0]) // 2
    if len(images) < 3 or half == 0:
        return None
    remaining = [float(class_scores.accuracy(one[:half].sum(0))) for one in images[1:]]
    chosen = 1 + remaining.index(min(remaining))
    difference = compare(images[0][half:], images[chosen][half:], samples)
    return Selection(1 + chosen, half, difference)


def gain_over(weak: Tensor, strong: Tensor) -> Gain:
    """Which classes a stronger attack is stronger on.

    Args:
        weak: (c,) class accuracies under the weaker attack, NaN for absent classes.
        strong: the same under the stronger one.
    """
    present = int((~weak.isnan()).sum())
    third = max(1, round(present / 3))
    return Gain(
        diagnosis.gain(weak, strong).tolist(),
        diagnosis.weakest(weak, third).tolist(),
        diagnosis.share_on_weakest(weak, strong, third),
        third / max(present, 1),
    )
