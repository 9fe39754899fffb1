"""From tensors to `Scores`, and from many of them to those of a pool."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.core.types import Images, Labels, Logits, PixelMask
from art_segplugin.metrics import count, iou_per_class, mean_iou, mis_ratio
from art_segplugin.scores import Scores, TargetScores, differences, pooled_targets, same

if TYPE_CHECKING:
    from art_segplugin.evaluation.pipeline import Clean, Goal

__all__ = [
    "Pool",
    "Scores",
    "TargetScores",
    "differences",
    "pool",
    "same",
    "scores_from",
    "scores_of",
    "target_scores",
]


def target_scores(
    goal: "Goal", before: Labels, after: Labels, valid: PixelMask
) -> TargetScores | None:
    """What a targeted attack reached and what else it changed; None where nothing is a target.

    Args:
        goal: what was to be mistaken for what.
        before: predicted classes of the images, int64 (n, h, w).
        after: predicted classes of the adversarial images.
        valid: pixels that count.
    """
    if goal.to_class is None:
        return None
    source = goal.source(before) & valid
    rest = valid & ~source
    found = (source & (after == goal.to_class), source, rest & (after != before), rest)
    return TargetScores.of(*torch.stack([pixels.sum() for pixels in found]).tolist())


def scores_from(
    counts: Tensor,
    distance: float = 0.0,
    *,
    labelled: bool = True,
    target: TargetScores | None = None,
) -> Scores:
    """The scores that confusion counts (c, c) give, with those of a target."""
    counts = counts.cpu()
    return Scores(
        mean_iou(counts),
        mis_ratio(counts),
        iou_per_class(counts).numpy(),
        counts.numpy(),
        distance,
        labelled,
        target,
    )


def scores_of(
    clean: "Clean",
    logits: Logits,
    x_adv: Images | None = None,
    norm: float = math.inf,
    goal: "Goal | None" = None,
) -> Scores:
    """Scores of a prediction for images, or for their adversarial images.

    Args:
        clean: the images, and what counts as right.
        logits: (n, c, h, w).
        x_adv: the adversarial images (n, 3, h, w); None for the images themselves.
        norm: in which the size of the perturbation is given.
        goal: of the attack; None where there was none.
    """
    prediction = logits.argmax(1)
    counts = count(prediction, clean.reference, logits.shape[1], clean.model.ignore_index)
    distance = 0.0
    if x_adv is not None:
        change = (x_adv - clean.x).flatten(1)
        distance = float(torch.linalg.vector_norm(change, ord=norm, dim=1).max())
    target = None
    if goal is not None and goal.targeted:
        target = target_scores(goal, clean.prediction, prediction, clean.valid)
    return scores_from(counts, distance, labelled=clean.labelled, target=target)


class Pool:
    """Scores over many images, by names such as "A clean": counts added up, the largest distance."""

    def __init__(self) -> None:
        self.counts: dict[str, NDArray[np.int64]] = {}
        self._distance: dict[str, float] = {}
        self._labelled: dict[str, bool] = {}
        self._target: dict[str, TargetScores | None] = {}

    def add(self, scores: Mapping[str, Scores]) -> None:
        """Add the scores of one image."""
        for name, one in scores.items():
            self.counts[name] = self.counts.get(name, np.zeros_like(one.confusion)) + one.confusion
            self._distance[name] = max(self._distance.get(name, 0.0), one.distance)
            self._labelled[name] = self._labelled.get(name, True) and one.labelled
            self._target[name] = pooled_targets([self._target.get(name), one.target])

    @property
    def scores(self) -> dict[str, Scores]:
        """Scores of all images added so far."""
        return {
            name: scores_from(
                torch.from_numpy(counts),
                self._distance[name],
                labelled=self._labelled[name],
                target=self._target[name],
            )
            for name, counts in self.counts.items()
        }


def pool(images: Iterable[Mapping[str, Scores]]) -> dict[str, Scores]:
    """Scores over many images."""
    together = Pool()
    for scores in images:
        together.add(scores)
    return together.scores


# Names until 0.1.
Numbers = Scores
numbers_from = scores_from
numbers_of = scores_of
