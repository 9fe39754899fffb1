"""All objectives by name, with the values that their papers chose."""

from dataclasses import dataclass

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.attacks.registry import parameters
from art_segplugin.errors import InputError
from art_segplugin.training.adversarial import AdversarialTraining
from art_segplugin.training.alp import AdversarialLogitPairing
from art_segplugin.training.free import FreeAdversarialTraining
from art_segplugin.training.objective import Objective, Supervised, WeightedCrossEntropy
from art_segplugin.training.trades import Trades

EPS = 8 / 255
FAST_STEP = 1.25
"""Length of FastAT's one step, in radii (Wong et al., ICLR 2020, arXiv:2001.03994, section 5)."""


@dataclass(frozen=True)
class Defaults:
    """Default values of one objective.

    Attributes:
        attack: Its inner attack, "recipe-steps"; "" for none.
        fixed: The attack belongs to the method and cannot be chosen.
        weight: Factor of its second term; None where it has one term.
        halves: It can attack half of the images only.
        scale: Scale s of a hypersphere head in the official code of arXiv:2002.08619.
        margin: Margin m there.
    """

    attack: str = "pgd-7"
    fixed: bool = False
    weight: float | None = None
    halves: bool = False
    scale: float = 15.0
    margin: float = 0.2


OBJECTIVES = {
    "cross-entropy": Defaults(attack="", fixed=True),
    "pgd-at": Defaults(halves=True),
    "segpgd-at": Defaults("segpgd-7", halves=True),
    "alp": Defaults(weight=0.5, scale=20.0, margin=0.3),
    "trades": Defaults(weight=6.0),
    "free-at": Defaults("pgd-1", fixed=True, scale=10.0),
    "fast-at": Defaults("pgd-1", fixed=True),
}


def make_objective(
    name: str,
    loss: WeightedCrossEntropy,
    attack: NamedAttack | None = None,
    *,
    half: bool = False,
    weight: float | None = None,
    replays: int | None = None,
) -> Objective:
    """Return the objective of that name.

    Args:
        name: A name in OBJECTIVES.
        loss: Cross-entropy of the update.
        attack: Inner attack; None for the default at eps 8/255. See `inner_attack`.
        half: Attack every other image only.
        weight: Factor of the second term; None for the default.
        replays: Steps for which FreeAT keeps a batch; None for 4.

    Raises:
        InputError: Another name, or an argument that this objective does not have.
    """
    default = defaults_of(name)
    if half and not default.halves:
        raise InputError(f"{name} attacks all images; half is for {_those_with('halves')}.")
    if weight is not None and default.weight is None:
        raise InputError(f"{name} has one term only; weight is for {_those_with('weight')}.")
    if weight is not None and not 0 <= weight < float("inf"):
        raise InputError(f"weight is {weight}; expected a finite number >= 0.")
    if replays is not None and name != "free-at":
        raise InputError(f"{name} takes each batch once; replays is for free-at.")
    if attack is not None and default.fixed and (not default.attack or attack.build().steps != 1):
        raise InputError(
            f"{name} has no attack to choose, and {attack.name!r} is given; leave it out, or give "
            f"inner_attack({name!r}, eps=...) for another radius."
        )
    if name == "cross-entropy":
        return Supervised(loss)
    attack = attack or inner_attack(name)
    factor = default.weight if weight is None else weight
    if name == "alp":
        return AdversarialLogitPairing(attack, loss, weight=factor or 0.0)
    if name == "trades":
        return Trades(attack, loss, weight=factor or 0.0)
    if name == "free-at":
        return FreeAdversarialTraining(attack, loss, replays=4 if replays is None else replays)
    return AdversarialTraining(attack, loss, half=half)


def inner_attack(
    name: str, attack: str | None = None, eps: float = EPS, step_size: float | None = None
) -> NamedAttack:
    """Return the inner attack of an objective.

    Args:
        name: A name in OBJECTIVES other than cross-entropy.
        attack: "recipe-steps"; None for the default.
        eps: Radius, L-inf, images in [0, 1].
        step_size: Length of its steps; None for twice the radius over the steps, at most the radius;
            FastAT: 1.25 times the radius.

    Raises:
        InputError: The objective has no attack to choose, or one that is not known, or the attack has
            no steps of a given length.
    """
    default = defaults_of(name)
    if attack is not None and default.fixed:
        raise InputError(f"{name} has no attack to choose, and {attack!r} is given; leave it out.")
    if step_size is not None and name == "free-at":
        raise InputError("free-at makes steps of length eps; leave the step size out.")
    chosen = attack or default.attack
    if not chosen:
        raise InputError(f"{name} has no attack.")
    unsized = named(chosen, eps=eps)
    if step_size is not None and "step_size" not in parameters(unsized.recipe):
        raise InputError(
            f"step_size is {step_size:g} and {chosen!r} has no step size to choose; leave it out."
        )
    if step_size is None:
        # Few steps have to cross the whole ball, from a random start in it.
        steps = unsized.build().steps
        step_size = FAST_STEP * eps if name == "fast-at" else min(eps, 2 * eps / steps)
    return named(chosen, eps=eps, step_size=step_size)


def defaults_of(name: str) -> Defaults:
    """Return the defaults of an objective.

    Raises:
        InputError: There is no such objective.
    """
    if name not in OBJECTIVES:
        raise InputError(f"objective {name!r} is unknown; choose from {', '.join(OBJECTIVES)}.")
    return OBJECTIVES[name]


def _those_with(field: str) -> str:
    return ", ".join(name for name, default in OBJECTIVES.items() if getattr(default, field))


Usual, usual_of = Defaults, defaults_of  # their names until 0.1
