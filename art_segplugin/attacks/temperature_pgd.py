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

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.attacks.segpgd import SegWeights
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.iterate import Attack
from art_segplugin.core.losses import TemperedCrossEntropy
from art_segplugin.core.types import PixelMap
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


@takes(SizedIterations)
def temperature_pgd(
    common: SizedIterations,
    temperature: float = 0.2,
    scale: float = 1.0,
    schedule: str | float | None = None,
) -> GradientAttack:
    """PGD on the cross-entropy of softmax(scale * z / T).

    A small T pushes towards the strongest wrong class and, in segmentation, counts the pixels that
    are wrong or nearly so; a large T pushes all wrong classes alike and evens the pixels out. With
    temperature 1 and scale 1 it is PGD, or SegPGD where there is a schedule, bit for bit.

    Args:
        temperature: T > 0.
        scale: what the model's outputs are multiplied by first: s of a model that gives cosines in
            [-1, 1] and was trained on softmax(s * cos), whose robustness plain PGD can overstate.
        schedule: weigh the pixels as SegPGD does, besides (see SegWeights); None for PGD's way.
    """
    return _tempered(common, temperature, scale, schedule)


def _tempered(
    common: SizedIterations, temperature: float, scale: float, schedule: str | float | None
) -> GradientAttack:
    loss = TemperedCrossEntropy(temperature, scale)
    base = UNIFORM if schedule is None else SegWeights(schedule)
    if loss.temperature == loss.scale == 1:
        return common.attack(weighting=base)
    return common.attack(weighting=TemperedWeights(loss, base), loss=loss)


@takes(SizedIterations)
def temperature_sweep(
    common: SizedIterations,
    temperatures: Sequence[float] = SWEEP,
    scale: float = 1.0,
    schedule: str | float | None = None,
) -> WorstCase:
    """One Temperature-PGD per temperature; per image the lowest pixel accuracy wins.

    It costs as much as all of them. Random starts are independent draws, one per temperature and
    restart; give the attack `start` to compare temperatures from the same point.

    Args:
        steps: gradient steps of one restart of each temperature.
        restarts: independent runs of each temperature; per image the lowest pixel accuracy wins.
        temperatures: one or more T > 0.
        scale: what the model's outputs are multiplied by first, see `temperature_pgd`.
        schedule: weigh the pixels as SegPGD does, besides; None for PGD's way.

    Raises:
        InputError: a value outside its range, or no temperature.
    """
    return _swept(common, temperatures, scale, schedule)


def _swept(
    common: SizedIterations, temperatures: Any, scale: float, schedule: str | float | None
) -> WorstCase:
    try:
        values = tuple(temperatures)
    except TypeError:
        values = ()
    if not values:
        raise InputError(f"temperatures are {temperatures!r}; give one or more, such as {SWEEP}.")
    return WorstCase([_tempered(common, value, scale, schedule) for value in values])


@takes(SizedIterations)
def at_temperature(
    common: SizedIterations,
    temperature: Any = 0.2,
    scale: float = 1.0,
    schedule: str | float | None = None,
) -> Attack:
    """`temperature_pgd` at one temperature, `temperature_sweep` over several.

    Args:
        temperature: T of softmax(scale * z / T), above 0; 1 is PGD. Several, also in an array or a
            tensor, make one attack of each and keep the best answer of each image.
        scale: what the model's outputs are multiplied by first, see `temperature_pgd`.
        schedule: weigh the pixels as SegPGD does, besides; None for PGD's way.
    """
    values = temperature.tolist() if hasattr(temperature, "tolist") else temperature
    if isinstance(values, list | tuple):
        return _swept(common, values, scale, schedule)
    if not isinstance(values, int | float):
        raise InputError(
            f"temperature is {temperature!r}; give a number > 0, such as 0.2, or several."
        )
    return _tempered(common, values, scale, schedule)


SPECS = (
    AttackSpec("Temperature-PGD", temperature_pgd, wrapped=at_temperature, place=5),
    AttackSpec("Temperature sweep", temperature_sweep, "ensemble", class_name=None, place=6),
)
