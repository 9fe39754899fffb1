"""JS-PGD: Croce et al., ECCV 2024, arXiv:2306.12941, section 3.1, L_JS."""

from art_segplugin.attacks.common import SizedIterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.losses import jensen_shannon


@takes(SizedIterations)
def js_pgd(common: SizedIterations) -> GradientAttack:
    """PGD on the Jensen-Shannon divergence between softmax and label, which lets go of wrong pixels.

    Args:
        targeted: labels are what the adversary wants; pixels far from them hardly count.
    """
    return common.attack(loss=jensen_shannon)


SPECS = (AttackSpec("JS-PGD", js_pgd),)
