"""Several attacks as one: per image the best answer of all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Union

import torch
from torch import Tensor

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.iterate import Iterate, Model, better_of
from art_segplugin.core.task import Task, TaskAttack
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError


@dataclass(frozen=True, eq=False)
class WorstCase(TaskAttack):
    """Run the attacks one after the other; per image the answer that fools the most pixels wins.

    Of answers that fool as many, the earliest. The restarts of all members are numbered on, so
    `restarts` is their sum, and `steps` is that of the longest restart. What members start from is
    drawn from one generator in turn: two members that are alike are one with two restarts. To let
    all start from the same point, give `start`. Every member's last point costs a forward pass, by
    which the answers are compared, unless there is only one member.

    Args:
        attacks: one or more, with the same threat model, `targeted` and `ignore_index`.

    Raises:
        InputError: no attack, or attacks that differ in one of these.
    """

    attacks: Sequence[Union[GradientAttack, "WorstCase"]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "attacks", tuple(self.attacks))
        if not self.attacks:
            raise InputError("there is no attack to choose from; give at least one.")
        first = self.attacks[0]
        for other in self.attacks[1:]:
            _check_same_threat(first.threat_model, other.threat_model)
            for name in ("targeted", "ignore_index"):
                values = getattr(first, name), getattr(other, name)
                if values[0] != values[1]:
                    raise InputError(_different(name, *values))

    @property
    def threat_model(self) -> ThreatModel:
        """That of all members."""
        return self.attacks[0].threat_model

    @property
    def steps(self) -> int:
        """Gradient steps of the longest restart."""
        return max(attack.steps for attack in self.attacks)

    @property
    def restarts(self) -> int:
        """Restarts of all members together."""
        return sum(attack.restarts for attack in self.attacks)

    @property
    def targeted(self) -> bool:
        """Labels are what the adversary wants."""
        return self.attacks[0].targeted

    @property
    def ignore_index(self) -> int:
        """Label of void pixels."""
        return self.attacks[0].ignore_index

    def task(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        mask: Tensor | None,
        start: Tensor | None,
        generator: torch.Generator | None,
    ) -> Task:
        """What is given, checked against the bounds of the threat model.

        Raises:
            InputError: shapes, dtypes or values that do not fit together.
        """
        return self.attacks[0].task(model, images, labels, mask, start, generator)

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        final_forward = final_forward or len(self.attacks) > 1
        best, restarts = task.images, 0
        best_success: Tensor | None = None
        for attack in self.attacks:
            earlier, earlier_success = best, best_success  # of the members before this one
            for iterate in attack.run(task, final_forward=final_forward):
                best, best_success = better_of(
                    iterate.best, iterate.best_success, earlier, earlier_success
                )
                yield replace(
                    iterate,
                    restart=restarts + iterate.restart,
                    best=best,
                    best_success=best_success,
                )
            restarts += attack.restarts


def _check_same_threat(first: ThreatModel, other: ThreatModel) -> None:
    for name, a, b, same in (
        ("norm", first.norm, other.norm, first.p == other.p),
        ("bounds", first.bounds, other.bounds, tuple(first.bounds) == tuple(other.bounds)),
        ("eps", first.eps, other.eps, _same_radius(first.eps, other.eps)),
    ):
        if not same:
            raise InputError(_different(name, a, b))


def _same_radius(a: float | Tensor, b: float | Tensor) -> bool:
    """Whether two eps allow the same, up to the rounding of a float32."""
    one, two = (torch.as_tensor(eps, dtype=torch.float64, device="cpu") for eps in (a, b))
    if one.ndim == two.ndim == 1 and len(one) != len(two):
        return False
    return torch.allclose(one, two, rtol=1e-6, atol=0.0)


def _different(name: str, a: object, b: object) -> str:
    return f"the attacks have the {name} {a!r} and {b!r}; give attacks with the same {name}."
