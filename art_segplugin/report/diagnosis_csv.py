"""A diagnosis for spreadsheets: one row a class, and one row a comparison."""

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
    """Write one row an attack compared with the baseline, and one for the selected attack.

    Raises:
        InputError: `path` cannot be written.
    """
    rows = [row for model in report.models for row in _comparisons(model)]
    write_rows(rows, path)


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
            yield _compared(model, result, result.comparison, "all") | gain
    chosen = model.selection
    if chosen is not None:
        images = f"all but the first {chosen.chosen_on}, which it was selected on"
        row = _compared(model, model.results[chosen.attack], chosen.comparison, images)
        yield row | {"gain_on_weakest": "", "even_share": ""}


def _compared(
    model: ModelDiagnosis, result: AttackDiagnosis, comparison: Comparison, images: str
) -> dict[str, Any]:
    return (
        {"model": model.model, **identity(result, model.results)}
        | {"baseline": model.baseline.attack, "on": images, "images": comparison.images}
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
