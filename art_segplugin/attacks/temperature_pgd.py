"""Temperature-PGD: Tian et al., KDD 2021, arXiv:2105.14240, PGD with a temperature in its softmax.

Only the abstract could be verified: PGD with a temperature factor on the confidence distribution of
each image, made to show how unequal the classes are. All else is our own reading, and no fidelity
beyond that sentence is claimed: the factor divides the logits, p = softmax(z / T), the loss is the
cross-entropy of p, and so are the default temperature, the sweep, what it means for segmentation
(see docs/attacks.md), and the way to keep its gradient from vanishing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F

from art_segplugin.attacks.pgd import pgd
from art_segplugin.attacks.segpgd import SegWeights, segpgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.losses import TemperedCrossEntropy
from art_segplugin.core.types import PerImage, PixelMap
from art_segplugin.core.weightings import UNIFORM, PixelWeighting
from art_segplugin.errors import InputError

SWEEP = (10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.02)
"""Temperatures of `temperature_sweep`: 1/T from 0.1 to 50."""


@dataclass(frozen=True)
class TemperedWeights:
    """What the gradient of `loss` lacks: base * (1 - p_y), over its largest value in the image.

    Weighted by it, the gradient of `loss` is that of the cross-entropy of softmax(scale * z / T) up
    to one positive factor per image, on which no step rule depends. 1 - p_y is kept as a logarithm,
    so some pixel always weighs 1, unless `base` gives all of them 0.

    Args:
        loss: the loss whose gradient is weighted.
        base: how much each pixel counts besides.
    """

    loss: TemperedCrossEntropy
    base: PixelWeighting = UNIFORM

    def start(self) -> "TemperedWeights":
        """A copy with a fresh base."""
        return TemperedWeights(self.loss, self.base.start())

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1]; 0 on void pixels and where the logits are NaN.

        Raises:
            RuntimeError: the attack has gone on since, and the logits are freed.
        """
        if forward.logits is None:
            raise RuntimeError("The logits of a past iterate are freed; weigh before going on.")
        # From the logits: the reported loss is 0 where the label is far ahead.
        odds = self.loss.log_odds(forward.logits, forward.labels)
        log_weight = self.base(forward).log() + F.logsigmoid(odds)
        log_weight = log_weight.masked_fill(~forward.valid | log_weight.isnan(), -math.inf)
        largest = log_weight.flatten(1).amax(1).view(-1, 1, 1)
        # -inf only where all weights are 0, and stay so.
        return (log_weight - largest.masked_fill(largest == -math.inf, 0.0)).exp()


def temperature_pgd(
    eps: float | PerImage = 8 / 255,
    step_size: float | PerImage = 2 / 255,
    steps: int = 20,
    norm: float | str = math.inf,
    random_start: bool = True,
    restarts: int = 1,
    targeted: bool = False,
    ignore_index: int = 255,
    bounds: tuple[float, float] = (0.0, 1.0),
    decay: float | None = None,
    temperature: float = 0.2,
    scale: float = 1.0,
    schedule: str | float | None = None,
) -> GradientAttack:
    """PGD on the cross-entropy of softmax(scale * z / T).

    A small T pushes towards the strongest wrong class and, in segmentation, counts the pixels that
    are wrong or nearly so; a large T pushes all wrong classes alike and evens the pixels out. With
    temperature 1 and scale 1 it is PGD, or SegPGD where there is a schedule, bit for bit.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        step_size: length of a step in the norm; a tensor (n,) for one per image.
        steps: gradient steps of one restart.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        temperature: T > 0.
        scale: what the model's outputs are multiplied by first: s of a model that gives cosines in
            [-1, 1] and was trained on softmax(s * cos), whose robustness plain PGD can overstate.
        schedule: weigh the pixels as SegPGD does, besides (see SegWeights); None for PGD's way.

    Raises:
        InputError: a value outside its range.
    """
    loss = TemperedCrossEntropy(temperature, scale)
    base = UNIFORM if schedule is None else SegWeights(schedule)
    options: dict[str, Any] = {
        "eps": eps,
        "step_size": step_size,
        "steps": steps,
        "norm": norm,
        "random_start": random_start,
        "restarts": restarts,
        "targeted": targeted,
        "ignore_index": ignore_index,
        "bounds": bounds,
        "decay": decay,
    }
    if loss.temperature == loss.scale == 1:
        return pgd(**options) if schedule is None else segpgd(**options, schedule=schedule)
    return pgd(**options, weighting=TemperedWeights(loss, base), loss=loss)


def temperature_sweep(
    eps: float | PerImage = 8 / 255,
    step_size: float | PerImage = 2 / 255,
    steps: int = 20,
    norm: float | str = math.inf,
    random_start: bool = True,
    restarts: int = 1,
    targeted: bool = False,
    ignore_index: int = 255,
    bounds: tuple[float, float] = (0.0, 1.0),
    decay: float | None = None,
    temperatures: Sequence[float] = SWEEP,
    scale: float = 1.0,
    schedule: str | float | None = None,
) -> WorstCase:
    """One Temperature-PGD per temperature; per image the lowest pixel accuracy wins.

    It costs as much as all of them. Random starts are independent draws, one per temperature and
    restart; give the attack `start` to compare temperatures from the same point.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        step_size: length of a step in the norm; a tensor (n,) for one per image.
        steps: gradient steps of one restart of each temperature.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs of each temperature; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        temperatures: one or more T > 0.
        scale: what the model's outputs are multiplied by first, see `temperature_pgd`.
        schedule: weigh the pixels as SegPGD does, besides; None for PGD's way.

    Raises:
        InputError: a value outside its range, or no temperature.
    """
    try:
        values = tuple(temperatures)
    except TypeError:
        values = ()
    if not values:
        raise InputError(f"temperatures are {temperatures!r}; give one or more, such as {SWEEP}.")
    return WorstCase(
        [
            temperature_pgd(
                eps,
                step_size,
                steps,
                norm,
                random_start,
                restarts,
                targeted,
                ignore_index,
                bounds,
                decay,
                temperature=temperature,
                scale=scale,
                schedule=schedule,
            )
            for temperature in values
        ]
    )
