"""APGD: Croce & Hein, ICML 2020, arXiv:2003.01690, section 3 and algorithm 1, summed over pixels."""

from art_segplugin.attacks.common import Iterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep
from art_segplugin.core.losses import PixelLoss, cross_entropy, difference_of_logits_ratio
from art_segplugin.core.selectors import LowestAccuracyThenLoss
from art_segplugin.errors import InputError

LOSSES: dict[str, PixelLoss] = {"ce": cross_entropy, "dlr": difference_of_logits_ratio}
"""The paper's two, by the names that its authors give them."""


@takes(Iterations)
def apgd(common: Iterations, loss: str = "ce") -> GradientAttack:
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
            classes and does not fade where the softmax is saturated.
    """
    if loss not in LOSSES:
        raise InputError(f"loss is {loss!r}; give one of {', '.join(LOSSES)}.")
    if common.threat_model.p == 1:
        raise InputError(f"norm is {common.norm!r}; APGD is made for 2 and inf, use pgd for L1.")
    return common.in_steps(
        AutoStep(common.targeted),
        common.steps,
        loss=LOSSES[loss],
        select=LowestAccuracyThenLoss(common.targeted),
    )


SPECS = (AttackSpec("APGD", apgd, class_name="SegmentationAPGD", place=7),)
