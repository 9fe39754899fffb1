"""Several attacks as one: the best answer of all, or each from where the one before ended, or both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Union

import torch
from torch import Tensor

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass, look
from art_segplugin.core.iterate import Attack, Iterate, better_of, both
from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.selectors import MOST_FOOLED
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

    @property
    def gradients(self) -> int:
        """Gradient evaluations an image, of all members and restarts together; at most so many."""
        return sum(
            attack.gradients if isinstance(attack, _Several) else attack.steps * attack.restarts
            for attack in self.attacks
        )


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

    @property
    def members(self) -> int:
        """Members, with those of members that are ensembles themselves: as `Iterate.member` counts."""
        return sum(_members(attack) for attack in self.attacks)

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        final_forward = final_forward or len(self.attacks) > 1
        best = Iterate(0, 0, task.images, None, task.images, None)
        restarts = members = 0
        for number, attack in enumerate(self.attacks):
            earlier = best  # of the members before this one
            for iterate in self._iterates(number, attack, task, earlier, final_forward):
                best = replace(
                    better_of(iterate, earlier),
                    restart=restarts + iterate.restart,
                    member=members + iterate.member,
                    of_member=iterate.answer_of_member,
                )
                yield best
                best = replace(best, forward=None)
            restarts += attack.restarts
            members += _members(attack)
            best = replace(best, of_member=None)

    def _iterates(
        self, number: int, attack: Member, task: Task, earlier: Iterate, final_forward: bool
    ) -> Iterator[Iterate]:
        """What a member visits, given the best answers of those before it."""
        return attack.run(task, final_forward=final_forward)


@dataclass(frozen=True, eq=False)
class Cascade(WorstCase):
    """A worst case whose members share what they found, and stop where there is nothing left to do.

    Each member but the first begins at the best point so far of each image, those in `fresh` where
    they begin by themselves. Images of which all valid pixels are fooled take no part in the members
    that follow, which is decided between two members by one number an image that is read back from
    the device; within a member nothing is. Each such member looks at them once, so that iterates are
    always of the whole batch, and as many as in a worst case.

    Images stay where it matters that they do: where a member has a radius or step size for each
    image, or ranks its answers by something else than the pixels that are fooled.

    Args:
        attacks: as in `WorstCase`.
        fresh: numbers of the members, from 0, that begin as they do alone.
        leave: let images leave; not for members whose loss or weighting holds something for each
            image of the batch.

    Raises:
        InputError: as `WorstCase`, or no such number.
    """

    fresh: Sequence[int] = ()
    leave: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "fresh", tuple(self.fresh))
        for number in self.fresh:
            if number not in range(len(self.attacks)):
                raise InputError(
                    f"fresh has the number {number!r} and there are {len(self.attacks)} members; "
                    f"give numbers from 0 to {len(self.attacks) - 1}."
                )

    def _iterates(
        self, number: int, attack: Member, task: Task, earlier: Iterate, final_forward: bool
    ) -> Iterator[Iterate]:
        if number == 0:
            yield from attack.run(task, final_forward=final_forward)
            return
        assert earlier.best_success is not None
        of_member = task if number in self.fresh else replace(task, start=earlier.best)
        places: Sequence[int] = range(len(task.images))
        if self.leave and _may_leave(attack):
            left = (earlier.best_success < 1) & task.valid.flatten(1).any(1)
            places = [place for place, one in enumerate(left.tolist()) if one]
        if len(places) == len(task.images):
            yield from attack.run(of_member, final_forward=final_forward)
            return
        whole = _Whole(task, attack, earlier, places)
        moving = attack.run(of_member.part(places), final_forward=final_forward) if places else None
        for together in map(whole.of, moving) if moving else whole.standing(attack):
            yield together
            if together.forward is not None:
                together.forward.logits = None


class _Whole:
    """Iterates of some images of a batch as iterates of all; the others stay at their best point."""

    def __init__(self, task: Task, attack: Member, earlier: Iterate, places: Sequence[int]) -> None:
        resting = sorted(set(range(len(task.images))) - set(places))
        device = task.images.device
        self.task, self.earlier = task, earlier
        self.moving = torch.tensor(list(places), dtype=torch.int64, device=device)
        self.resting = torch.tensor(resting, dtype=torch.int64, device=device)
        loss = attack.loss if isinstance(attack, GradientAttack) else cross_entropy
        with torch.no_grad(), evaluation_mode(task.model):
            points = earlier.best[self.resting]
            self.seen, _ = look(task.part(resting), points, 0, 1, loss, targeted=attack.targeted)

    def standing(self, attack: Member) -> Iterator[Iterate]:
        """The points of a member that none of the images takes part in."""
        for restart, step, member in _visits(attack):
            seen = replace(self.seen, step=step, weights=torch.zeros_like(self.seen.pixel_loss))
            answer = self.earlier.best
            yield replace(
                self.earlier,
                restart=restart,
                step=step,
                x_adv=answer,
                forward=seen,
                member=member,
                of_member=answer,
            )

    def of(self, iterate: Iterate) -> Iterate:
        """The iterate of all."""
        earlier = self.earlier
        assert earlier.best_success is not None
        assert earlier.best_rank is not None
        hidden = earlier.without_gradient
        return replace(
            iterate,
            x_adv=self._put(iterate.x_adv, earlier.best),
            forward=None if iterate.forward is None else self._forward(iterate.forward),
            best=self._put(iterate.best, earlier.best),
            best_success=self._put(iterate.best_success, earlier.best_success),
            best_rank=self._put(iterate.best_rank, earlier.best_rank),
            without_gradient=self._put(iterate.without_gradient, hidden),
            of_member=self._put(iterate.answer_of_member, earlier.best),
        )

    def _put(self, values: Any, resting: Tensor | None) -> Any:
        """Values of the moving images beside those of the resting ones, None for zeros."""
        if values is None:
            return None
        if resting is None:
            resting = values.new_zeros(len(self.task.images))
        return resting.index_copy(0, self.moving, values)

    def _forward(self, now: ForwardPass) -> ForwardPass:
        """What the model said of all; the resting ones weigh nothing."""
        seen = self.seen

        def put(moving: Tensor | None, resting: Tensor | None) -> Any:
            if moving is None:
                return None
            whole = moving.new_zeros(len(self.task.images), *moving.shape[1:])
            whole.index_copy_(0, self.moving, moving)
            return whole if resting is None else whole.index_copy_(0, self.resting, resting)

        return replace(
            now,
            labels=self.task.labels,
            valid=self.task.valid,
            fooled=put(now.fooled, seen.fooled),
            pixel_loss=put(now.pixel_loss, seen.pixel_loss),
            logits=put(now.logits, seen.logits),
            weights=put(now.weights, None),
        )


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
                iterate = replace(
                    iterate, step=visited, without_gradient=hidden, member=0, of_member=None
                )
                if not last:
                    iterate = replace(
                        iterate, best=region.project(answer), best_success=None, best_rank=None
                    )
                yield iterate
                visited += 1
            task = replace(task, start=answer)


def _members(attack: Member) -> int:
    """Of an attack: its own, if it is a worst case, else itself."""
    return attack.members if isinstance(attack, WorstCase) else 1


def points_of(attack: Attack) -> int:
    """How many points a whole run visits, for a progress bar."""
    if isinstance(attack, _Several):
        return sum(map(points_of, attack.attacks))
    return attack.restarts * (attack.steps + 1)


def _visits(attack: Member) -> Iterator[tuple[int, int, int]]:
    """Restart, step and member of each point of a run."""
    if isinstance(attack, Staged):
        yield from ((0, step, 0) for step in range(attack.steps + 1))
    elif isinstance(attack, WorstCase):
        restarts = members = 0
        for one in attack.attacks:
            for restart, step, member in _visits(one):
                yield restarts + restart, step, members + member
            restarts, members = restarts + one.restarts, members + _members(one)
    else:
        for restart in range(attack.restarts):
            yield from ((restart, step, 0) for step in range(attack.steps + 1))


def _may_leave(attack: Member) -> bool:
    """Whether an image with no pixel left is done, and the others can be attacked without it."""
    if isinstance(attack, _Several):
        return all(map(_may_leave, attack.attacks))
    sizes = (attack.threat_model.eps, getattr(attack.step, "size", None))
    by_image = any(isinstance(size, Tensor) and size.ndim > 0 for size in sizes)
    return attack.compare is MOST_FOOLED and not by_image


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
