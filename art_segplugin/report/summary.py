"""Results of one attack pooled over its seeds, their names, and the sentence that sums them up."""

import json
import math
import re
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from art_segplugin.attacks import ATTACKS
from art_segplugin.core.threat_model import NORMS
from art_segplugin.evaluation.result import (
    CLEAN,
    AttackResult,
    RobustnessReport,
    WorstCaseResult,
)
from art_segplugin.metrics.class_scores import class_accuracy, totals_of

ABSENT = "-"
SYMBOLS = {"temperature": "T = "}  # shorter than the name, so that tables are narrower


@dataclass(frozen=True)
class Score:
    """A share in 0..1, pooled over seeds.

    Attributes:
        mean: Mean over the seeds; NaN where there is nothing to score.
        spread: Sample standard deviation over the seeds; None for a single seed.
    """

    mean: float
    spread: float | None = None

    @classmethod
    def of(cls, values: Iterable[float]) -> "Score":
        """Pool one value per seed; NaN counts as no value."""
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return cls(math.nan)
        spread = statistics.stdev(known) if len(known) > 1 else None
        return cls(statistics.fmean(known), spread)

    @property
    def known(self) -> bool:
        """Whether there was anything to score."""
        return not math.isnan(self.mean)

    @property
    def percent(self) -> str:
        """In percent with one decimal, such as "4.2" or "4.2 ± 0.3"; "-" for NaN."""
        if not self.known:
            return ABSENT
        spread = "" if self.spread is None else f" ± {100 * self.spread:.1f}"
        return f"{100 * self.mean:.1f}{spread}"


@dataclass(frozen=True)
class Group:
    """The results of one attack with one set of options, one per seed.

    Attributes:
        label: Name for people, unique within a report, such as "SegPGD-20".
        results: The results, in the order of the report.
    """

    label: str
    results: tuple[AttackResult, ...]

    @property
    def attack(self) -> str:
        """Name of the attack as it is in the report."""
        return self.results[0].attack

    @property
    def options(self) -> dict[str, Any]:
        """Options of the attack, the same for every seed."""
        return self.results[0].options

    @property
    def seeds(self) -> list[int]:
        """Seeds of the results."""
        return [result.seed for result in self.results]

    @property
    def pixel_accuracy(self) -> Score:
        """Share of right pixels."""
        return Score.of(result.pixel_accuracy for result in self.results)

    @property
    def mean_iou(self) -> Score:
        """Mean IoU over the classes that occur."""
        return Score.of(result.mean_iou for result in self.results)

    @property
    def mis_ratio(self) -> Score:
        """Share of wrong pixels."""
        return Score.of(result.mis_ratio for result in self.results)

    @property
    def targeted(self) -> bool:
        """Whether pixels were to become a target."""
        return any(result.target is not None for result in self.results)

    @property
    def reached(self) -> Score:
        """Share of the source that is predicted as the target."""
        return Score.of(result.reached for result in self.results)

    @property
    def collateral(self) -> Score:
        """Share of the rest whose prediction changed."""
        return Score.of(result.collateral for result in self.results)

    @property
    def iou(self) -> list[Score]:
        """IoU of each class."""
        return [Score.of(values) for values in zip(*(r.iou for r in self.results), strict=True)]

    @property
    def class_accuracy(self) -> list[Score]:
        """Share of right pixels (images, for a classifier) of each class."""
        shares = [class_accuracy(totals_of(r.matrix)).tolist() for r in self.results]
        return [Score.of(values) for values in zip(*shares, strict=True)]

    @property
    def distances(self) -> Tensor | None:
        """Distances of all images and seeds, see `AttackResult.distances`; None if not measured."""
        found = [result.distances for result in self.results]
        known = [one for one in found if one is not None]
        return torch.cat(known) if known and len(known) == len(found) else None

    @property
    def largest_distance(self) -> str:
        """The largest perturbation of any seed, such as "8/255" or "0.5 (L2)"."""
        return size_text(max(r.largest_distance for r in self.results), self.options)


def groups(report: RobustnessReport) -> list[Group]:
    """Pool results that differ in their seed only; the clean result is the first group."""
    pooled: dict[tuple[str, str], list[AttackResult]] = {}
    for result in report.results:
        options = json.dumps(result.options, sort_keys=True, default=str)
        pooled.setdefault((result.attack, options), []).append(result)
    members = list(pooled.values())
    firsts = [results[0] for results in members]
    return [Group(label(results[0], firsts), tuple(results)) for results in members]


@dataclass(frozen=True)
class WorstCaseGroup:
    """The worst case over the same attacks, one result per seed.

    Attributes:
        label: Name for people, unique within a report.
        results: The results, in the order of the report.
    """

    label: str
    results: tuple[WorstCaseResult, ...]

    @property
    def pixel_accuracy(self) -> Score:
        """Share of right pixels where each image has its lowest."""
        return Score.of(result.pixel_accuracy for result in self.results)

    @property
    def mean_iou(self) -> Score:
        """The lowest mean IoU that was found."""
        return Score.of(result.mean_iou for result in self.results)


def worst_case_groups(report: RobustnessReport) -> list[WorstCaseGroup]:
    """Pool worst cases that differ in their seed only."""
    pooled: dict[str, list[WorstCaseResult]] = {}
    for result in report.worst:
        key = json.dumps([result.attacks, result.options], sort_keys=True)
        pooled.setdefault(key, []).append(result)
    several = len({json.dumps(one.options, sort_keys=True) for one in report.worst}) > 1
    found = []
    for results in pooled.values():
        first = results[0]
        name = f"All {len(first.attacks)} attacks"
        if len(first.attacks) == 1:
            name = title(first.attacks[0])
        within = f" (eps {size_text(first.options['eps'], first.options)})" if several else ""
        found.append(WorstCaseGroup(name + within, tuple(results)))
    return found


def main_score(report: RobustnessReport, group: Group) -> Score:
    """What a report is summed up by: mIoU, or accuracy where images as a whole have a class."""
    return group.pixel_accuracy if report.classification else group.mean_iou


def main_score_word(report: RobustnessReport) -> str:
    """The name of `main_score`."""
    return "accuracy" if report.classification else "mIoU"


def class_scores_of(report: RobustnessReport, group: Group) -> list[Score]:
    """`main_score` of each class."""
    return group.class_accuracy if report.classification else group.iou


def class_score_word(report: RobustnessReport) -> str:
    """The name of `class_scores_of`."""
    return "class accuracy" if report.classification else "IoU"


def strongest(report: RobustnessReport) -> Group | None:
    """The attack that leaves the lowest `main_score`; None if the report has no attack."""
    attacks = [group for group in groups(report) if group.attack != CLEAN]
    return min(attacks, key=lambda group: remaining(report, group), default=None)


def headline(report: RobustnessReport) -> str:
    """The report in one sentence, such as "SegPGD-20 takes mIoU from 83.1 % to 4.2 %."."""
    before, word = main_score(report, groups(report)[0]), main_score_word(report)
    worst = strongest(report)
    if worst is None:
        return f"Without an attack, {word} is {before.percent} %."
    after = Score(main_score(report, worst).mean)
    if not after.mean < before.mean:
        return f"No attack lowers {word} from its {before.percent} %."
    limit = ""
    if norm_of(worst.options) == math.inf:
        limit = f" and changes no value of a pixel by more than {worst.largest_distance}"
    if worst.targeted:
        reached, collateral = Score(worst.reached.mean), Score(worst.collateral.mean)
        return (
            f"{worst.label} takes {reached.percent} % of the source to the target, {collateral.percent} "
            f"% of the rest elsewhere{limit}."
        )
    return f"{worst.label} takes {word} from {before.percent} % to {after.percent} %{limit}."


class Attacked(Protocol):
    """Whatever an attack with its options and a seed led to."""

    @property
    def attack(self) -> str:
        """Name of the attack."""
        ...

    @property
    def options(self) -> dict[str, Any]:
        """Its values."""
        ...

    @property
    def seed(self) -> int:
        """Seed of the random starts."""
        ...


def label(result: Attacked, results: Iterable[Attacked]) -> str:
    """The attack's name and, if `results` has several variants of it, the options that differ."""
    variants = [other.options for other in results if other.attack == result.attack]
    names = dict.fromkeys(name for options in variants for name in options)
    differing = [
        f"{SYMBOLS.get(name, name + ' ')}{option_text(name, result.options)}"
        for name in names
        if any(options.get(name) != result.options.get(name) for options in variants)
    ]
    return title(result.attack) + (f" ({', '.join(differing)})" if differing else "")


def accuracy_word(classification: bool) -> str:
    """What the share of right labels is called: there is one a pixel, or one an image."""
    return "accuracy" if classification else "pixel accuracy"


def title(attack: str) -> str:
    """The name of an attack as papers write it: "segpgd-20" becomes "SegPGD-20"."""
    for name in sorted(ATTACKS, key=len, reverse=True):
        if re.match(rf"{re.escape(name)}(?!\w)", attack):
            return ATTACKS[name].title.replace(" ", "-") + attack[len(name) :]
    written = attack.replace("fgsm", "FGSM").replace("pgd", "PGD")
    return written[:1].upper() + written[1:]


def norm_of(options: dict[str, Any]) -> float:
    """The norm of an attack's threat model: 1.0, 2.0 or inf, which is the recipes' default."""
    return NORMS[options.get("norm", math.inf)]


def size_text(size: Any, options: dict[str, Any]) -> str:
    """A radius, step or distance in the norm of `options`: "8/255" for inf, else "0.5 (L2)"."""
    if not isinstance(size, int | float):
        return str(size)
    norm = norm_of(options)
    return f"{255 * size:.4g}/255" if norm == math.inf else f"{size:.4g} (L{norm:.0f})"


def option_text(name: str, options: dict[str, Any]) -> str:
    """One option of an attack for people; "-" where the attack does not have it."""
    value = options.get(name, ABSENT)
    if name in ("eps", "step_size"):
        return size_text(value, options)
    if name == "norm":
        return "L∞" if norm_of(options) == math.inf else f"L{norm_of(options):.0f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def remaining(report: RobustnessReport, group: Group) -> float:
    """`main_score` for sorting: an attack without a score is no strong one."""
    score = main_score(report, group)
    return score.mean if score.known else math.inf
