"""APGD: Croce & Hein, ICML 2020, arXiv:2003.01690, section 3 and algorithm 1, summed over pixels."""

from collections.abc import Callable, Sequence

from torch import Tensor

from art_segplugin.attacks.common import Iterations, takes
from art_segplugin.attacks.cospgd import CosineWeights
from art_segplugin.attacks.mce import MASKED, BalancedWeights
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.attacks.tsallis_pgd import TsallisWeights
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep
from art_segplugin.core.losses import (
    PixelLoss,
    cross_entropy,
    difference_of_logits_ratio,
    jensen_shannon,
    spherical,
)
from art_segplugin.core.selectors import LowestAccuracyThenLoss
from art_segplugin.core.weightings import UNIFORM, PixelWeighting
from art_segplugin.errors import InputError

LOSSES: dict[str, PixelLoss] = {
    "ce": cross_entropy,
    "dlr": difference_of_logits_ratio,
    "mce": cross_entropy,
    "mce-bal": cross_entropy,
    "js": jensen_shannon,
    "spherical": spherical,
    "cos": cross_entropy,
    "tsallis": cross_entropy,
}
"""What the step size is controlled by, of all pixels alike: the paper's two, and those of SEA,
CosPGD and TsallisPGD, by the names that their authors give them."""

WEIGHTINGS: dict[str, Callable[[bool, Sequence[float] | Tensor], PixelWeighting]] = {
    "mce": lambda targeted, class_pixels: MASKED,
    "mce-bal": lambda targeted, class_pixels: BalancedWeights(class_pixels),
    "spherical": lambda targeted, class_pixels: MASKED,
    "cos": lambda targeted, class_pixels: CosineWeights(targeted),
    "tsallis": lambda targeted, class_pixels: TsallisWeights(),
}
"""(targeted, `class_pixels` of `apgd`) -> how much each pixel counts in the gradient, where not alike."""


@takes(Iterations)
def apgd(
    common: Iterations, loss: str = "ce", class_pixels: Sequence[float] | Tensor = ()
) -> GradientAttack:
    """PGD with momentum that finds its step size itself, for each image on its own.

    The answer of a restart is the point with the most fooled pixels, and of several such points the
    one of the highest loss (the paper: of the highest loss, see `HighestLoss`).

    Args:
        steps: gradient steps of one restart; the paper takes 100, and below about 20 the step size
            has little time to adapt.
        norm: 2 or inf.
        targeted: labels are what the adversary wants. The loss is then decreased; with "dlr" this
            is not the paper's targeted DLR loss, which needs the true labels as well.
        loss: "ce", the cross-entropy, or "dlr", the difference of logits ratio, which needs 3
            classes and does not fade where the softmax is saturated; or that of another attack:
            "mce", "mce-bal", "js", "spherical", "cos" (CosPGD), "tsallis". Weights and masks are in
            the gradient alone; the step size follows the loss of all pixels.
        class_pixels: for "mce-bal", pixels of each class in the training set, or their shares;
            empty to count in each image by itself.
    """
    if loss not in LOSSES:
        raise InputError(f"loss is {loss!r}; give one of {', '.join(LOSSES)}.")
    if common.threat_model.p == 1:
        raise InputError(f"norm is {common.norm!r}; APGD is made for 2 and inf, use pgd for L1.")
    weighting = WEIGHTINGS.get(loss)
    return common.in_steps(
        AutoStep(common.targeted),
        common.steps,
        loss=LOSSES[loss],
        weighting=UNIFORM if weighting is None else weighting(common.targeted, class_pixels),
        select=LowestAccuracyThenLoss(common.targeted),
    )


SPECS = (AttackSpec("APGD", apgd, class_name="SegmentationAPGD", place=7),)
