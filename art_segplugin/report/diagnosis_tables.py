"""A diagnosis in words, in tables for the terminal and the page, and in rows for spreadsheets."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    Comparison,
    DiagnosisReport,
    Gain,
    ModelComparison,
    ModelDiagnosis,
)
from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.summary import ABSENT, Score, accuracy_word, label, size_text
from art_segplugin.report.tables import Sheet, identity, option_cells, write_rows

FEWEST_IMAGES = 10  # percentile intervals from fewer are far too narrow


def labels(model: ModelDiagnosis) -> list[str]:
    """A name for people of the clean result and of each attack, unique within a model."""
    return [label(result, model.results) for result in model.results]


def headline(report: DiagnosisReport, model: ModelDiagnosis) -> str:
    """Who is weakest under the baseline, and how it stood before, in one sentence."""
    spread, attack = model.baseline.accuracy_spread, label(model.baseline, model.results)
    if spread.worst is None or spread.best is None or spread.gap <= 0:
        return f"No class is weaker than the others under {attack}."
    what = "images" if report.classification else "pixels"
    scores = zip(model.clean.class_accuracy, model.baseline.class_accuracy, strict=True)
    stood = sorted(before for before, under in scores if under == spread.smallest)
    weakest = f"{100 * spread.smallest:.1f} %"
    behind = f"{100 * spread.gap:.1f} points behind {class_name(report, spread.best)}"
    if len(stood) > 1:
        return (
            f"{len(stood)} classes tie at {weakest} of their {what} right under {attack} "
            f"({100 * stood[0]:.1f} to {100 * stood[-1]:.1f} % clean), {behind}."
        )
    return (
        f"{class_name(report, spread.worst)} is weakest: {weakest} of its {what} are right under "
        f"{attack} ({100 * stood[0]:.1f} % clean), {behind}."
    )


def class_name(report: DiagnosisReport, index: int) -> str:
    """The name of a class in a sentence, where a bare number would be read as a score."""
    name = report.classes[index]
    return f"class {name}" if name.replace(".", "").isdecimal() else name


def selection_sentence(model: ModelDiagnosis) -> str:
    """What the strongest of the other attacks is worth on images it was not chosen on, or ""."""
    chosen = model.selection
    if chosen is None:
        return ""
    names, difference = labels(model), chosen.comparison.accuracy
    images, verdict = _verdict(chosen.comparison, names[1])
    return (
        f"{names[chosen.attack]} leaves the lowest accuracy of the other attacks on the first "
        f"{_images(chosen.chosen_on)}; on the other {images} it "
        f"{verdict}: {points(difference)} points."
    )


def confound(report: DiagnosisReport, result: AttackDiagnosis, index: int) -> str:
    """What the wrong pixels of a class are most often taken for, with their share of them."""
    main = result.confounds[index]
    if main is None:
        return ABSENT
    return f"{report.classes[main]} ({100 * result.confound_share[index]:.0f} %)"


def points(difference: Interval) -> str:
    """A difference of shares in points with its interval, such as "-1.2 [-2.0, -0.4]"."""
    if math.isnan(difference.estimate):
        return ABSENT
    known = f"{100 * difference.estimate:+.1f}"
    if math.isnan(difference.low):
        return known
    return f"{known} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}]"


def number(value: float) -> str:
    """A correlation or factor with two decimals, "-" for NaN."""
    return ABSENT if math.isnan(value) else f"{value:.2f}"


def _verdict(comparison: Comparison, baseline: str) -> tuple[str, str]:
    """The images of a comparison, and what it says about an attack and the baseline."""
    difference, images = comparison.accuracy, _images(comparison.images)
    if comparison.images < FEWEST_IMAGES:
        return f"{images}, too few images to tell,", f"differs from {baseline}"
    # Without width no resample differs, so the interval says nothing about other images.
    if difference.low < difference.high < 0:
        return images, f"is stronger than {baseline}"
    if 0 < difference.low < difference.high:
        return images, f"is weaker than {baseline}"
    return images, f"cannot be told from {baseline}"


def _images(count: int) -> str:
    return "image" if count == 1 else f"{count} images"


REGION_NOTES = {
    "boundary": "Boundary: pixels with a pixel of another class within 2 pixels.",
    "small objects": (
        "Small objects: connected regions of one class below a share of the image (0.5 % unless "
        "--small-objects says otherwise)."
    ),
}


def model_sheets(report: DiagnosisReport, model: ModelDiagnosis) -> list[Sheet]:
    """All tables of one model; those that would be empty are left out."""
    sheets = [
        _scores_sheet(report, model),
        _classes_sheet(report, model),
        _spread_sheet(report, model),
        _confounds_sheet(report, model),
        _comparisons_sheet(report, model),
        _regions_sheet(model),
        _correlations_sheet(model),
        _consistency_sheet(model),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def options_sheet(report: DiagnosisReport) -> Sheet:
    """All options of each attack."""
    model = report.models[0]
    names, cells = option_cells([result.options for result in model.results[1:]])
    rows = [
        [name, *values, str(result.seed)]
        for name, values, result in zip(labels(model)[1:], cells, model.results[1:], strict=True)
    ]
    return Sheet("Options of the attacks", ["attack", *names, "seed"], rows)


def percent(value: float) -> str:
    """A share in percent with one decimal, "-" for NaN."""
    return Score(value).percent


def _scores_sheet(report: DiagnosisReport, model: ModelDiagnosis) -> Sheet:
    whole = report.classification
    rows = [
        [
            name,
            percent(result.accuracy),
            *([] if whole else [percent(result.mean_iou), percent(result.image_mean_iou)]),
            percent(result.homing_rate),
            ABSENT if result is model.clean else size_text(result.largest_distance, result.options),
        ]
        for name, result in zip(labels(model), model.results, strict=True)
    ]
    header = ["attack", f"{accuracy_word(whole)} [%]"]
    header += [] if whole else ["mIoU [%]", "mIoU by image [%]"]
    header += ["homing [%]", "largest change"]
    note = (
        f"Homing: share of the wrong {_what(report)} that are right once the logit of the class "
        "they are taken for is taken away."
    )
    if report.labels:
        note += " " + report.labels.sentences(len(report.classes))
    return Sheet(f"{model.model} on {report.data}", header, rows, note)


def _classes_sheet(report: DiagnosisReport, model: ModelDiagnosis) -> Sheet:
    rows = [
        [
            report.classes[index],
            *(percent(result.class_accuracy[index]) for result in model.results),
        ]
        for index in _weakest_first(report, model)
    ]
    return Sheet("Accuracy per class [%]", ["class", *labels(model)], rows)


def _spread_sheet(report: DiagnosisReport, model: ModelDiagnosis) -> Sheet:
    rows = []
    for name, result in zip(labels(model), model.results, strict=True):
        spread = result.accuracy_spread
        rows.append(
            [
                name,
                _named(report, spread.worst, spread.smallest),
                _named(report, spread.best, spread.largest),
                percent(spread.gap),
                number(spread.coefficient_of_variation),
                *(
                    []
                    if report.classification
                    else [number(result.iou_spread.coefficient_of_variation)]
                ),
            ]
        )
    header = ["attack", "worst class [%]", "best class [%]", "gap [points]", "variation"]
    header += [] if report.classification else ["of IoU"]
    note = "Variation: standard deviation over mean, of the class accuracies and of the class IoUs."
    if report.classification:
        note = "Variation: standard deviation of the class accuracies over their mean."
    return Sheet("How unequal the classes are", header, rows, note)


def _confounds_sheet(report: DiagnosisReport, model: ModelDiagnosis) -> Sheet:
    base, total = model.baseline, max(sum(report.pixels), 1)
    rows = [
        [
            report.classes[index],
            percent(report.pixels[index] / total),
            percent(base.class_accuracy[index]),
            confound(report, base, index),
            percent(base.homing[index]),
        ]
        for index in _weakest_first(report, model)
    ]
    header = ["class", "frequency [%]", "accuracy [%]", "taken for", "homing [%]"]
    note = (
        f"Taken for: the class that most of its wrong {_what(report)} become. Homing: share of "
        "these that are right once that class's logit is taken away."
    )
    return Sheet(f"What the classes are taken for under {labels(model)[1]}", header, rows, note)


def _weakest_first(report: DiagnosisReport, model: ModelDiagnosis) -> list[int]:
    """The classes that occur, by their accuracy under the baseline."""
    present = [index for index, pixels in enumerate(report.pixels) if pixels]
    return sorted(present, key=lambda index: model.baseline.class_accuracy[index])


def _comparisons_sheet(report: DiagnosisReport, model: ModelDiagnosis) -> Sheet:
    names, whole = labels(model), report.classification
    rows = [
        [
            name,
            points(result.comparison.accuracy),
            *([] if whole else [points(result.comparison.mean_iou)]),
            points(result.comparison.worst_class_accuracy),
            _share(_gain_on_weakest(model.baseline, result.gain)),
            _share(result.gain.expected),
        ]
        for name, result in zip(names, model.results, strict=True)
        if result.comparison is not None and result.gain is not None
    ]
    header = ["attack", accuracy_word(whole), *([] if whole else ["mIoU"]), "worst class"]
    header += ["gain on weakest third", "even share"]
    note = (
        "Points with 95 % intervals of a paired bootstrap over images; negative: stronger than "
        f"{names[1]}. Gain: what the attack takes from the class accuracies beyond it, so it is "
        "positive where a difference is negative; its share on the third of the classes that is "
        f'weakest under {names[1]} is "{ABSENT}" where these are at 0 already or some classes '
        "gain while others lose."
    )
    return Sheet(f"Each attack against {names[1]} [points]", header, rows, note)


def _gain_on_weakest(baseline: AttackDiagnosis, gain: Gain) -> float:
    """The share of the gain on the weakest classes, NaN where it is a share of nothing sensible."""
    nothing_left = all(baseline.class_accuracy[index] == 0 for index in gain.weakest)
    mixed = any(value < 0 for value in gain.classes) and any(value > 0 for value in gain.classes)
    return math.nan if nothing_left or mixed else gain.share


def _regions_sheet(model: ModelDiagnosis) -> Sheet:
    regions = (
        list(model.clean.regions) if any(r.pixels for r in model.clean.regions.values()) else []
    )
    rows = [
        [
            name,
            *(
                f"{percent(result.regions[region].accuracy)} / "
                f"{percent(result.regions[region].mean_iou)}"
                for region in regions
            ),
        ]
        for name, result in zip(labels(model), model.results, strict=True)
        if regions
    ]
    notes = ["The mIoU of a region is over the classes that are true in it."]
    notes += [REGION_NOTES[kind] for kind in REGION_NOTES if any(kind in name for name in regions)]
    title = "Pixel accuracy / mIoU by region [%]"
    return Sheet(title, ["attack", *regions], rows, " ".join(notes))


def _correlations_sheet(model: ModelDiagnosis) -> Sheet:
    kinds = [
        kind
        for kind in model.clean.correlations
        if not all(math.isnan(result.correlations[kind].pearson) for result in model.results)
    ]
    rows = [
        [
            name,
            *(
                number(value)
                for kind in kinds
                for value in (result.correlations[kind].pearson, result.correlations[kind].spearman)
            ),
        ]
        for name, result in zip(labels(model), model.results, strict=True)
    ]
    header = ["attack", *(f"{kind}, {name}" for kind in kinds for name in ("Pearson", "Spearman"))]
    note = "Correlation over classes; weight norm: of the class's weights in the last layer."
    return Sheet("What class accuracy goes with", header, rows if kinds else [], note)


def _consistency_sheet(model: ModelDiagnosis) -> Sheet:
    names = labels(model)[1:]
    rows = [
        [name, *map(number, row)] for name, row in zip(names, model.rank_consistency, strict=True)
    ]
    known = len(rows) > 1 and any(cell != ABSENT for row in rows for cell in row[1:])
    note = "Spearman's correlation of the class accuracies, 1 for the same ranking."
    title = "Do the attacks agree which classes are weak?"
    return Sheet(title, ["attack", *names], rows if known else [], note)


def _named(report: DiagnosisReport, index: int | None, value: float) -> str:
    return ABSENT if index is None else f"{report.classes[index]} ({percent(value)})"


def _share(value: float) -> str:
    return ABSENT if math.isnan(value) else f"{100 * value:.0f} %"


def _what(report: DiagnosisReport) -> str:
    return "images" if report.classification else "pixels"


def models_sheets(report: DiagnosisReport) -> list[Sheet]:
    """What more than one model has to say; nothing for a single one."""
    if len(report.models) < 2:
        return []
    sheets = [
        _models_comparisons_sheet(report),
        _models_classes_sheet(report),
        _models_consistency_sheet(report),
    ]
    return [sheet for sheet in sheets if sheet.rows]


def _models_comparisons_sheet(report: DiagnosisReport) -> Sheet:
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


def _models_classes_sheet(report: DiagnosisReport) -> Sheet:
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


def _models_consistency_sheet(report: DiagnosisReport) -> Sheet:
    names = [model.model for model in report.models]
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    rows = [
        [name, *(number(matrix[i][j]) for i, j in pairs)]
        for name, matrix in zip(labels(report.models[0])[1:], report.model_consistency, strict=True)
    ]
    header = ["attack", *(f"{names[j]} and {names[i]}" for i, j in pairs)]
    note = "Spearman's correlation of the class accuracies between models, 1 for the same ranking."
    return Sheet("Do the models agree which classes are weak?", header, rows, note)


NO_GAIN = {"gain_on_weakest": "", "even_share": ""}


def write_classes_csv(report: DiagnosisReport, path: Path) -> None:
    """Write one row a model, attack and class.

    Raises:
        InputError: `path` cannot be written.
    """
    write_rows(
        (
            {"model": model.model, **identity(result, model.results)}
            | _class_cells(report, model, result, index)
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
    rows = [row for model in report.models for row in _comparison_rows(model)]
    rows += _model_rows(report)
    first = report.models[0]
    scores = ("accuracy", "mean_iou", "worst_class_accuracy")
    header = [
        *("model", *identity(first.clean, first.results)),
        *("baseline_model", "baseline", "on", "images"),
        *(f"{score}_{end}" for score in scores for end in ("difference", "low", "high")),
        *NO_GAIN,
    ]
    write_rows(rows, path, header)


def _class_cells(
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


def _comparison_rows(model: ModelDiagnosis) -> Iterator[dict[str, Any]]:
    for result in model.results:
        if result.comparison is not None and result.gain is not None:
            gain = {"gain_on_weakest": result.gain.share, "even_share": result.gain.expected}
            yield _compared(model, result, model, result.comparison) | gain
    chosen = model.selection
    if chosen is not None:
        images = f"all but the first {chosen.chosen_on}, which it was selected on"
        result = model.results[chosen.attack]
        yield _compared(model, result, model, chosen.comparison, images) | NO_GAIN


def _model_rows(report: DiagnosisReport) -> Iterator[dict[str, Any]]:
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
        | _interval_cells("accuracy", comparison.accuracy)
        | _interval_cells("mean_iou", comparison.mean_iou)
        | _interval_cells("worst_class_accuracy", comparison.worst_class_accuracy)
    )


def _interval_cells(name: str, found: Interval) -> dict[str, float]:
    return {
        f"{name}_difference": found.estimate,
        f"{name}_low": found.low,
        f"{name}_high": found.high,
    }
