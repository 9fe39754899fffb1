"""The figures of one prediction, and what differs between two sets of them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.core.types import Images, Logits
from art_segplugin.evaluation.picture import CleanPicture
from art_segplugin.metrics import count, iou_per_class, mean_iou, mis_ratio


@dataclass(frozen=True)
class Numbers:
    """Figures of one or many predictions against their reference.

    Attributes:
        miou: mean intersection over union of the classes that occur, 0..1.
        mis_ratio: share of the pixels that are wrong, 0..1.
        class_iou: intersection over union of each class; NaN for an absent class.
        confusion: pixels of each (true, predicted) pair of classes.
        distance: size of the perturbation in the attack's norm, images in [0, 1].
        labelled: against labels, else "vs clean prediction".
    """

    miou: float
    mis_ratio: float
    class_iou: list[float]
    confusion: list[list[int]]
    distance: float = 0.0
    labelled: bool = True


def numbers_from(counts: Tensor, distance: float = 0.0, *, labelled: bool = True) -> Numbers:
    """The figures that confusion counts (c, c) give."""
    counts = counts.cpu()
    iou: list[float] = iou_per_class(counts).tolist()
    return Numbers(mean_iou(counts), mis_ratio(counts), iou, counts.tolist(), distance, labelled)


def numbers_of(
    clean: CleanPicture, logits: Logits, x_adv: Images | None = None, norm: float = math.inf
) -> Numbers:
    """Figures of a prediction for a picture, or for its adversarial image.

    Args:
        clean: the picture, and what counts as right.
        logits: (1, c, h, w).
        x_adv: the adversarial image (1, 3, h, w); None for the picture itself.
        norm: in which the size of the perturbation is given.
    """
    counts = count(logits.argmax(1), clean.reference, logits.shape[1], clean.model.ignore_index)
    distance = 0.0
    if x_adv is not None:
        change = (x_adv - clean.x).flatten(1)
        distance = float(torch.linalg.vector_norm(change, ord=norm, dim=1))
    return numbers_from(counts, distance, labelled=clean.labelled)


def differences(
    recorded: Mapping[str, Numbers], found: Mapping[str, Numbers], tolerance: float = 0.0
) -> list[str]:
    """One line for each figure that is another one; none where all are the same.

    Counts of pixels are compared through the scores where a tolerance is given.

    Args:
        recorded: figures by the name of what they are of.
        found: likewise.
        tolerance: by how much shares and distances may differ.
    """
    lines = [f"{side}: recorded, but not there now" for side in recorded if side not in found]
    lines += [f"{side}: there now, but not recorded" for side in found if side not in recorded]
    for side, numbers in recorded.items():
        if side in found:
            lines += [f"{side}: {line}" for line in _lines(numbers, found[side], tolerance)]
    return lines


def same(recorded: float, found: float, tolerance: float) -> bool:
    """Whether two figures agree; two that are not there do."""
    if math.isnan(recorded) or math.isnan(found):
        return math.isnan(recorded) and math.isnan(found)
    return abs(recorded - found) <= tolerance


def _lines(recorded: Numbers, found: Numbers, tolerance: float) -> Iterator[str]:
    if recorded.labelled != found.labelled:
        names = {True: "labels", False: "clean prediction"}
        yield f"against {names[recorded.labelled]}, now against {names[found.labelled]}"
    if len(recorded.class_iou) != len(found.class_iou):
        yield f"{len(recorded.class_iou)} classes, now {len(found.class_iou)}"
        return
    pairs = [
        (name, getattr(recorded, name), getattr(found, name))
        for name in ("miou", "mis_ratio", "distance")
    ]
    for index, (a, b) in enumerate(zip(recorded.class_iou, found.class_iou, strict=True)):
        pairs.append((f"IoU of class {index}", a, b))
    differing = [pair for pair in pairs if not same(pair[1], pair[2], tolerance)]
    for name, a, b in differing:
        yield f"{name.replace('mis_ratio', 'error').replace('miou', 'mIoU')} {a!r}, now {b!r}"
    if not differing and tolerance == 0 and recorded.confusion != found.confusion:
        yield "other confusion counts"
