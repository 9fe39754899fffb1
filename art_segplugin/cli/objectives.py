"""What `train` minimises, from the words of the command line."""

from torch import Tensor

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.cli.options import number
from art_segplugin.errors import InputError
from art_segplugin.training import AdversarialTraining, CrossEntropy, Objective
from art_segplugin.training.trainer import ObjectiveMaker

OBJECTIVES = ("cross-entropy", "pgd-at")


def make_objective(
    name: str,
    attack: str,
    eps: str | None,
    step_size: str | None,
    ignore_index: int,
    measured: Tensor | None = None,
) -> ObjectiveMaker:
    """The objective of that name.

    Args:
        name: one of OBJECTIVES.
        attack: attack that an adversarial training withstands, such as "pgd-7".
        eps: its radius; None for 8/255.
        step_size: length of its steps; None for twice eps over the steps, at most eps.
        ignore_index: label of void pixels.
        measured: class weights from measured robustness (c,), times those by frequency; None for none.

    Raises:
        InputError: another name, a bad number, or measured weights without an adversarial objective.
    """
    if name not in OBJECTIVES:
        raise InputError(f"objective {name!r} is unknown; choose from {', '.join(OBJECTIVES)}.")
    if name == "cross-entropy":
        if measured is not None:
            raise InputError("class robustness re-weighs pgd-at; give --objective pgd-at.")
        return lambda weights: CrossEntropy(ignore_index, weights)
    inner = _inner_attack(attack, number(eps or "8/255"), step_size)

    def make(weights: Tensor | None) -> Objective:
        if weights is not None and measured is not None:
            weights = weights * measured
        return AdversarialTraining(inner, ignore_index, measured if weights is None else weights)

    return make


def _inner_attack(name: str, eps: float, step_size: str | None) -> NamedAttack:
    attack = named(name, eps=eps)
    steps = attack.build().steps
    # Few steps have to cross the whole ball, from a random start in it.
    size = min(eps, 2 * eps / steps) if step_size is None else number(step_size)
    return named(name, eps=eps, step_size=size)
