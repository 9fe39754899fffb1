"""FGSM: Goodfellow et al., ICLR 2015, arXiv:1412.6572, section 4, summed over pixels."""

import math

from art_segplugin.attacks.pgd import pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.types import PerImage
from art_segplugin.core.weightings import UNIFORM, PixelWeighting


def fgsm(
    eps: float | PerImage = 8 / 255,
    norm: float | str = math.inf,
    random_start: bool = False,
    restarts: int = 1,
    targeted: bool = False,
    ignore_index: int = 255,
    bounds: tuple[float, float] = (0.0, 1.0),
    weighting: PixelWeighting = UNIFORM,
) -> GradientAttack:
    """One step of length eps: PGD with `steps=1` and `step_size=eps`.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs, which differ by their random start only.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        weighting: how much each pixel counts.

    Raises:
        InputError: a value outside its range.
    """
    return pgd(
        eps,
        step_size=eps,
        steps=1,
        norm=norm,
        random_start=random_start,
        restarts=restarts,
        targeted=targeted,
        ignore_index=ignore_index,
        bounds=bounds,
        weighting=weighting,
    )
