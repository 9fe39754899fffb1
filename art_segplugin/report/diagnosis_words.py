"""A diagnosis in sentences, and the names of what it is about."""

import math

from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    Comparison,
    DiagnosisReport,
    ModelDiagnosis,
)
from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.summary import ABSENT, label

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
