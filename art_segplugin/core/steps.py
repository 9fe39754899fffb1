"""Step rules: where to go from here. `start` makes the mutable part that one run owns."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.threat_model import (
    LinfRegion,
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


Move = Callable[[Images, Images, Tensor | float], Images]
"""(x_adv, gradient, size) -> the next x_adv: a step of a size that may change on the way."""

STEP_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "linear": lambda progress: 1 - progress,
}
"""Share of the first step's size, as a function of (steps taken) / (steps of the run), in [0, 1)."""


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

    def moves(self, region: Region) -> Move:
        """How one run moves, whatever the sizes of its steps."""
        return region.ascend

    def start(self, region: Region, steps: int) -> Step:
        """Steps of one size."""
        size, move = fitted("step_size", self.size, region.x), self.moves(region)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            return move(x_adv, gradient, size)

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

    def moves(self, region: Region) -> Move:
        """Begin with velocity 0."""
        velocity = torch.zeros_like(at_least_float32(region.x))

        def move(x_adv: Images, gradient: Images, size: Tensor | float) -> Images:
            nonlocal velocity
            gradient = at_least_float32(gradient)
            mean = gradient.abs().flatten(1).mean(1)
            mean = per_image(mean.clamp(min=torch.finfo(mean.dtype).tiny), gradient)
            velocity = self.decay * velocity + gradient / mean
            return region.ascend(x_adv, velocity, size)

        return move


@dataclass(frozen=True, eq=False)
class AnnealedStep:
    """Steps whose size falls to 0 over the run: long ones that explore, then short ones that settle.

    With steps i = 0 ... n - 1, the size is that of `rule` times (1 + cos(pi i / n)) / 2 ("cosine") or
    1 - i / n ("linear").

    Args:
        rule: how to move; its size is that of the first step, such as twice the radius.
        schedule: a name in STEP_SCHEDULES.

    Raises:
        InputError: another schedule.
    """

    rule: SteepestStep
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        if self.schedule not in STEP_SCHEDULES:
            raise InputError(
                f"step_schedule is {self.schedule!r}; give one of {', '.join(STEP_SCHEDULES)}."
            )

    @property
    def size(self) -> float | PerImage:
        """Length of the first step."""
        return self.rule.size

    def start(self, region: Region, steps: int) -> Step:
        """Steps of sizes that fall."""
        size, move = fitted("step_size", self.size, region.x), self.rule.moves(region)
        share = STEP_SCHEDULES[self.schedule]

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            return move(x_adv, gradient, size * share(forward.step / steps))

        return step


@dataclass(frozen=True, eq=False)
class AdamStep(SteepestStep):
    """Projected Adam: x + size * m / (sqrt(v) / c + epsilon), then projected; Linf only.

    m and v are the running means of the gradient and of its square, both corrected for their start
    at 0 as by Kingma & Ba (ICLR 2015, arXiv:1412.6980, algorithm 1); with `amsgrad`, v is the
    largest running mean so far (Reddi et al., ICLR 2018, arXiv:1904.09237, algorithm 2), where the
    correction comes after the maximum, as in torch.optim.Adam. Each coordinate moves by about
    `size`, less where its gradient changes sign, so the steps are those of Linf.

    The gradient is divided by the number of valid pixels first: `epsilon` is then compared with the
    gradient of an image's mean loss. Projecting changes neither m nor v.

    Args:
        size: learning rate, in the unit of the images; one float or a tensor (n,) with one per
            image.
        betas: what remains of the mean gradient and of the mean square after one step, in [0, 1).
        epsilon: what keeps coordinates without a gradient where they are, > 0.
        amsgrad: never let a coordinate's mean square fall.

    Raises:
        InputError: a bad size, betas or epsilon; when started, a region that is not of Linf.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    amsgrad: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas)):
            raise InputError(f"betas are {self.betas}; give two numbers in [0, 1).")
        if not self.epsilon > 0:
            raise InputError(f"epsilon is {self.epsilon}; give a number > 0, such as 1e-8.")

    def start(self, region: Region, steps: int) -> Step:
        """Begin with both means 0."""
        if not isinstance(region, LinfRegion):
            raise InputError("Adam moves each coordinate on its own; give it the norm inf.")
        size = fitted("step_size", self.size, region.x)
        mean = torch.zeros_like(at_least_float32(region.x))
        square, largest = torch.zeros_like(mean), torch.zeros_like(mean)
        beta, beta_square = self.betas
        taken = 0

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal taken
            taken += 1
            pixels = forward.valid.flatten(1).sum(1).clamp(min=1)
            gradient = at_least_float32(gradient) / per_image(pixels, gradient)
            mean.lerp_(gradient, 1 - beta)
            square.mul_(beta_square).addcmul_(gradient, gradient, value=1 - beta_square)
            scale = torch.maximum(largest, square, out=largest) if self.amsgrad else square
            root = (scale / (1 - beta_square**taken)).sqrt_().add_(self.epsilon)
            return region.project(x_adv + size / (1 - beta**taken) * (mean / root))

        return step
