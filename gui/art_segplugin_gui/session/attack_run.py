"""An attack on one picture as the window follows it: point by point, and able to wait."""

import math
import time
from collections.abc import Generator, Iterator

from torch import Tensor

from art_segplugin.core.iterate import Iterate
from art_segplugin.evaluation.attack_plan import shown
from art_segplugin.evaluation.picture import finite_logits
from art_segplugin_gui.session.arrays import Adversarial, side
from art_segplugin_gui.session.clean_runs import CleanRun
from art_segplugin_gui.session.frames import Side, Step
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.plan import plan_of
from art_segplugin_gui.session.request import Run

SHOWN_PER_SECOND = 30
"""Points that come faster are not drawn; no eye and no screen would notice them."""


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
        self._plan = plan_of(request.attack, quick=request.quick, painted=request.mask is not None)
        attack = self._plan.build(a.clean)
        self._threat_model = attack.threat_model
        self.total = attack.restarts * (attack.steps + 1) - 1
        self._points_a = self._points(a)
        own = b is not None and not request.models.transfer
        self._points_b = self._points(b) if own and b is not None else None
        self._weights: dict[str, Tensor] = {}
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
            self._weigh(self.a, point)
            self._weigh(self.b, other)
            self._number += 1
            last = self._number >= self.total
            waits = token.paused or (pause_at is not None and self._number >= pause_at)
            # Restarts may end early or be uneven: `total` says what is to be expected.
            if last or waits or time.perf_counter() - self._shown >= 1 / SHOWN_PER_SECOND:
                yield self._step(rev, point, other, answer=last)
                self._shown = time.perf_counter()
            if waits and not last:
                return
            point = other = None  # their logits' memory is what the next forward pass needs

    def _weigh(self, run: CleanRun | None, point: Iterate | None) -> None:
        """Keep the weights of the newest step: the last point has none of its own."""
        if run is None or point is None or point.forward is None:
            return
        if point.forward.weights is not None:
            self._weights[run.loaded.spec] = point.forward.weights

    @property
    def ended(self) -> bool:
        """Whether the last point was seen."""
        return self._number >= self.total

    def close(self) -> None:
        """Leave the attack's loops now, not at garbage collection."""
        self._points_a.close()
        if self._points_b is not None:
            self._points_b.close()

    def _points(self, run: CleanRun) -> Generator[Iterate, None, None]:
        iterates = self._plan.iterates(run.clean, self.request.mask, self.request.frame.index)
        assert isinstance(iterates, Generator), "so it can be closed"
        return iterates

    def _step(self, rev: int, point: Iterate, other: Iterate | None, *, answer: bool) -> Step:
        x_adv, logits = shown(self.a.clean, point, answer=answer)
        adversarial = Adversarial.of(x_adv, self.a.clean.x)
        a = self._scored(self.a, x_adv, logits, adversarial, point)
        b = None
        if other is not None and self.b is not None:
            x_adv, logits = shown(self.b.clean, other, answer=answer)
            adversarial = Adversarial.of(x_adv, self.b.clean.x)
            b = self._scored(self.b, x_adv, logits, adversarial, other)
        elif self.b is not None:
            logits = finite_logits(self.b.loaded.model, x_adv)
            b = self._scored(self.b, x_adv, logits, adversarial, None)
        seconds = self._seconds / (self._number + 1)
        return Step(rev, self._number, self.total, a, b, seconds, answer)

    def _scored(
        self,
        run: CleanRun,
        x_adv: Tensor,
        logits: Tensor,
        adversarial: Adversarial,
        point: Iterate | None,
    ) -> Side:
        """One model on an adversarial image; `point` is where its own attack is."""
        clean = run.clean
        weights = None if point is None else self._weights[run.loaded.spec]
        distance = self._threat_model.distance(x_adv, clean.x)
        void = run.loaded.model.ignore_index
        return side(
            logits, clean.reference, void, adversarial, weights, distance, run.side.reference
        )
