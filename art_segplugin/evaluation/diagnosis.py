"""Class-wise diagnosis: from the counts of each attack to who is hurt, by whom, and how unequally.

Results are compared on the same images, with a paired bootstrap, and by a choice that is not judged by
itself.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from art_segplugin.data.palettes import Palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    Comparison,
    Correlation,
    DiagnosisReport,
    Gain,
    ModelComparison,
    ModelDiagnosis,
    RegionScores,
    Selection,
)
from art_segplugin.evaluation.result import CLEAN, BatchResult, LabelFacts, class_lists, versions
from art_segplugin.metrics import class_scores, diagnosis
from art_segplugin.metrics.bootstrap import (
    Interval,
    paired_class_differences,
    paired_difference,
)
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.metrics.correlation import pearson, spearman


@dataclass(frozen=True, eq=False)
class AttackCounts:
    """The counts of one attack on the whole data set; `attack` is "clean" for none."""

    attack: str
    options: dict[str, Any]
    seed: int
    counts: ClassCounts
    largest_distance: float = 0.0


@dataclass(frozen=True, eq=False)
class ModelCounts:
    """What is to be diagnosed.

    Attributes:
        model: its name.
        results: clean first, then the baseline, then other attacks.
        weight_norms: Euclidean norm (c,) of each class's weights in the last layer, if known.
    """

    model: str
    results: list[AttackCounts]
    weight_norms: Tensor | None = None


def attack_counts(results: Iterable[BatchResult]) -> list[AttackCounts]:
    """Add up the batches of each attack, in order of first appearance.

    Batches are added as they come, so that a generator's are never all in memory: with many classes
    their tables are large.

    Args:
        results: of `evaluate` with `regions` and a single seed.

    Raises:
        InputError: a batch was not counted by class, or an attack has several seeds.
    """
    totals: dict[str, AttackCounts] = {}
    images: dict[str, list[tuple[int, Tensor]]] = {}
    for batch in results:
        if batch.class_counts is None:
            raise InputError(
                f"{batch.attack} was not counted by class; call evaluate(..., regions=Regions())."
            )
        # As they are after a way through a file, whether or not they come from one.
        options = json.loads(json.dumps(batch.options))
        key = json.dumps([batch.attack, options], sort_keys=True)
        images.setdefault(key, []).extend(
            zip(batch.positions, batch.class_counts.images, strict=True)
        )
        counts = replace(batch.class_counts, images=batch.class_counts.images[:0])
        distance, earlier = batch.largest_distance, totals.get(key)
        if earlier is not None:
            if earlier.seed != batch.seed:
                raise InputError(
                    f"{batch.attack} was run with the seeds {earlier.seed} and {batch.seed}; a "
                    "diagnosis takes one seed, so make one for each."
                )
            counts, distance = earlier.counts + counts, max(earlier.largest_distance, distance)
        totals[key] = AttackCounts(batch.attack, options, batch.seed, counts, distance)
    return [
        replace(total, counts=replace(total.counts, images=_in_order(images[key])))
        for key, total in totals.items()
    ]


def _in_order(parts: list[tuple[int, Tensor]]) -> Tensor:
    """Images in the order of the data; on the device of the one that came first."""
    device = parts[0][1].device
    return torch.stack([part.to(device) for _, part in sorted(parts, key=lambda part: part[0])])


def diagnose(
    models: Sequence[ModelCounts],
    palette: Palette,
    data: str,
    command: str = "",
    samples: int = 2000,
    labels: LabelFacts | None = None,
) -> DiagnosisReport:
    """Work out everything that a diagnosis says.

    Args:
        models: counts of each model under the same attacks, on the same images.
        palette: names of the classes.
        data: name of the data set.
        command: what to type to get the report again.
        samples: bootstrap resamples of each interval.
        labels: what the labels were, if it is known.

    Raises:
        InputError: no model or attack, attacks or images that differ between models or attacks, or
            no labelled pixel.
    """
    _check(models)
    attacks = range(1, len(models[0].results))
    true_pixels = models[0].results[0].counts.totals[1]
    return DiagnosisReport(
        data=data,
        images=len(models[0].results[0].counts.images),
        pixels=true_pixels.tolist(),
        models=[_diagnosed(model, samples) for model in models],
        model_consistency=[
            _consistency([model.results[index] for model in models]) for index in attacks
        ],
        model_comparisons=list(_model_comparisons(models, samples)),
        versions=versions(),
        command=command,
        labels=labels,
        **class_lists(palette),
    )


def _diagnosed(model: ModelCounts, samples: int) -> ModelDiagnosis:
    attacks = model.results[1:]
    return ModelDiagnosis(
        model.model,
        [
            _findings(one, model, compared=index > 1, samples=samples)
            for index, one in enumerate(model.results)
        ],
        None if model.weight_norms is None else model.weight_norms.tolist(),
        _consistency(attacks),
        select([attack.counts.images for attack in attacks], samples),
    )


def _model_comparisons(models: Sequence[ModelCounts], samples: int) -> Iterator[ModelComparison]:
    for number, model in enumerate(models[1:], 1):
        for index, (one, other) in enumerate(zip(models[0].results, model.results, strict=True)):
            yield compare_models(number, index, one.counts.images, other.counts.images, samples)


def _findings(
    one: AttackCounts, model: ModelCounts, compared: bool, samples: int
) -> AttackDiagnosis:
    counts, baseline = one.counts, model.results[1].counts
    totals = counts.totals
    accuracies, iou = class_scores.class_accuracy(totals), class_scores.class_iou(totals)
    known = {"weight norm": model.weight_norms, "frequency": totals[1].double()}
    weak = class_scores.class_accuracy(baseline.totals)
    return AttackDiagnosis(
        attack=one.attack,
        options=one.options,
        seed=one.seed,
        counts=counts.confusion.tolist(),
        accuracy=float(class_scores.accuracy(totals)),
        mean_iou=float(class_scores.mean_iou_of(totals)),
        image_mean_iou=class_scores.image_mean_iou(counts.images),
        class_accuracy=accuracies.tolist(),
        class_iou=iou.tolist(),
        accuracy_spread=diagnosis.class_spread(accuracies),
        iou_spread=diagnosis.class_spread(iou),
        confounds=[None if k < 0 else k for k in diagnosis.confounds(counts.confusion).tolist()],
        confound_share=diagnosis.confound_share(counts.confusion).tolist(),
        homing=diagnosis.homing(counts).tolist(),
        homing_rate=diagnosis.homing_rate(counts),
        regions={name: _region(confusion) for name, confusion in counts.regions.items()},
        correlations={
            name: Correlation(pearson(values, accuracies), spearman(values, accuracies))
            for name, values in known.items()
            if values is not None
        },
        largest_distance=one.largest_distance,
        comparison=compare(baseline.images, counts.images, samples) if compared else None,
        gain=gain_over(weak, accuracies) if compared else None,
    )


def _region(confusion: Tensor) -> RegionScores:
    totals = class_scores.totals_of(confusion)
    iou = class_scores.class_iou(totals)
    return RegionScores(
        int(totals[1].sum()),
        float(class_scores.accuracy(totals)),
        # A class that the region leaves out would count as an IoU of 0 wherever it is predicted.
        float(iou[totals[1] > 0].nanmean()),
        class_scores.class_accuracy(totals).tolist(),
    )


def _consistency(results: Sequence[AttackCounts]) -> list[list[float]]:
    accuracies = [class_scores.class_accuracy(one.counts.totals) for one in results]
    consistency: list[list[float]] = diagnosis.rank_consistency(torch.stack(accuracies)).tolist()
    return consistency


def _attacked_by(one: AttackCounts) -> tuple[str, dict[str, Any]]:
    """What models are to have in common; the label of void is each model's own."""
    return one.attack, {k: v for k, v in one.options.items() if k != "ignore_index"}


def _check(models: Sequence[ModelCounts]) -> None:
    """Refuse counts that cannot be compared."""
    if not models or len(models[0].results) < 2 or models[0].results[0].attack != CLEAN:
        raise InputError("a diagnosis needs a model, its clean counts and at least one attack.")
    first = models[0].results
    truth = first[0].counts.images[:, 1]
    if not int(truth.sum()):
        raise InputError("the labels are void everywhere; a diagnosis needs labelled pixels.")
    attacks = [_attacked_by(one) for one in first]
    for model in models:
        if [_attacked_by(one) for one in model.results] != attacks:
            raise InputError(
                f"{model.model} and {models[0].model} were not attacked in the same way."
            )
        for one in model.results:
            if not torch.equal(one.counts.images[:, 1], truth):
                raise InputError(
                    f"{one.attack} on {model.model} was counted on other images than the clean "
                    f"result of {models[0].model}; count all on the same images."
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
