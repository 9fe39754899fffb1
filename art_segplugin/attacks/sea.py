"""SEA and red-eps APGD: Croce et al., ECCV 2024, arXiv:2306.12941, sections 3.1 and 3.2."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from art_segplugin.attacks.apgd import apgd
from art_segplugin.attacks.common import Iterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import Staged, WorstCase
from art_segplugin.core.threat_model import ThreatModel

MEMBERS = ("mce-bal", "mce", "js")
"""Losses of SEA, in the paper's order."""


def in_stages(attack: GradientAttack) -> Staged | WorstCase:
    """Its steps at 2, 1.5 and 1 times its radius, three, three and four tenths of them.

    What the first two would get of fewer than four steps is left to the last. A stage begins at the
    answer of the one before, projected. Restarts become members of a worst case.
    """
    few = attack.steps * 3 // 10
    threat = attack.threat_model
    assert threat.eps is not None, "the radius is what changes"
    stages = Staged(
        [
            replace(
                attack,
                threat_model=ThreatModel(factor * threat.eps, threat.norm, threat.bounds),
                steps=steps,
                restarts=1,
            )
            for factor, steps in ((2, few), (1.5, few), (1, attack.steps - 2 * few))
            if steps
        ]
    )
    return stages if attack.restarts == 1 else WorstCase([stages] * attack.restarts)


@takes(Iterations)
def red_eps_apgd(
    common: Iterations, loss: str = "js", class_pixels: Sequence[float] | Tensor = ()
) -> Staged | WorstCase:
    """APGD at twice the radius, from there at 1.5 times, and from there within the radius.

    Three, three and four tenths of the steps. Points of the first two stages lie outside the
    radius; the answer, which is of the last, does not. A stage begins at the answer of the one
    before, the point with the most fooled pixels, as in the authors' program.

    Args:
        steps: gradient steps of one restart, of all stages together; the paper takes 300.
        norm: 2 or inf.
        loss: as of `apgd`: "js", "mce-bal", "mce", "spherical", "ce", "dlr", "cos" or "tsallis".
        class_pixels: for "mce-bal", pixels of each class in the training set, or their shares;
            empty to count in each image by itself.
    """
    return in_stages(_apgd(common, loss, class_pixels))


@takes(Iterations, steps=300)
def sea(common: Iterations, class_pixels: Sequence[float] | Tensor = ()) -> WorstCase:
    """Red-eps APGD on MCE-Bal, on MCE and on JS; per image the lowest pixel accuracy wins.

    Its members, in `attacks`, can be run one by one: their answers are what a worst case for the
    mIoU of a whole set chooses from.

    Args:
        steps: gradient steps of one restart of each of the three, so three times as many in all.
        norm: 2 or inf.
        restarts: independent runs of each of the three.
        class_pixels: pixels of each class in the training set, or their shares, for the paper's
            weights of MCE-Bal; empty to count in each image by itself.
    """
    return WorstCase([in_stages(_apgd(common, loss, class_pixels)) for loss in MEMBERS])


def _apgd(common: Iterations, loss: str, class_pixels: Sequence[float] | Tensor) -> GradientAttack:
    return apgd(
        common.eps,
        common.steps,
        common.norm,
        common.random_start,
        common.restarts,
        common.targeted,
        common.ignore_index,
        common.bounds,
        loss,
        class_pixels,
    )


SPECS = (
    AttackSpec("Red-eps-APGD", red_eps_apgd, class_name="RedEpsAPGD"),
    AttackSpec("SEA", sea, "ensemble"),
)
