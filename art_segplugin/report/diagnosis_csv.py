"""A diagnosis for spreadsheets: one row a class, and one row a comparison of attacks or of models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    Comparison,
    DiagnosisReport,
    ModelDiagnosis,
)
from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.csv_files import identity, write_rows

NO_GAIN = {"gain_on_weakest": "", "even_share": ""}


def write_classes_csv(report: DiagnosisReport, path: Path) -> None:
    """Write one row a model, attack and class.

    Raises:
        InputError: `path` cannot be written.
    """
    write_rows(
        (
            {"model": model.model, **identity(result, model.results)}
            | _of_class(report, model, result, index)
            for model in report.models
            for result in model.results
            for index in range(len(report.classes))
        ),
        path,
    )


def write_comparisons_csv(report: DiagnosisReport, path: Path) -> None:
    """Write what was compared: attacks with the baseline, and models with the first model.

    One row an attack, one for the selected attack, and one a further model and attack. Without any
    of them the file has its header only.

    Raises:
        InputError: `path` cannot be written.
    """
    rows = [row for model in report.models for row in _comparisons(model)]
    rows += _of_models(report)
    first = report.models[0]
    scores = ("accuracy", "mean_iou", "worst_class_accuracy")
    header = [
        *("model", *identity(first.clean, first.results)),
        *("baseline_model", "baseline", "on", "images"),
        *(f"{score}_{end}" for score in scores for end in ("difference", "low", "high")),
        *NO_GAIN,
    ]
    write_rows(rows, path, header)


def _of_class(
    report: DiagnosisReport, model: ModelDiagnosis, result: AttackDiagnosis, index: int
) -> dict[str, Any]:
    main = result.confounds[index]
    return {
        "class": report.classes[index],
        "accuracy": result.class_accuracy[index],
        "iou": result.class_iou[index],
        "frequency": report.pixels[index] / max(sum(report.pixels), 1),
        "confound": "" if main is None else report.classes[main],
        "confound_share": result.confound_share[index],
        "homing": result.homing[index],
        "gain": "" if result.gain is None else result.gain.classes[index],
        "weight_norm": "" if model.weight_norms is None else model.weight_norms[index],
    }


def _comparisons(model: ModelDiagnosis) -> Iterator[dict[str, Any]]:
    for result in model.results:
        if result.comparison is not None and result.gain is not None:
            gain = {"gain_on_weakest": result.gain.share, "even_share": result.gain.expected}
            yield _compared(model, result, model, result.comparison) | gain
    chosen = model.selection
    if chosen is not None:
        images = f"all but the first {chosen.chosen_on}, which it was selected on"
        result = model.results[chosen.attack]
        yield _compared(model, result, model, chosen.comparison, images) | NO_GAIN


def _of_models(report: DiagnosisReport) -> Iterator[dict[str, Any]]:
    for one in report.model_comparisons:
        model = report.models[one.model]
        yield (
            _compared(model, model.results[one.attack], report.models[0], one.comparison) | NO_GAIN
        )


def _compared(
    model: ModelDiagnosis,
    result: AttackDiagnosis,
    other: ModelDiagnosis,
    comparison: Comparison,
    images: str = "all",
) -> dict[str, Any]:
    """A result minus the baseline of the same model, or minus the same attack on another model."""
    against = model.baseline if other is model else result
    return (
        {"model": model.model, **identity(result, model.results)}
        | {"baseline_model": other.model, "baseline": against.attack}
        | {"on": images, "images": comparison.images}
        | _interval("accuracy", comparison.accuracy)
        | _interval("mean_iou", comparison.mean_iou)
        | _interval("worst_class_accuracy", comparison.worst_class_accuracy)
    )


def _interval(name: str, found: Interval) -> dict[str, float]:
    return {
        f"{name}_difference": found.estimate,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
    }
