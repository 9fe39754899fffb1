"""Results of an evaluation: of a batch, of an attack on a data set, and the report that is written."""

import json
import math
import platform
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.core.types import Images, Labels
from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.documents import Document
from art_segplugin.evaluation.pipeline import to_uint8
from art_segplugin.metrics import (
    fooling_distances,
    iou_per_class,
    mean_iou,
    mean_iou_of,
    mis_ratio,
    pixel_accuracy,
)
from art_segplugin.metrics.class_counts import ClassCounts
from art_segplugin.scores import REFERENCES, Number, TargetScores, pooled_targets

CLEAN = "clean"


@dataclass(frozen=True)
class ImageScore:
    """Right and counted pixels of one image, and those that are void (None if not counted).

    `target` is what a targeted attack reached and what else it changed, None for others; `distance`
    the size of the perturbation of an attack without a radius, None for others.
    """

    name: str
    right: int
    valid: int
    void: int | None = None
    target: TargetScores | None = None
    distance: float | None = None


@dataclass(frozen=True, eq=False)
class BatchResult:
    """One attack with one seed on one batch.

    Attributes:
        attack: name of the attack, "clean" for none.
        options: its values.
        seed: seed of its random start.
        first: index of the batch's first image in the data set.
        wrong: fooled pixels after 0 ... steps steps.
        loss_on_fooled: loss on them.
        loss: loss on all valid pixels.
        counts: confusion counts of the batch.
        images: one score an image.
        largest_distance: largest perturbation in the attack's norm.
        seconds: time taken.
        labelled: whether scores are against labels, else against the clean prediction.
        class_counts: what a diagnosis counts, where it was asked for; on the CPU.
        adversarial: the attacked images, where pictures were asked for.
        prediction: the predicted class maps, likewise.
        reference: the class maps that scores are against, likewise.
        indices: index of each image in the data set; None where they follow `first`.
        totals: hits, true and predicted pixels of each class in each image, int64 (n, 3, c); None
            where images were not counted one by one.
        members: the same of what each member of an ensemble would have answered by itself, int64
            (n, k, 3, c); None for an attack without members.
    """

    attack: str
    options: dict[str, Any]
    seed: int
    first: int
    wrong: list[int] = field(default_factory=list)
    loss_on_fooled: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    counts: list[list[int]] = field(default_factory=list)
    images: list[ImageScore] = field(default_factory=list)
    largest_distance: float = 0.0
    seconds: float = 0.0
    labelled: bool = True
    class_counts: ClassCounts | None = None
    adversarial: Images | None = None
    prediction: Labels | None = None
    reference: Labels | None = None
    indices: list[int] | None = None
    totals: Tensor | None = None
    members: Tensor | None = None

    @property
    def positions(self) -> Sequence[int]:
        """Index of each image in the data set."""
        following = range(self.first, self.first + len(self.images))
        return following if self.indices is None else self.indices

    def without_pictures(self) -> "BatchResult":
        """The same scores, with no tensor held."""
        return replace(self, adversarial=None, prediction=None, reference=None)


@dataclass(frozen=True)
class AttackResult:
    """One attack on the whole data set; `attack` is "clean" for the images as they are.

    Attributes:
        attack: name, such as "segpgd-20".
        options: values given to the recipe (eps, norm, steps, ...).
        seed: seed of the random starts.
        counts: confusion matrix, rows true, columns predicted, pixels of the data set.
        images: one score an image, in the order of the data set.
        mis_ratio_curve: share of wrong pixels after 0 ... steps steps of the first restart; empty
            for targeted attacks.
        loss_share_curve: share of the loss on wrong pixels, likewise.
        largest_distance: largest perturbation in the attack's norm, in the unit of the images.
        seconds: time spent in attack and scoring.
    """

    attack: str
    options: dict[str, Any]
    seed: int
    counts: list[list[int]]
    images: list[ImageScore]
    mis_ratio_curve: list[Number] = field(default_factory=list)
    loss_share_curve: list[Number] = field(default_factory=list)
    largest_distance: Number = 0.0
    seconds: float = 0.0

    @property
    def matrix(self) -> Tensor:
        """`counts` as an int64 tensor."""
        return torch.tensor(self.counts)

    @property
    def pixel_accuracy(self) -> float:
        """Share of right pixels."""
        return pixel_accuracy(self.matrix)

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the classes that occur, pooled over the data set."""
        return mean_iou(self.matrix)

    @property
    def mis_ratio(self) -> float:
        """Share of wrong pixels."""
        return mis_ratio(self.matrix)

    @property
    def target(self) -> TargetScores | None:
        """What a targeted attack reached and what else it changed, over all images."""
        return pooled_targets(image.target for image in self.images)

    @property
    def reached(self) -> float:
        """Share of the source that is predicted as the target; NaN where there is none."""
        return math.nan if self.target is None else self.target.reached

    @property
    def collateral(self) -> float:
        """Share of the rest whose prediction changed; NaN where there is no target."""
        return math.nan if self.target is None else self.target.collateral

    @property
    def distances(self) -> Tensor | None:
        """Distance of each image as `metrics.fooling_distances` gives them; None if not measured.

        An attack without a radius has an option "share": of the pixels that have to be fooled.
        """
        share = self.options.get("share")
        known = [image.distance for image in self.images if image.distance is not None]
        if share is None or len(known) < len(self.images) or self.target is not None:
            return None
        wrong = torch.tensor([float(image.valid - image.right) for image in self.images])
        success = wrong / torch.tensor([float(image.valid) for image in self.images])
        return fooling_distances(torch.tensor(known), success, float(share))

    @property
    def iou(self) -> list[float]:
        """IoU of each class, NaN for one that does not occur."""
        return [float(value) for value in iou_per_class(self.matrix)]


@dataclass(frozen=True)
class WorstCaseResult:
    """What is left where each image has the worst answer of several; the clean image is one of them.

    Attributes:
        attacks: names of the attacks whose answers, and those of their members, were chosen from.
        options: what these attacks have in common: eps and norm.
        seed: seed of their random starts.
        answers: how many answers each image could have.
        images: the lowest pixel accuracy of each image, in the order of the data set.
        totals: hits, true and predicted pixels of each class, pooled over the answers that together
            leave the lowest mIoU.
    """

    attacks: list[str]
    options: dict[str, Any]
    seed: int
    answers: int
    images: list[ImageScore]
    totals: list[list[int]]

    @property
    def pixel_accuracy(self) -> float:
        """Share of right pixels where each image has its lowest."""
        valid = sum(image.valid for image in self.images)
        return sum(image.right for image in self.images) / valid if valid else math.nan

    @property
    def mean_iou(self) -> float:
        """The lowest mIoU that was found, see `metrics.lowest_mean_iou`."""
        return float(mean_iou_of(torch.tensor(self.totals)))


@dataclass(frozen=True)
class LabelFacts:
    """What a reader of scores has to know about the labels.

    Attributes:
        rule: How label files were read; "" where the data set makes its labels.
        void: Share of the labelled pixels that are void; NaN where it was not counted.
        classes: Names of the classes that occur in the labels.
        void_images: Names of images whose labels are all void: they count nowhere.
        doubts: Sentences on what may have been read wrongly, each with its remedy.
    """

    rule: str
    void: Number
    classes: list[str]
    void_images: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def sentences(self, classes: int) -> str:
        """Return the facts, without the doubts, for a caption; `classes` is the number of all."""
        said = [f"Labels: {self.rule}."] if self.rule else []
        if not math.isnan(self.void):
            said.append(f"{100 * self.void:.1f} % of the labelled pixels are void.")
        said.append(f"{len(self.classes)} of {classes} classes occur: {listed(self.classes)}.")
        if self.void_images:
            one = len(self.void_images) == 1
            said.append(
                f"{len(self.void_images)} image{'' if one else 's'} of void pixels alone "
                f"({listed(self.void_images)}) count{'s' if one else ''} nowhere."
            )
        return " ".join(said)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Join names, and tell that there are more than `most`."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


@dataclass(frozen=True)
class RobustnessReport(Document):
    """Everything that is known after an evaluation.

    Attributes:
        model: name of the model.
        data: name of the data set and what was used of it.
        reference: "labels", "clean prediction" where images have no labels, or
            "labels or clean prediction" where some have.
        classes: class names; row and column i of all counts is classes[i].
        colours: RGB of each class.
        results: the clean result first, then one an attack.
        versions: python, torch, art_segplugin, ...
        command: what to type to get this report again.
        labels: what the labels were; None where there are none, one an image, or the file is older.
        settings: batch size, hash of the weights, device, hardware and threads, by these names.
        left_out: a sentence for each image that could not be used; it is not in the scores.
        worst: the worst case over each ensemble, and over all attacks of one radius, norm and seed.
    """

    noun: ClassVar[str] = "report"

    model: str
    data: str
    reference: str
    classes: list[str]
    colours: list[tuple[int, int, int]]
    results: list[AttackResult]
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    labels: LabelFacts | None = None
    settings: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    worst: list[WorstCaseResult] = field(default_factory=list)

    @property
    def clean(self) -> AttackResult:
        """The result without an attack."""
        return self.results[0]

    @property
    def classification(self) -> bool:
        """Whether images as a whole have a class, rather than their pixels."""
        return all(image.valid <= 1 for image in self.clean.images)


@dataclass(frozen=True, eq=False)
class Example:
    """One image as pictures: what a person looks at.

    Attributes:
        name: name of the image.
        image: uint8 (h, w, 3).
        truth: class map (h, w), ignore_index on void pixels.
        clean: predicted class map of the image.
        attacked: per attack name, the adversarial image uint8 (h, w, 3) and its predicted class map.
    """

    name: str
    image: NDArray[np.uint8]
    truth: NDArray[np.int64]
    clean: NDArray[np.int64]
    attacked: dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]


def summarise(results: Iterable[BatchResult]) -> list[AttackResult]:
    """Add up the batches of each attack and seed, in order of first appearance."""
    return [_total(group) for group in grouped(results)]


def grouped(results: Iterable[BatchResult]) -> list[list[BatchResult]]:
    """The batches of each attack and seed, in the order of the data, by first appearance."""
    groups: dict[str, list[BatchResult]] = {}
    for result in results:
        # As JSON, because options that come from a store hold lists where others hold tuples.
        key = json.dumps([result.attack, result.options, result.seed], sort_keys=True)
        groups.setdefault(key, []).append(result)
    return [sorted(group, key=lambda r: r.first) for group in groups.values()]


def _total(group: list[BatchResult]) -> AttackResult:
    placed = [
        pair for result in group for pair in zip(result.positions, result.images, strict=True)
    ]
    images = [image for _, image in sorted(placed, key=lambda pair: pair[0])]
    valid = max(sum(image.valid for image in images), 1)
    wrong, on_fooled, loss = (
        np.sum([getattr(result, name) for result in group], axis=0)
        for name in ("wrong", "loss_on_fooled", "loss")
    )
    return AttackResult(
        attack=group[0].attack,
        options=group[0].options,
        seed=group[0].seed,
        counts=np.sum([result.counts for result in group], axis=0).tolist(),
        images=images,
        mis_ratio_curve=(np.asarray(wrong) / valid).tolist(),
        loss_share_curve=(np.asarray(on_fooled) / np.maximum(loss, 1e-12)).tolist(),
        largest_distance=max(result.largest_distance for result in group),
        seconds=sum(result.seconds for result in group),
    )


def examples(results: Sequence[BatchResult]) -> list[Example]:
    """Pictures of the images that were kept, with the first seed of each attack."""
    values: dict[tuple[str, str], set[Any]] = {}
    for result in results:
        for option in ("eps", "temperature"):
            values.setdefault((result.attack, option), set()).add(result.options.get(option))
    found: dict[str, Example] = {}
    for result in results:
        maps = (result.adversarial, result.prediction, result.reference)
        if any(tensor is None for tensor in maps):
            continue
        for score, image, prediction, reference in zip(result.images, *maps, strict=False):  # type: ignore[arg-type]
            picture = as_rgb(to_uint8(image))
            classes = _class_map(prediction, picture)
            if result.attack == CLEAN:
                truth = _class_map(reference, picture)
                found[score.name] = Example(score.name, picture, truth, classes, {})
            elif score.name in found:
                name = result.attack
                if len(values[result.attack, "eps"]) > 1:
                    name += f" eps {255 * result.options['eps']:g} of 255"
                if len(values[result.attack, "temperature"]) > 1:
                    name += f" temperature {result.options['temperature']:g}"
                found[score.name].attacked.setdefault(name, (picture, classes))
    return list(found.values())


def _class_map(labels: torch.Tensor, picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A class map of the picture's size; a whole image's class (1, 1) is that of all its pixels."""
    return np.broadcast_to(labels.cpu().numpy(), picture.shape[:2]).copy()


def reference_of(results: Iterable[BatchResult]) -> str:
    """What scores are against, for RobustnessReport.reference."""
    labelled = {result.labelled for result in results}
    return " or ".join(REFERENCES[one] for one in sorted(labelled, reverse=True))


def as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (h, w, channels) to be looked at: the first three channels, or the first as grey."""
    if pixels.shape[2] < 3:
        return np.repeat(pixels[..., :1], 3, axis=2)
    return np.ascontiguousarray(pixels[..., :3])


def versions() -> dict[str, str]:
    """What was installed when a report was made."""
    packages = ("art-segplugin", "torch", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def computed_on(device: torch.device | str) -> dict[str, str]:
    """Device, its hardware and the threads of the CPU, for a report."""
    device = torch.device(device)
    if device.type == "cuda":
        hardware = torch.cuda.get_device_name(device)
    else:
        hardware = platform.processor() or platform.machine()
        with suppress(OSError):  # on Linux
            found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
            hardware = found.group(1) if found else hardware
    return {"device": str(device), "hardware": hardware, "threads": str(torch.get_num_threads())}


def class_lists(palette: Palette) -> dict[str, Any]:
    """The palette as a report holds it."""
    return {"classes": list(palette.classes), "colours": [tuple(c) for c in palette.colours]}
