"""FMN: Pintor et al., NeurIPS 2021, arXiv:2102.12827, algorithm 1, summed over pixels.

The paper attacks classifiers. For segmentation the loss is summed over the valid pixels, and the
image counts as fooled when enough of them are; so it is compared in the paper of ALMA-prox
(arXiv:2206.07179).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.attacks.common import MinimumNorm, check_numbers, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.losses import difference_of_logits
from art_segplugin.core.steps import Step
from art_segplugin.core.threat_model import Region, at_least_float32, per_image
from art_segplugin.core.types import Images

LAST_STEP = 0.01
"""Length of the last step over that of the first."""
LAST_CHANGE = 0.001
"""By what share the radius changes in the end."""


@dataclass(frozen=True)
class RadiusStep:
    """A step along the unit gradient, projected to a radius that follows the boundary.

    The radius of an image shrinks by a share gamma where enough pixels are fooled and never exceeds
    the nearest such point; else it grows by it, or before the first such point, to where the loss
    would be 0 if the model were linear. Steps and gamma fall by a cosine.

    Args:
        p: of the norm.
        first_step: length of the first step in L2.
        gamma: first share by which the radius changes.
        share: of the valid pixels that is enough.
    """

    p: float
    first_step: float
    gamma: float
    share: float

    def start(self, region: Region, steps: int) -> Step:
        """Begin without a radius."""
        x = at_least_float32(region.x)
        corner = torch.maximum(region.high - x, x - region.low)
        largest = _norm(region.free(corner), self.p)
        radius, nearest = torch.full_like(largest, math.inf), largest
        found = torch.zeros(len(x), dtype=torch.bool, device=x.device)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal radius, nearest, found
            cosine = (1 + math.cos(math.pi * forward.step / steps)) / 2
            length = self.first_step * (LAST_STEP + (1 - LAST_STEP) * cosine)
            gamma = LAST_CHANGE + (self.gamma - LAST_CHANGE) * cosine
            gradient = region.free(gradient.to(x))
            tiny = torch.finfo(x.dtype).tiny
            distance, enough = _norm(x_adv.to(x) - x, self.p), forward.success_rate >= self.share
            found = found | enough
            nearest = torch.where(enough, torch.minimum(nearest, distance), nearest)
            loss = forward.pixel_loss.flatten(1).sum(1).abs().to(x)
            ahead = distance + loss / _norm(gradient, _dual(self.p)).clamp(min=tiny)
            outwards = torch.where(found, radius * (1 + gamma), ahead)
            inwards = torch.minimum(radius * (1 - gamma), nearest)
            radius = torch.minimum(torch.where(enough, inwards, outwards), largest)
            unit = gradient / per_image(_norm(gradient, 2.0).clamp(min=tiny), x)
            return region.within(radius).project(x_adv.to(x) + length * unit)

        return step


def _dual(p: float) -> float:
    """1/p + 1/dual = 1."""
    return {1.0: math.inf, 2.0: 2.0}.get(p, 1.0)


def _norm(change: Images, p: float) -> Tensor:
    """Of each image, (n,)."""
    size = change.abs().flatten(1)
    if p == math.inf:
        return size.amax(1)
    return size.sum(1) if p == 1 else size.square().sum(1).sqrt()


@takes(MinimumNorm)
def fmn(
    common: MinimumNorm, first_step: float | None = None, gamma: float = 0.05
) -> GradientAttack:
    """Climbs the logits' margin inside a radius that shrinks while enough pixels are fooled.

    Args:
        first_step: length of the first step in L2; None for 10 if norm is inf, else 1. The last one
            is a hundredth of it.
        gamma: share by which the radius changes at first; in the end it is 0.001.
    """
    p = common.threat_model.p
    if first_step is None:
        first_step = 10.0 if p == math.inf else 1.0
    check_numbers(first_step=(first_step, 0, math.inf), gamma=(gamma, 0, 1))
    return common.in_steps(
        RadiusStep(p, first_step, gamma, common.share), loss=difference_of_logits
    )


SPECS = (AttackSpec("FMN", fmn, "minimum-norm"),)
