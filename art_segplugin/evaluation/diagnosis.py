"""Class-wise diagnosis: from the counts of each attack to who is hurt, by whom, and how unequally."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from art_segplugin.data.palettes import Palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.comparison import compare, compare_models, gain_over, select
from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    Correlation,
    DiagnosisReport,
    ModelComparison,
    ModelDiagnosis,
    RegionScores,
)
from art_segplugin.evaluation.result import CLEAN
from art_segplugin.evaluation.summary import class_lists, versions
from art_segplugin.metrics import class_scores, diagnosis
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
        images.setdefault(key, []).append((batch.first, batch.class_counts.images))
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
    """Images of batches in the order of the data; on the device of the batch that came first."""
    device = parts[0][1].device
    return torch.cat([part.to(device) for _, part in sorted(parts, key=lambda part: part[0])])


def diagnose(
    models: Sequence[ModelCounts],
    palette: Palette,
    data: str,
    command: str = "",
    samples: int = 2000,
) -> DiagnosisReport:
    """Work out everything that a diagnosis says.

    Args:
        models: counts of each model under the same attacks, on the same images.
        palette: names of the classes.
        data: name of the data set.
        command: what to type to get the report again.
        samples: bootstrap resamples of each interval.

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
