"""PGD: Madry et al., ICLR 2018, arXiv:1706.06083, section 2.1, summed over pixels."""

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import LayerLoss, PixelLoss, cross_entropy
from art_segplugin.core.weightings import UNIFORM, PixelWeighting


@takes(SizedIterations)
def pgd(
    common: SizedIterations,
    weighting: PixelWeighting = UNIFORM,
    loss: PixelLoss | LayerLoss = cross_entropy,
) -> GradientAttack:
    """Steps of steepest ascent of the cross-entropy of all valid pixels.

    Args:
        weighting: how much each pixel counts; other attacks are PGD with another weighting.
        loss: what is increased on each pixel in place of the cross-entropy.
    """
    return common.attack(weighting=weighting, loss=loss)


SPECS = (AttackSpec("PGD", pgd, class_name="SegmentationPGD", place=2),)
