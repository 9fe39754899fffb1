"""DAG: Xie et al., ICCV 2017, arXiv:1703.08603, algorithm 1, towards the strongest wrong class."""

import math
from dataclasses import dataclass

import torch

from art_segplugin.attacks.common import MinimumNorm, check_numbers, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.attacks.segpgd import SegWeights
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.losses import difference_of_logits
from art_segplugin.core.steps import Step
from art_segplugin.core.threat_model import Region, at_least_float32, per_image
from art_segplugin.core.types import Images


@dataclass(frozen=True)
class AccumulatedStep:
    """r + size * gradient / ||gradient||_inf, until enough pixels of the image are fooled.

    The sum r itself is not clipped, only the image x + r that it makes; coordinates that are beyond
    a bound have no gradient any more and do not count in its norm.

    Args:
        size: length of a step in Linf.
        share: of the valid pixels, at which an image stops.
    """

    size: float
    share: float

    def start(self, region: Region, steps: int) -> Step:
        """Begin at r = 0."""
        x = at_least_float32(region.x)
        total = torch.zeros_like(x)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal total
            moved = x + total
            inside = (moved >= region.low) & (moved <= region.high)
            move = region.free(gradient.to(x)) * inside
            longest = move.abs().flatten(1).amax(1)
            unit = move / per_image(torch.where(longest > 0, longest, 1.0), x)  # never 0 * inf
            size = self.size * (forward.success_rate < self.share).to(x)
            total = total + unit * per_image(size, x)
            return region.project(x + total)

        return step


@takes(MinimumNorm, steps=200)
def dag(common: MinimumNorm, gamma: float = 0.5 / 255) -> GradientAttack:
    """Adds up gradients of the pixels still to be fooled, and stops as soon as enough are.

    Of each such pixel the logit of the strongest wrong class minus that of the label is increased;
    the paper draws a wrong class for each pixel at random. (With `targeted`, the label's minus that
    of the strongest other class.)

    Args:
        steps: gradient steps at most; the paper takes 150 to 200.
        norm: inf.
        gamma: length of a step in Linf; the paper's is 0.5 of 255.
    """
    common.only("DAG", math.inf)
    check_numbers(gamma=(gamma, 0, math.inf))
    return common.in_steps(
        AccumulatedStep(gamma, common.share),
        loss=difference_of_logits,
        weighting=SegWeights("only-correct"),
    )


SPECS = (AttackSpec("DAG", dag, "minimum-norm"),)
