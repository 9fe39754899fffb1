"""SegPGD and SegFGSM: Gu et al., ECCV 2022, arXiv:2207.12391, equations 4 and 6, algorithm 1."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch

from art_segplugin.attacks.fgsm import fgsm
from art_segplugin.attacks.pgd import pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.types import PerImage, PixelMap
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


def segpgd(
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
    schedule: str | float = "linear",
) -> GradientAttack:
    """PGD that first counts the pixels still to be fooled, and the others more and more.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        step_size: length of a step in the norm; a tensor (n,) for one per image.
        steps: gradient steps of one restart.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants; pixels already there get lambda.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        schedule: how lambda grows, see SegWeights.

    Raises:
        InputError: a value outside its range.
    """
    return pgd(
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
        weighting=SegWeights(schedule),
    )


def segfgsm(
    eps: float | PerImage = 8 / 255,
    norm: float | str = math.inf,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    ignore_index: int = 255,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> GradientAttack:
    """SegPGD of one step of length eps: only the pixels still to be fooled count.

    The paper's sentence "i.e. lambda = 1" contradicts its equation 4, algorithm 1 and appendix B,
    by which lambda(1) = 0; this follows the equations.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs, which differ by their random start only.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.

    Raises:
        InputError: a value outside its range.
    """
    return fgsm(
        eps, norm, random_start, restarts, targeted, ignore_index, bounds, weighting=SegWeights()
    )
