"""Spherical-PGD: Croce et al., version 1 of arXiv:2306.12941, masked -z_y over the length of z."""

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.mce import MASKED
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import spherical


@takes(SizedIterations)
def spherical_pgd(common: SizedIterations) -> GradientAttack:
    """PGD on the label's logit over the length of all logits, of pixels still to be fooled.

    Args:
        targeted: labels are what the adversary wants; pixels already there do not count.
    """
    return common.attack(loss=spherical, weighting=MASKED)


SPECS = (AttackSpec("Spherical-PGD", spherical_pgd),)
