"""PDPGD: Matyasko and Chau, arXiv:2106.01538, for segmentation as adv-lib 0.2.8 has it."""

import math
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.attacks.common import MinimumNorm, check_numbers, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.losses import difference_of_logits
from art_segplugin.core.proximal import proximal_l1, proximal_l2, proximal_linf
from art_segplugin.core.steps import Step
from art_segplugin.core.threat_model import Region, at_least_float32, per_image
from art_segplugin.core.types import Images, Labels, Logits, PerImage, PixelMap

BETAS = (0.9, 0.999)
LAST_LR = 0.01
"""Size of the last primal steps over that of the first, which fall exponentially."""
DUAL_LR, LAST_DUAL_LR = 0.1, 0.1
"""First dual step, and the last one over it; they fall linearly."""
DUAL_AVERAGE = 0.9
LEAST_RATIO = 1e-12
"""Smallest multiplier of a pixel over that of the distance, before they add up to 1."""
INNER_STEPS, ENOUGH = 5, 1e-2
"""Of proximal Adam, arXiv:1910.10094: at most so many, until the change is that share."""


@dataclass(frozen=True)
class SoftMargin:
    """-softplus(z_y - max_{k != y} z_k): rises to 0 as the pixel is fooled.

    Targeted, softplus(max_{k != y} z_k - z_y), which the adversary decreases.

    Args:
        targeted: labels are what the adversary wants.
    """

    targeted: bool = False

    def __call__(self, logits: Logits, labels: Labels) -> PixelMap:
        """The loss of each pixel, at least in float32."""
        ahead = difference_of_logits(at_least_float32(logits), labels)
        return F.softplus(ahead) if self.targeted else -F.softplus(-ahead)


@dataclass(eq=False)
class DualWeights:
    """Multipliers of the pixels, which with that of the distance add up to 1 in an image.

    Their logarithms rise where a pixel is not fooled and fall where it is; what counts is a moving
    average of their softmax, in which the distance has the logarithm 0.
    """

    _state: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def start(self) -> "DualWeights":
        """The same weight for all pixels, together as much as the distance."""
        return replace(self)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1], 0 on void pixels; 1 minus their sum is that of the distance."""
        state, valid = self._state, forward.valid
        if not state:
            pixels = valid.flatten(1).sum(1).clamp(min=1).view(-1, 1, 1)
            start = -pixels.to(forward.loss.dtype).log()
            state["log"] = start.expand_as(valid).masked_fill(~valid, -math.inf)
            state["weights"] = _shares(state["log"])
        else:
            new = _shares(state["log"])
            state["weights"] = state["weights"].lerp(new, 1 - DUAL_AVERAGE)
        left = (forward.steps - 1 - forward.step) / max(forward.steps - 1, 1)
        size = DUAL_LR * (left * (1 - LAST_DUAL_LR) + LAST_DUAL_LR)
        farthest = -math.log(LEAST_RATIO)
        moved = state["log"] + torch.where(forward.fooled, -size, size)
        state["log"] = moved.clamp(-farthest, farthest).masked_fill(~valid, -math.inf)
        return state["weights"]


def _shares(logarithms: Tensor) -> Tensor:
    """Softmax of the logarithms of an image and of 0, without the latter's."""
    flat = F.pad(logarithms.flatten(1), (1, 0))
    return flat.softmax(1)[:, 1:].view_as(logarithms)


@dataclass(frozen=True)
class ProximalAdamStep:
    """Adam on the pixels' part of the Lagrangian, then the proximity operator of the distance.

    In Adam's metric the operator has no closed form; a few steps of the plain one approach it.

    Args:
        p: of the norm.
        lr: size of the first steps.
    """

    p: float
    lr: float

    def start(self, region: Region, steps: int) -> Step:
        """Begin at d = 0."""
        x = at_least_float32(region.x)
        low, high = (side - x for side in (region.low, region.high))
        change = mean = square = torch.zeros_like(x)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal change, mean, square
            assert forward.weights is not None, "there is a gradient, so there are weights"
            i, gradient = forward.step, region.free(gradient.to(x))
            mean = BETAS[0] * mean + (1 - BETAS[0]) * gradient
            square = BETAS[1] * square + (1 - BETAS[1]) * gradient.square()
            metric = (square / (1 - BETAS[1] ** (i + 1))).sqrt() + 1e-8
            size = self.lr * LAST_LR ** (i / steps)
            moved = change + size / (1 - BETAS[0] ** (i + 1)) * mean / metric
            moved = moved.clamp(low, high)
            largest = metric.flatten(1).amax(1)
            pixels = forward.weights.flatten(1).sum(1).to(x)
            weight = size / largest * (1 - pixels) / pixels.clamp(min=torch.finfo(x.dtype).tiny)
            change = self._proximal(moved, weight, metric / per_image(largest, x), low, high)
            return region.project(x + change)

        return step

    def _proximal(
        self, moved: Images, weight: PerImage, metric: Images, low: Images, high: Images
    ) -> Images:
        operator = {1.0: proximal_l1, 2.0: proximal_l2}.get(self.p, proximal_linf)
        now, going = moved, torch.ones_like(weight, dtype=torch.bool)
        for _ in range(INNER_STEPS):
            new = operator(now - metric * (now - moved), weight).clamp(low, high)
            before, now = now, torch.where(per_image(going, now), new, now)
            difference = (now - before).flatten(1).square().sum(1)
            # A share of a length that is 0 is none: such an image is done.
            going = going & (difference > ENOUGH**2 * now.flatten(1).square().sum(1))
        return now


@takes(MinimumNorm)
def pdpgd(common: MinimumNorm, lr: float = 0.01) -> GradientAttack:
    """Primal-dual: descends on distance plus weighted margins, ascends in the weights of the pixels.

    Args:
        targeted: labels are what the adversary wants.
        lr: size of the first steps, in the unit of the images.
    """
    check_numbers(lr=(lr, 0, math.inf))
    return common.in_steps(
        ProximalAdamStep(common.threat_model.p, lr),
        loss=SoftMargin(common.targeted),
        weighting=DualWeights(),
    )


SPECS = (AttackSpec("PDPGD", pdpgd, "minimum-norm"),)
