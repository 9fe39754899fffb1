"""PGD: Madry et al., ICLR 2018, arXiv:1706.06083, section 2.1, summed over pixels."""

import math

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import PixelLoss, cross_entropy
from art_segplugin.core.steps import MomentumStep, SteepestStep, StepRule
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import PerImage
from art_segplugin.core.weightings import UNIFORM, PixelWeighting


def pgd(
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
    weighting: PixelWeighting = UNIFORM,
    loss: PixelLoss = cross_entropy,
) -> GradientAttack:
    """Steps of steepest ascent of the cross-entropy of all valid pixels.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        step_size: length of a step in the norm; a tensor (n,) for one per image.
        steps: gradient steps of one restart.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        weighting: how much each pixel counts; other attacks are PGD with another weighting.
        loss: what is increased on each pixel in place of the cross-entropy.

    Raises:
        InputError: a value outside its range.
    """
    threat_model = ThreatModel(eps, norm, bounds)  # first: eps may have chosen the step size
    step: StepRule = SteepestStep(step_size) if decay is None else MomentumStep(step_size, decay)
    return GradientAttack(
        threat_model,
        step,
        steps,
        loss=loss,
        weighting=weighting,
        random_start=random_start,
        restarts=restarts,
        targeted=targeted,
        ignore_index=ignore_index,
    )
