"""PAdam-CE and PAdam-Cos: Halmosi et al., ECCV 2024, arXiv:2407.09150, PGD by Adam's steps.

The equations are those of the authors' program: torch's Adam with amsgrad ascends the mean loss over
the perturbation, which is clipped to the ball and the image's bounds after each step.
"""

import math
from dataclasses import dataclass

import torch.nn.functional as F

from art_segplugin.attacks.common import Iterations, default_step_size, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import PixelLoss, cross_entropy
from art_segplugin.core.steps import AdamStep
from art_segplugin.core.types import Labels, Logits, PerImage, PixelMap
from art_segplugin.errors import InputError


@dataclass(frozen=True, eq=False)
class AdamIterations(Iterations):
    """What an attack by Adam's steps is given besides.

    Args:
        steps: gradient steps of one restart; the paper takes 200.
        norm: inf; Adam moves each coordinate on its own.
        step_size: learning rate of Adam, about how far a coordinate moves in one step; a tensor
            (n,) for one per image. None for a quarter of the radius, at most 2/255 of the range of
            the images; the paper takes 2/255 for a radius of 8/255.
    """

    step_size: float | PerImage | None = None

    def attack(self, loss: PixelLoss) -> GradientAttack:
        """Adam's ascent of that loss.

        Raises:
            InputError: another norm than inf.
        """
        if self.threat_model.p != math.inf:
            raise InputError(f"norm is {self.norm!r}; PAdam is made for inf, use pgd for 1 and 2.")
        size = self.step_size
        if size is None:
            size = default_step_size(self.eps, self.norm, self.bounds)
        return self.in_steps(AdamStep(size), self.steps, loss=loss)


def cosine_distance(logits: Logits, labels: Labels) -> PixelMap:
    """1 - z_y / ||z||_2 of each pixel: 1 minus the cosine of its logits and its one-hot label.

    From 0 to 2, at least in float32; 1 where all logits are 0. Multiplying a pixel's logits leaves it
    as it is; adding to all of them changes it, though not the prediction.
    """
    if logits.dtype.itemsize < 4:
        logits = logits.float()
    of_label = F.normalize(logits, dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return 1 - of_label


@takes(AdamIterations)
def padam_ce(common: AdamIterations) -> GradientAttack:
    """Projected Adam on the cross-entropy of all valid pixels."""
    return common.attack(cross_entropy)


@takes(AdamIterations)
def padam_cos(common: AdamIterations) -> GradientAttack:
    """Projected Adam on 1 - cosine of logits and one-hot label, which does not fade with the softmax."""
    return common.attack(cosine_distance)


SPECS = (AttackSpec("PAdam-CE", padam_ce), AttackSpec("PAdam-Cos", padam_cos))
