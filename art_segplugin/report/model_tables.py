"""Several models of a diagnosis side by side."""

import math

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport, ModelComparison
from art_segplugin.report.diagnosis_words import labels, number, points
from art_segplugin.report.sheet import Sheet
from art_segplugin.report.summary import ABSENT, accuracy_word


def models_sheets(report: DiagnosisReport) -> list[Sheet]:
    """What more than one model has to say; nothing for a single one."""
    if len(report.models) < 2:
        return []
    sheets = [_comparisons_sheet(report), _classes_sheet(report), _consistency_sheet(report)]
    return [sheet for sheet in sheets if sheet.rows]


def _comparisons_sheet(report: DiagnosisReport) -> Sheet:
    first, whole = report.models[0], report.classification
    rows = [
        [
            report.models[one.model].model,
            labels(first)[one.attack],
            points(one.comparison.accuracy),
            *([] if whole else [points(one.comparison.mean_iou)]),
            points(one.comparison.worst_class_accuracy),
            _fell_first(report, one),
            ABSENT if math.isnan(one.of_others) else f"{100 * one.of_others:+.1f}",
        ]
        for one in report.model_comparisons
    ]
    header = ["model", "attack", accuracy_word(whole), *([] if whole else ["mIoU"])]
    header += ["worst class", "class that fell first", "mean of the others"]
    note = (
        "Points with 95 % intervals of a paired bootstrap over images; positive: more robust than "
        f"{first.model}. Worst class: whichever it is in each model. Fell first: the class that is "
        f"worst in {first.model} on the first half of the images; it and the others are compared on "
        "the other half, because a class chosen for a low score gains by chance alone where it was "
        "chosen."
    )
    return Sheet(f"Each model against {first.model} [points]", header, rows, note)


def _fell_first(report: DiagnosisReport, one: ModelComparison) -> str:
    if one.fell_first is None or one.of_fell_first is None:
        return ABSENT
    return f"{report.classes[one.fell_first]}: {points(one.of_fell_first)}"


def _classes_sheet(report: DiagnosisReport) -> Sheet:
    """Class by class under the first attack, the weakest of the first model first."""
    first = report.models[0]
    compared = [one for one in report.model_comparisons if one.attack == 1]
    base = first.baseline.class_accuracy
    present = [index for index, pixels in enumerate(report.pixels) if pixels]
    rows = [
        [
            report.classes[index],
            f"{100 * base[index]:.1f}",
            *(points(one.class_accuracy[index]) for one in compared),
        ]
        for index in sorted(present, key=lambda index: base[index])
    ]
    header = ["class", first.model, *(report.models[one.model].model for one in compared)]
    note = f"Accuracy of {first.model} in percent; of the others, points more or less than it."
    return Sheet(f"Classes under {labels(first)[1]} by model", header, rows, note)


def _consistency_sheet(report: DiagnosisReport) -> Sheet:
    names = [model.model for model in report.models]
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    rows = [
        [name, *(number(matrix[i][j]) for i, j in pairs)]
        for name, matrix in zip(labels(report.models[0])[1:], report.model_consistency, strict=True)
    ]
    header = ["attack", *(f"{names[j]} and {names[i]}" for i, j in pairs)]
    note = "Spearman's correlation of the class accuracies between models, 1 for the same ranking."
    return Sheet("Do the models agree which classes are weak?", header, rows, note)
