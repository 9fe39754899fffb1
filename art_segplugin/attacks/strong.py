"""strong: this library's own cascade; shared best points, and a worst case as of SEA, arXiv:2306.12941.

What the parts are is the papers'; that they begin at each other's best points, how the steps are
shared out and in which order they come is this library's own choice, made by measuring. The table
`COMPOSITION` is all there is to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral

from art_segplugin.attacks.apgd import LOSSES, WEIGHTINGS
from art_segplugin.attacks.common import Iterations, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep
from art_segplugin.core.ensemble import Cascade, WorstCase
from art_segplugin.core.selectors import LowestAccuracyThenLoss
from art_segplugin.core.steps import AnnealedStep, SteepestStep, StepRule
from art_segplugin.core.weightings import UNIFORM
from art_segplugin.errors import InputError


@dataclass(frozen=True)
class Part:
    """One member of the cascade.

    Attributes:
        loss: what is increased and how pixels are weighed: a loss of `apgd`, by its name there.
        steps: a name in STEP_RULES: how it moves.
        share: of the gradient evaluations, in percent.
        first: length of the first step in radii, where steps fall.
        fresh: it begins as it does alone, not at the best point so far.
    """

    loss: str
    steps: str
    share: int
    first: float = 2.0
    fresh: bool = False


COMPOSITION = (
    Part("cos", "cosine", share=60),
    Part("js", "cosine", share=40),
)
"""Members in their order; the first always begins as it does alone."""

STEP_RULES: dict[str, Callable[[Part, Iterations], StepRule]] = {
    "cosine": lambda part, common: AnnealedStep(SteepestStep(part.first * common.eps)),
    "auto": lambda part, common: AutoStep(common.targeted),
}
"""How a member moves: by steps that fall to 0, or as APGD does."""

IN_L1 = {"auto": "cosine"}
"""What stands in where the norm is 1, for which APGD's steps are not made."""


def shared_out(steps: int, composition: Sequence[Part] = COMPOSITION) -> list[int]:
    """Gradient evaluations of each member, which add up to `steps`; of few the first have the most.

    Args:
        steps: of all together.
        composition: the members.

    Raises:
        InputError: `steps` is no whole number >= 1.
    """
    value: object = steps
    if not (isinstance(value, Integral) and int(value) >= 1):
        raise InputError(f"steps is {steps!r}; give a whole number >= 1.")
    whole = sum(part.share for part in composition)
    given, until, found = 0, 0, []
    for part in composition:
        until += part.share
        found.append(-(-steps * until // whole) - given)
        given += found[-1]
    return found


@takes(Iterations, steps=100)
def strong(common: Iterations) -> WorstCase:
    """A cascade of the strongest attacks, within a budget of gradient evaluations an image.

    Members begin at the best point that those before them found, images of which all pixels are
    fooled are done, and each image keeps its lowest pixel accuracy. An evaluation also finds the
    answers of the members that together leave the lowest mIoU.

    Args:
        steps: gradient evaluations an image of one restart, of all members together.
    """
    members, fresh = list[GradientAttack](), list[int]()
    for part, steps in zip(COMPOSITION, shared_out(common.steps), strict=True):
        if steps:
            if part.fresh:
                fresh.append(len(members))
            members.append(_member(part, common, steps))
    cascade = Cascade(members, fresh)
    return cascade if common.restarts == 1 else WorstCase([cascade] * common.restarts)


def _member(part: Part, common: Iterations, steps: int) -> GradientAttack:
    rule = IN_L1.get(part.steps, part.steps) if common.threat_model.p == 1 else part.steps
    weighting = WEIGHTINGS.get(part.loss)
    return GradientAttack(
        common.threat_model,
        STEP_RULES[rule](part, common),
        steps,
        loss=LOSSES[part.loss],
        weighting=UNIFORM if weighting is None else weighting(common.targeted, ()),
        select=LowestAccuracyThenLoss(common.targeted),
        random_start=common.random_start,
        targeted=common.targeted,
        ignore_index=common.ignore_index,
    )


SPECS = (AttackSpec("strong", strong, "ensemble", class_name="SegmentationStrong", place=8),)
