"""Step rules: where to go from here. `start` makes the mutable part that one run owns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.threat_model import (
    Region,
    at_least_float32,
    check_size,
    fitted,
    per_image,
)
from art_segplugin.core.types import Images, PerImage
from art_segplugin.errors import InputError

Step = Callable[[Images, Images, ForwardPass], Images]
"""(x_adv, gradient, what the forward pass at x_adv told) -> the next x_adv, inside the region."""


@runtime_checkable
class StepRule(Protocol):
    """How an attack moves."""

    def start(self, region: Region, steps: int) -> Step:
        """The step function of one run of `steps` steps."""


@dataclass(frozen=True, eq=False)
class SteepestStep:
    """x + size * steepest(gradient), projected: signs for Linf, the unit gradient for L2.

    Args:
        size: step length in the norm; one float or a tensor (n,) with one per image.

    Raises:
        InputError: the size is negative or not finite.
    """

    size: float | PerImage

    def __post_init__(self) -> None:
        check_size("step_size", self.size)

    def start(self, region: Region, steps: int) -> Step:
        """Follow the gradient."""
        size = fitted("step_size", self.size, region.x)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            return region.ascend(x_adv, gradient, size)

        return step


@dataclass(frozen=True, eq=False)
class MomentumStep(SteepestStep):
    """Follow a decaying sum of gradients, each over its mean absolute value.

    MI-FGSM (Dong et al., CVPR 2018, arXiv:1710.06081), equations 6 and 7.

    Args:
        size: as in SteepestStep.
        decay: what remains of the sum after one step; 0 is SteepestStep.

    Raises:
        InputError: a negative decay, or a bad size.
    """

    decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.decay >= 0:
            raise InputError(f"decay is {self.decay}; give a number >= 0, usually 1.")

    def start(self, region: Region, steps: int) -> Step:
        """Begin with velocity 0."""
        size = fitted("step_size", self.size, region.x)
        velocity = torch.zeros_like(at_least_float32(region.x))

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal velocity
            gradient = at_least_float32(gradient)
            mean = gradient.abs().flatten(1).mean(1)
            mean = per_image(mean.clamp(min=torch.finfo(mean.dtype).tiny), gradient)
            velocity = self.decay * velocity + gradient / mean
            return region.ascend(x_adv, velocity, size)

        return step
