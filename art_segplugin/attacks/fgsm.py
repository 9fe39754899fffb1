"""FGSM: Goodfellow et al., ICLR 2015, arXiv:1412.6572, section 4, summed over pixels."""

from art_segplugin.attacks.common import Budget, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.weightings import UNIFORM, PixelWeighting


@takes(Budget, random_start=False)
def fgsm(common: Budget, weighting: PixelWeighting = UNIFORM) -> GradientAttack:
    """One step of length eps: PGD with `steps=1` and `step_size=eps`.

    Args:
        restarts: independent runs, which differ by their random start only.
        weighting: how much each pixel counts.
    """
    return common.in_steps(SteepestStep(common.eps), 1, weighting=weighting)


SPECS = (AttackSpec("FGSM", fgsm, class_name="SegmentationFGSM", place=1),)
