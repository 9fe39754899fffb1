"""SegPGD and SegFGSM: Gu et al., ECCV 2022, arXiv:2207.12391, equations 4 and 6, algorithm 1."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch

from art_segplugin.attacks.common import Budget, SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.types import PixelMap
from art_segplugin.core.weightings import Stateless
from art_segplugin.errors import InputError

SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: progress / 2,
    "log": lambda progress: math.log2(1 + progress) / 2,
    "exp": lambda progress: (math.pow(2, progress) - 1) / 2,
    "only-correct": lambda progress: 0.0,
}
"""lambda as a function of (t - 1) / T, t = 1 ... T: the paper's three (equation 6), and lambda = 0."""


@dataclass(frozen=True)
class SegWeights(Stateless):
    """1 - lambda(t) on pixels still to be fooled, lambda(t) on those already fooled (equation 4).

    Untargeted, pixels to be fooled are those classified correctly. The paper divides both sums by
    the number of pixels; no step rule here depends on that factor, so it is left out.

    Args:
        schedule: "linear" (the paper's choice), "log", "exp", "only-correct", or a constant lambda
            in [0, 1]; 0.5 weighs all pixels the same.

    Raises:
        InputError: another name, a number outside [0, 1], or anything else.
    """

    schedule: str | float = "linear"

    def __post_init__(self) -> None:
        value: object = self.schedule
        if isinstance(value, str):
            known = value in SCHEDULES
        else:
            known = isinstance(value, Real) and 0 <= float(value) <= 1
        if not known:
            raise InputError(
                f"schedule is {self.schedule!r}; give one of {', '.join(SCHEDULES)}, "
                "or a constant from 0 to 1."
            )

    def share_of_fooled(self, step: int, steps: int) -> float:
        """The lambda after `step` of `steps` steps; the paper's t is step + 1."""
        if isinstance(self.schedule, str):
            return SCHEDULES[self.schedule](step / steps)
        return float(self.schedule)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Equation 4's factor of each pixel's loss."""
        share = self.share_of_fooled(forward.step, forward.steps)
        like = forward.pixel_loss
        return torch.where(forward.fooled, like.new_full((), share), like.new_full((), 1 - share))


@takes(SizedIterations)
def segpgd(common: SizedIterations, schedule: str | float = "linear") -> GradientAttack:
    """PGD that first counts the pixels still to be fooled, and the others more and more.

    Args:
        targeted: labels are what the adversary wants; pixels already there get lambda.
        schedule: how lambda grows, see SegWeights.
    """
    return common.attack(weighting=SegWeights(schedule))


@takes(Budget, random_start=False)
def segfgsm(common: Budget) -> GradientAttack:
    """SegPGD of one step of length eps: only the pixels still to be fooled count.

    The paper's sentence "i.e. lambda = 1" contradicts its equation 4, algorithm 1 and appendix B,
    by which lambda(1) = 0; this follows the equations.

    Args:
        restarts: independent runs, which differ by their random start only.
    """
    return common.in_steps(SteepestStep(common.eps), 1, weighting=SegWeights())


SPECS = (AttackSpec("SegFGSM", segfgsm, place=3), AttackSpec("SegPGD", segpgd, place=4))
