"""What a diagnosis found: what is written as JSON and what tables, figures and pages are made from."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from art_segplugin.evaluation.documents import Document, NullsAsNan
from art_segplugin.evaluation.result import LabelFacts
from art_segplugin.metrics import bootstrap, diagnosis
from art_segplugin.scores import Number

Interval = Annotated[bootstrap.Interval, NullsAsNan()]
ClassSpread = Annotated[diagnosis.ClassSpread, NullsAsNan()]


@dataclass(frozen=True)
class Correlation:
    """How strongly the accuracies of the classes go with another number of each class."""

    pearson: Number
    spearman: Number


@dataclass(frozen=True)
class RegionScores:
    """Scores of the pixels of one region, such as the boundaries.

    Attributes:
        pixels: number of valid pixels.
        accuracy: share of them that are right.
        mean_iou: mean IoU over the classes that are true somewhere in the region.
        class_accuracy: share of right pixels of each class.
    """

    pixels: int
    accuracy: Number
    mean_iou: Number
    class_accuracy: list[Number]


@dataclass(frozen=True)
class Comparison:
    """One result minus another on the same images: negative where an attack is the stronger one.

    Attributes:
        images: number of images compared.
        accuracy: difference with its 95 % interval.
        mean_iou: likewise, of the mIoU pooled over the images.
        worst_class_accuracy: likewise, of the accuracy of whichever class is worst.
    """

    images: int
    accuracy: Interval
    mean_iou: Interval
    worst_class_accuracy: Interval


@dataclass(frozen=True)
class Gain:
    """What an attack takes from the accuracy of each class beyond the baseline.

    Attributes:
        classes: one number a class.
        weakest: the third of the classes that are weakest under the baseline.
        share: share of the summed gain that falls on them; NaN where nothing is gained.
        expected: that share if every class lost the same.
    """

    classes: list[Number]
    weakest: list[int]
    share: Number
    expected: Number


@dataclass(frozen=True)
class AttackDiagnosis:
    """What one attack does to the classes; `attack` is "clean" for the images as they are.

    Lists have one entry a class; what cannot be said, as of an absent class, is NaN or None.

    Attributes:
        attack: name, such as "temperature-pgd-20".
        options: its values (eps, norm, temperature, ...).
        seed: seed of the random starts.
        counts: confusion matrix, rows true, columns predicted.
        accuracy: share of right pixels (of right images, for a classifier).
        mean_iou: mean IoU over the classes that occur, pooled over the data set.
        image_mean_iou: mean over the images of the mean IoU over the classes that occur in it.
        class_accuracy: share of the pixels of the class that are right.
        class_iou: intersection over union.
        accuracy_spread: how unequal `class_accuracy` is.
        iou_spread: how unequal `class_iou` is.
        confounds: the class that the wrong pixels are most often taken for.
        confound_share: share of the wrong pixels that are.
        homing: share of these that are right again once the confound's logit is taken away.
        homing_rate: the same for all wrong pixels and whatever each is taken for.
        regions: scores by region.
        correlations: of `class_accuracy` with "weight norm", where known, and "frequency".
        largest_distance: largest perturbation in the attack's norm.
        comparison: against the first attack; None for it and for the clean images.
        gain: likewise.
    """

    attack: str
    options: dict[str, Any]
    seed: int
    counts: list[list[int]]
    accuracy: Number
    mean_iou: Number
    image_mean_iou: Number
    class_accuracy: list[Number]
    class_iou: list[Number]
    accuracy_spread: ClassSpread
    iou_spread: ClassSpread
    confounds: list[int | None]
    confound_share: list[Number]
    homing: list[Number]
    homing_rate: Number
    regions: dict[str, RegionScores]
    correlations: dict[str, Correlation]
    largest_distance: Number
    comparison: Comparison | None = None
    gain: Gain | None = None


@dataclass(frozen=True)
class Selection:
    """The strongest of the other attacks, chosen and compared on different images.

    Choosing the best of several attacks and judging it on the same images flatters it.

    Attributes:
        attack: its position in `ModelDiagnosis.results`.
        chosen_on: number of leading images it was chosen on, by accuracy.
        comparison: against the first attack, on the other images.
    """

    attack: int
    chosen_on: int
    comparison: Comparison


@dataclass(frozen=True)
class ModelDiagnosis:
    """One model under all attacks.

    Attributes:
        model: its name.
        results: clean first, then one an attack; the first attack is the baseline.
        weight_norms: Euclidean norm of each class's weights in the last layer; None if not found.
        rank_consistency: Spearman's correlation of `class_accuracy` between attacks.
        selection: None with fewer than two attacks to choose from, or a single image.
    """

    model: str
    results: list[AttackDiagnosis]
    weight_norms: list[Number] | None
    rank_consistency: list[list[Number]]
    selection: Selection | None

    @property
    def clean(self) -> AttackDiagnosis:
        """The result without an attack."""
        return self.results[0]

    @property
    def baseline(self) -> AttackDiagnosis:
        """The first attack, which the others are compared with."""
        return self.results[1]


@dataclass(frozen=True)
class ModelComparison:
    """A model minus the first model under one attack: positive where it is the more robust one.

    Attributes:
        model: its position in `DiagnosisReport.models`.
        attack: position of the attack in `ModelDiagnosis.results`; 0 for the clean images.
        comparison: of the scores.
        class_accuracy: of the accuracy of each class; NaN for an absent class.
        fell_first: the class that is worst in the first model on the leading half of the images.
            None with a single image, or where no class occurs in both halves.
        of_fell_first: of its accuracy, on the other half: chosen and judged on the same images, a
            class would seem to gain even where nothing differs but chance.
        of_others: mean difference of the other classes on that other half; NaN without any.
    """

    model: int
    attack: int
    comparison: Comparison
    class_accuracy: list[Interval]
    fell_first: int | None = None
    of_fell_first: Interval | None = None
    of_others: Number = math.nan


@dataclass(frozen=True)
class DiagnosisReport(Document):
    """Everything that is known after a diagnosis.

    Attributes:
        data: name of the data set and what was used of it.
        classes: class names.
        colours: RGB of each class.
        images: number of images.
        pixels: true pixels of each class; images of it, for classifiers.
        models: one entry a model, all under the same attacks.
        model_consistency: per attack, Spearman's correlation of `class_accuracy` between models.
        model_comparisons: every model but the first against it, clean and under every attack.
        versions: python, torch, art_segplugin, ...
        command: what to type to get this report again.
        labels: what the labels were; None where each image has one, or the file is older.
    """

    noun: ClassVar[str] = "diagnosis"

    data: str
    classes: list[str]
    colours: list[tuple[int, int, int]]
    images: int
    pixels: list[int]
    models: list[ModelDiagnosis]
    model_consistency: list[list[list[Number]]]
    model_comparisons: list[ModelComparison] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    labels: LabelFacts | None = None

    @property
    def classification(self) -> bool:
        """Whether images as a whole have a class, rather than their pixels."""
        # Label maps are counted by region, also those with no more than one valid pixel each.
        in_regions = any(model.clean.regions for model in self.models)
        return sum(self.pixels) <= self.images and not in_regions
