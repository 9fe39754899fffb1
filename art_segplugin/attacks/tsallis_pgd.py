"""TsallisPGD: Matyasko et al., IJCNN 2026, arXiv:2605.03405, (1 - p_y^(1-q)) / (1-q) with q from -2 to 1."""

import math
from dataclasses import dataclass
from numbers import Real

import torch

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.types import PixelMap
from art_segplugin.core.weightings import Stateless
from art_segplugin.errors import InputError


@dataclass(frozen=True)
class TsallisWeights(Stateless):
    """p_y^(1-q) of each pixel, over its largest value in the image; the loss is the cross-entropy.

    The gradient of the Tsallis cross-entropy (1 - p_y^(1-q)) / (1-q) is p_y^(1-q) times that of the
    cross-entropy, so the attack is PGD with these weights. The smaller q, the more it is about the
    pixels that are surely right; q = 1 is PGD. After t of T steps

        q = q_start + (q_end - q_start) * t / T,

    so that the last step, from t = T - 1, falls short of `q_end`, as in the authors' program. No
    step depends on the factor of the image by which the weights are divided, and some pixel always
    weighs 1.

    Args:
        q_start: q of the first step, at most 1.
        q_end: q after the last step, at most 1.

    Raises:
        InputError: another number.
    """

    q_start: float = -2.0
    q_end: float = 1.0

    def __post_init__(self) -> None:
        for name in ("q_start", "q_end"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and -math.inf < float(value) <= 1):
                raise InputError(f"{name} is {value!r}; give a number up to 1, such as -2.")

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights in [0, 1], at least in float32; from `pixel_loss`, which is -log p_y."""
        q = self.q_start + (self.q_end - self.q_start) * forward.step / forward.steps
        loss = forward.pixel_loss.to(forward.loss.dtype)
        if q == 1:
            return torch.ones_like(loss)
        loss = loss.masked_fill(~forward.valid | loss.isnan(), math.inf)
        least = loss.flatten(1).amin(1).view(-1, 1, 1)
        # Two infinities are an image of void pixels, or of pixels that are all as wrong as can be.
        return ((1 - q) * (least - loss)).exp().nan_to_num(0.0)


@takes(SizedIterations)
def tsallis_pgd(
    common: SizedIterations, q_start: float = -2.0, q_end: float = 1.0
) -> GradientAttack:
    """PGD on the Tsallis cross-entropy: first of the pixels that are surely right, at last of all.

    The paper takes Auto-PGD's steps and shrinks the radius: `red_eps_apgd` with the loss "tsallis".

    Args:
        targeted: labels are what the adversary wants; pixels far from them hardly count at first.
        q_start: q of the first step, up to 1; 1 is PGD, 0 the probability of the label.
        q_end: q after the last step, up to 1; it changes by the same number each step.
    """
    return common.attack(weighting=TsallisWeights(q_start, q_end))


SPECS = (AttackSpec("TsallisPGD", tsallis_pgd),)
