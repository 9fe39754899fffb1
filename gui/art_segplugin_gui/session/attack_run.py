"""An attack on one picture as the window follows it: point by point, and able to wait."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.attacks.registry import parameters
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.iterate import Attack, Iterate
from art_segplugin.evaluation.goal import Goal
from art_segplugin.evaluation.runner import random_start
from art_segplugin_gui.session import arrays
from art_segplugin_gui.session.clean_runs import CleanRun, logits_of
from art_segplugin_gui.session.frames import Side, Step
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.state import Attack as Choice

SHOWN_PER_SECOND = 30
"""Points that come faster are not drawn; no eye and no screen would notice them."""


def named_attack(choice: Choice, *, quick: bool = False) -> NamedAttack:
    """The attack that the state describes, `quick` for a single step of the length of the radius.

    Raises:
        InputError: an unknown recipe, or a value outside its range.
    """
    options = {**choice.options, "targeted": choice.goal == "class"}
    known = parameters(choice.recipe)
    if quick and "steps" in known:
        options |= {"steps": 1, "restarts": 1}
        if "step_size" in known:
            options["step_size"] = options.get("eps", known["eps"].default)
    return named(choice.recipe, **options)


def goal_of(choice: Choice) -> Goal:
    """What the state says that the adversary wants."""
    return Goal(choice.from_class, choice.to_class) if choice.goal == "class" else Goal()


@dataclass(frozen=True, eq=False)
class _Point:
    """One visited point, and what the model said about it while its logits are there."""

    iterate: Iterate
    logits: Tensor
    weights: Tensor | None


class AttackRun:
    """One attack on A, beside it B under the same images or under its own attack.

    Args:
        request: what to run; its attack is not None.
        a: the first model's clean run.
        b: the second's, None where there is none.

    Raises:
        InputError: the attack, its goal or its region do not fit the picture.
    """

    def __init__(self, request: Run, a: CleanRun, b: CleanRun | None) -> None:
        assert request.attack is not None
        self.request, self.a, self.b = request, a, b
        self._choice = request.attack
        self._named = named_attack(self._choice, quick=request.quick)
        self._goal = goal_of(self._choice)
        self._attack = self._build(a)
        self.total = self._attack.restarts * (self._attack.steps + 1) - 1
        self._points_a = self._points(a)
        own = b is not None and not request.models.transfer
        self._points_b = self._points(b) if own and b is not None else None
        self._number = -1
        self._seconds = 0.0
        self._shown = -math.inf

    def steps(self, rev: int, pause_at: int | None, token: CancelToken) -> Iterator[Step]:
        """The points that come next, up to number `pause_at`, a pause of the token, or the end."""
        while True:
            started = time.perf_counter()
            point = next(self._points_a, None)
            other = next(self._points_b, None) if self._points_b is not None else None
            if point is None:
                return
            self._seconds += time.perf_counter() - started
            self._number += 1
            last = self._number >= self.total
            waits = token.paused or (pause_at is not None and self._number >= pause_at)
            # Restarts may end early or be uneven: `total` says what is to be expected.
            if last or waits or time.perf_counter() - self._shown >= 1 / SHOWN_PER_SECOND:
                yield self._step(rev, point, other, answer=last)
                self._shown = time.perf_counter()
            if waits and not last:
                return

    @property
    def ended(self) -> bool:
        """Whether the last point was seen."""
        return self._number >= self.total

    def close(self) -> None:
        """Leave the attack's loops now, not at garbage collection."""
        self._points_a.close()
        if self._points_b is not None:
            self._points_b.close()

    def _build(self, run: CleanRun) -> Attack:
        return self._named.build(ignore_index=run.loaded.model.ignore_index)

    def _points(self, run: CleanRun) -> Generator[_Point, None, None]:
        model = run.loaded.model
        self._goal.check(model.classes or 0, run.reference)
        labels = self._goal.labels(run.reference, model.ignore_index)
        iterates = self._build(run).iterates(
            model,
            run.x,
            labels,
            mask=self._mask(run),
            generator=random_start(self._choice.seed, 0, run.x.device),
        )
        return _watched(iterates)

    def _mask(self, run: CleanRun) -> Tensor | None:
        """Where the picture may be changed (1, h, w)."""
        if self._choice.region == "class":
            return run.reference == self._choice.region_class
        if self._choice.region == "painted" and self.request.mask is not None:
            return torch.tensor(self.request.mask, device=run.x.device).unsqueeze(0)
        return None

    def _step(self, rev: int, point: _Point, other: _Point | None, *, answer: bool) -> Step:
        iterate = point.iterate
        a = self._side(self.a, point, answer=answer)
        b = None
        if other is not None and self.b is not None:
            b = self._side(self.b, other, answer=answer)
        elif self.b is not None:
            x_adv = iterate.best if answer else iterate.x_adv
            b = self._scored(self.b, x_adv, logits_of(self.b.loaded, x_adv), None)
        seconds = self._seconds / (self._number + 1)
        return Step(rev, self._number, self.total, a, b, seconds, answer)

    def _side(self, run: CleanRun, point: _Point, *, answer: bool) -> Side:
        x_adv, best = point.iterate.x_adv, point.iterate.best
        if answer and best is not x_adv and not torch.equal(best, x_adv):
            return self._scored(run, best, logits_of(run.loaded, best), None)
        return self._scored(run, x_adv, point.logits, point.weights)

    def _scored(self, run: CleanRun, x_adv: Tensor, logits: Tensor, weights: Tensor | None) -> Side:
        distance = self._attack.threat_model.distance(x_adv, run.x)
        void = run.loaded.model.ignore_index
        return arrays.side(logits, run.reference, void, x_adv, run.x, weights, distance)


def _watched(iterates: Iterator[Iterate]) -> Generator[_Point, None, None]:
    """Hold on to what is freed when the attack goes on."""
    with closing(iterates):  # type: ignore[type-var]
        for iterate in iterates:
            forward = iterate.forward
            assert isinstance(forward, ForwardPass)
            assert forward.logits is not None
            yield _Point(iterate, forward.logits, forward.weights)
