"""A diagnosis in sentences, and the names of what it is about."""

import math

from art_segplugin.evaluation.diagnosis_report import (
    AttackDiagnosis,
    DiagnosisReport,
    ModelDiagnosis,
)
from art_segplugin.metrics.bootstrap import Interval
from art_segplugin.report.summary import ABSENT, label


def labels(model: ModelDiagnosis) -> list[str]:
    """A name for people of the clean result and of each attack, unique within a model."""
    return [label(result, model.results) for result in model.results]


def headline(report: DiagnosisReport, model: ModelDiagnosis) -> str:
    """Who falls first under the baseline, in one sentence."""
    spread, attack = model.baseline.accuracy_spread, label(model.baseline, model.results)
    what = "images" if report.classification else "pixels"
    if spread.worst is None or spread.best is None or spread.gap <= 0:
        return f"No class falls before the others under {attack}."
    return (
        f"{report.classes[spread.worst]} falls first: {100 * spread.smallest:.1f} % of its {what} "
        f"are right under {attack}, {100 * spread.gap:.1f} points behind "
        f"{report.classes[spread.best]}."
    )


def selection_sentence(model: ModelDiagnosis) -> str:
    """What the strongest of the other attacks is worth on images it was not chosen on, or ""."""
    chosen = model.selection
    if chosen is None:
        return ""
    names, difference = labels(model), chosen.comparison.accuracy
    return (
        f"{names[chosen.attack]} leaves the lowest accuracy of the other attacks on the first "
        f"{_images(chosen.chosen_on)}; on the other {_images(chosen.comparison.images)} it "
        f"{_verdict(difference, names[1])}: {points(difference)} points."
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


def _verdict(difference: Interval, baseline: str) -> str:
    if difference.high < 0:
        return f"is stronger than {baseline}"
    if difference.low > 0:
        return f"is weaker than {baseline}"
    return f"cannot be told from {baseline}"


def _images(count: int) -> str:
    return "image" if count == 1 else f"{count} images"
