"""The result of an evaluation: what is written as JSON and what reports are made from."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.evaluation.documents import Document
from art_segplugin.metrics import iou_per_class, mean_iou, mis_ratio, pixel_accuracy
from art_segplugin.scores import Number

CLEAN = "clean"


@dataclass(frozen=True)
class ImageScore:
    """Right and counted pixels of one image."""

    name: str
    right: int
    valid: int


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
    def iou(self) -> list[float]:
        """IoU of each class, NaN for one that does not occur."""
        return [float(value) for value in iou_per_class(self.matrix)]


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
