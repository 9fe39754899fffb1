"""APGD: Croce & Hein, ICML 2020, arXiv:2003.01690, section 3 and algorithm 1, summed over pixels."""

import math

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep
from art_segplugin.core.losses import PixelLoss, cross_entropy, difference_of_logits_ratio
from art_segplugin.core.selectors import LowestAccuracyThenLoss
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import PerImage
from art_segplugin.errors import InputError

LOSSES: dict[str, PixelLoss] = {"ce": cross_entropy, "dlr": difference_of_logits_ratio}
"""The paper's two, by the names that its authors give them."""


def apgd(
    eps: float | PerImage = 8 / 255,
    steps: int = 20,
    norm: float | str = math.inf,
    random_start: bool = True,
    restarts: int = 1,
    targeted: bool = False,
    ignore_index: int = 255,
    bounds: tuple[float, float] = (0.0, 1.0),
    loss: str = "ce",
) -> GradientAttack:
    """PGD with momentum that finds its step size itself, for each image on its own.

    The answer of a restart is the point with the most fooled pixels, and of several such points the
    one of the highest loss (the paper: of the highest loss, see `HighestLoss`).

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        steps: gradient steps of one restart; the paper takes 100, and below about 20 the step size
            has little time to adapt.
        norm: 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants. The loss is then decreased; with "dlr" this
            is not the paper's targeted DLR loss, which needs the true labels as well.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        loss: "ce", the cross-entropy, or "dlr", the difference of logits ratio, which needs 3
            classes and does not fade where the softmax is saturated.

    Raises:
        InputError: a value outside its range.
    """
    if loss not in LOSSES:
        raise InputError(f"loss is {loss!r}; give one of {', '.join(LOSSES)}.")
    threat_model = ThreatModel(eps, norm, bounds)
    if threat_model.p == 1:
        raise InputError(f"norm is {norm!r}; APGD is made for 2 and inf, use pgd for L1.")
    return GradientAttack(
        threat_model,
        AutoStep(targeted),
        steps,
        loss=LOSSES[loss],
        select=LowestAccuracyThenLoss(targeted),
        random_start=random_start,
        restarts=restarts,
        targeted=targeted,
        ignore_index=ignore_index,
    )
