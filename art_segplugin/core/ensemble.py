"""Several attacks as one: the best answer of all, or each from where the one before ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Union

import torch
from torch import Tensor

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.iterate import Iterate, better_of, both
from art_segplugin.core.task import Task, TaskAttack
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

Member = Union[GradientAttack, "WorstCase", "Staged"]


@dataclass(frozen=True, eq=False)
class _Several(TaskAttack):
    """Attacks on the same labels; what they have in common is theirs."""

    attacks: Sequence[Member]

    def __post_init__(self) -> None:
        object.__setattr__(self, "attacks", tuple(self.attacks))
        if not self.attacks:
            raise InputError("there is no attack to choose from; give at least one.")
        for other in self.attacks[1:]:
            for name in ("targeted", "ignore_index"):
                values = getattr(self.attacks[0], name), getattr(other, name)
                if values[0] != values[1]:
                    raise InputError(_different(name, *values))

    @property
    def targeted(self) -> bool:
        """Labels are what the adversary wants."""
        return self.attacks[0].targeted

    @property
    def ignore_index(self) -> int:
        """Label of void pixels."""
        return self.attacks[0].ignore_index


@dataclass(frozen=True, eq=False)
class WorstCase(_Several):
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

    def __post_init__(self) -> None:
        super().__post_init__()
        for other in self.attacks[1:]:
            _check_same_threat(self.attacks[0].threat_model, other.threat_model)

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

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        final_forward = final_forward or len(self.attacks) > 1
        best, restarts = Iterate(0, 0, task.images, None, task.images, None), 0
        for attack in self.attacks:
            earlier = best  # of the members before this one
            for iterate in attack.run(task, final_forward=final_forward):
                best = better_of(iterate, earlier)
                yield replace(best, restart=restarts + iterate.restart)
                best = replace(best, forward=None)
            restarts += attack.restarts


@dataclass(frozen=True, eq=False)
class Staged(_Several):
    """Attacks one after the other, each from the answer of the one before: radii that shrink.

    Segmentation ensemble attack, SEA (Croce et al., ECCV 2024, arXiv:2306.12941, section 3.2) runs
    at twice the radius, then at 1.5 times, then at the radius itself. A stage begins at the point
    before, projected into its own region; `best` is always inside the last one, to which an answer
    of an earlier stage is projected, and is only scored in the last stage.

    Args:
        attacks: one or more, each of one restart, with the same `targeted` and `ignore_index`; the
            threat model is that of the last.

    Raises:
        InputError: no attack, one with several restarts, or attacks that differ in one of these.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        for stage in self.attacks:
            if stage.restarts != 1:
                raise InputError(f"a stage has {stage.restarts} restarts; give stages of one.")

    @property
    def threat_model(self) -> ThreatModel:
        """That of the last stage."""
        return self.attacks[-1].threat_model

    @property
    def steps(self) -> int:
        """Gradient steps of all stages, and one for each look between two of them."""
        return sum(attack.steps + 1 for attack in self.attacks) - 1

    @property
    def restarts(self) -> int:
        """One."""
        return 1

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        region, visited = self.threat_model.around(task.images, task.mask), 0
        iterate = Iterate(0, 0, task.images, None, task.images, None)
        for stage in self.attacks:
            last, before = stage is self.attacks[-1], iterate.without_gradient
            for iterate in stage.run(task, final_forward=final_forward and last):
                answer = iterate.best
                hidden = both(iterate.without_gradient, before)
                iterate = replace(iterate, step=visited, without_gradient=hidden)
                if not last:
                    iterate = replace(
                        iterate, best=region.project(answer), best_success=None, best_rank=None
                    )
                yield iterate
                visited += 1
            task = replace(task, start=answer)


def _check_same_threat(first: ThreatModel, other: ThreatModel) -> None:
    for name, a, b, same in (
        ("norm", first.norm, other.norm, first.p == other.p),
        ("bounds", first.bounds, other.bounds, tuple(first.bounds) == tuple(other.bounds)),
        ("eps", first.eps, other.eps, _same_radius(first.eps, other.eps)),
    ):
        if not same:
            raise InputError(_different(name, a, b))


def _same_radius(a: float | Tensor | None, b: float | Tensor | None) -> bool:
    """Whether two eps allow the same, up to the rounding of a float32."""
    if a is None or b is None:
        return a is b
    one, two = (torch.as_tensor(eps, dtype=torch.float64, device="cpu") for eps in (a, b))
    if one.ndim == two.ndim == 1 and len(one) != len(two):
        return False
    return torch.allclose(one, two, rtol=1e-6, atol=0.0)


def _different(name: str, a: object, b: object) -> str:
    return f"the attacks have the {name} {a!r} and {b!r}; give attacks with the same {name}."
