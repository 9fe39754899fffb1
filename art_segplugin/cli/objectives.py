"""What `train` minimises, from the words of the command line."""

from torch import Tensor

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.cli.options import threat_model
from art_segplugin.errors import InputError
from art_segplugin.training import AdversarialTraining, CrossEntropy, Objective
from art_segplugin.training.trainer import ObjectiveMaker

OBJECTIVES = ("cross-entropy", "pgd-at")


def make_objective(
    name: str,
    attack: str | None,
    eps: str | None,
    step_size: str | None,
    ignore_index: int,
    measured: Tensor | None = None,
) -> ObjectiveMaker:
    """The objective of that name.

    Args:
        name: one of OBJECTIVES.
        attack: attack that an adversarial training withstands, None for "pgd-7".
        eps: its radius; None for 8/255.
        step_size: length of its steps; None for twice eps over the steps, at most eps.
        ignore_index: label of void pixels.
        measured: class weights from measured robustness (c,), times those by frequency; None for none.

    Raises:
        InputError: another name, a bad number, or something for an attack where there is none.
    """
    if name not in OBJECTIVES:
        raise InputError(f"objective {name!r} is unknown; choose from {', '.join(OBJECTIVES)}.")
    if name == "cross-entropy":
        if any(one is not None for one in (attack, eps, step_size, measured)):
            raise InputError(
                "an attack, its sizes and class robustness are for adversarial training; "
                "give --objective pgd-at."
            )
        return lambda weights: CrossEntropy(ignore_index, weights)
    inner = _inner_attack(attack or "pgd-7", eps or "8/255", step_size)

    def make(weights: Tensor | None) -> Objective:
        if weights is not None and measured is not None:
            weights = weights * measured
        return AdversarialTraining(inner, ignore_index, measured if weights is None else weights)

    return make


def _inner_attack(name: str, eps: str, step_size: str | None) -> NamedAttack:
    sizes = threat_model("inf", eps, step_size)
    if step_size is None:
        # Few steps have to cross the whole ball, from a random start in it.
        steps = named(name, **sizes).build().steps
        sizes["step_size"] = min(sizes["eps"], 2 * sizes["eps"] / steps)
    return named(name, **sizes)
