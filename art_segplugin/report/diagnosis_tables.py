"""A diagnosis as tables of text, for the terminal and the page alike."""

import math

from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    DiagnosisReport,
    Gain,
    ModelDiagnosis,
)
from art_segplugin.report.diagnosis_words import confound, labels, number, points
from art_segplugin.report.sheet import Sheet
from art_segplugin.report.summary import ABSENT, Score, accuracy_word, size_text
from art_segplugin.report.tables import option_cells

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
