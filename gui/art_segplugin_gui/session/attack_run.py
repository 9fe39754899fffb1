"""Clean predictions, and an attack on one picture as the window follows it: point by point, able to wait."""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor

from art_segplugin.core.ensemble import points_of
from art_segplugin.core.iterate import Iterate
from art_segplugin.evaluation.pipeline import (
    Clean,
    clean_picture,
    finite_logits,
    image_batch,
    shown,
)
from art_segplugin_gui.session.arrays import Adversarial, side
from art_segplugin_gui.session.frames import Prediction, SourceFrame, Step
from art_segplugin_gui.session.jobs import CancelToken, Prefetcher, next_of_each
from art_segplugin_gui.session.label_names import usable_labels
from art_segplugin_gui.session.model_cache import LoadedModel
from art_segplugin_gui.session.plan import plan_of
from art_segplugin_gui.session.request import Run

if TYPE_CHECKING:
    from concurrent.futures import Future

SHOWN_PER_SECOND = 30
"""Points that come faster are not drawn; no eye and no screen would notice them."""


@dataclass(frozen=True, eq=False)
class CleanRun:
    """One model on one picture.

    Attributes:
        loaded: the model.
        frame: the picture.
        clean: the model's logits for it, and what counts as right.
        side: what the window shows.
    """

    loaded: LoadedModel
    frame: SourceFrame
    clean: Clean
    side: Prediction


class CleanRuns:
    """The last clean prediction of each model."""

    def __init__(self) -> None:
        self._runs: dict[str, CleanRun] = {}

    def get(self, loaded: LoadedModel, frame: SourceFrame) -> CleanRun:
        """The model's prediction for the picture, computed once.

        Raises:
            InputError: the model does not take the picture, or gives NaN.
        """
        run = self._runs.get(loaded.spec)
        if run is None or run.frame is not frame or run.loaded is not loaded:
            run = self._runs[loaded.spec] = _clean_run(loaded, frame)
        return run

    def keep_only(self, *specs: str) -> None:
        """Forget the models that are not on show."""
        self._runs = {spec: run for spec, run in self._runs.items() if spec in specs}


def _clean_run(loaded: LoadedModel, frame: SourceFrame) -> CleanRun:
    loaded.validate(image_batch(frame.image, loaded.device))
    labels, warning = usable_labels(loaded.palette[0], frame, loaded.reduces_labels)
    clean = clean_picture(loaded.model, frame.image, labels, frame.name, warning)
    return CleanRun(loaded, frame, clean, side(clean, clean.logits, frame.image))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is kept of a point when the attack goes on: the attack frees its logits.

    Attributes:
        x_adv: where the attack was, (1, 3, h, w).
        logits: what the model said, (1, c, h, w).
        weights: how much each pixel counted in the newest step, (1, h, w).
    """

    x_adv: Tensor
    logits: Tensor
    weights: Tensor | None


class AttackRun:
    """One attack on A, beside it B under the same images or under its own attack.

    While a point is drawn, the next one is computed in a thread beside; nothing is computed while
    the run waits.

    Args:
        request: what to run; its attack is not None.
        a: the first model's clean run.
        b: the second's, None where there is none; under transfer it may be set later.
        ahead: the thread beside.

    Raises:
        InputError: the attack, its goal or its region do not fit the picture.
    """

    def __init__(self, request: Run, a: CleanRun, b: CleanRun | None, ahead: Prefetcher) -> None:
        assert request.attack is not None
        self.request, self.a, self.b = request, a, b
        self._plan = plan_of(request.attack, quick=request.quick)
        attack = self._plan.build(a.clean)
        self._threat_model = attack.threat_model
        self.total = points_of(attack) - 1
        attacked = [a] if b is None or request.models.transfer else [a, b]
        self._points = [self._iterates(run) for run in attacked]
        self._weights: list[Tensor | None] = [None for _ in attacked]
        self._ahead = ahead
        self._next: Future[tuple[list[Iterate], float]] | None = None
        self._number = -1
        self._seconds = 0.0  # that the points took
        self._shown = -math.inf

    def steps(self, rev: int, pause_at: int | None, token: CancelToken) -> Iterator[Step]:
        """The points that come next, up to number `pause_at`, a pause of the token, or the end."""
        while not self.ended:
            if self._next is None:
                self.begin()
            assert self._next is not None
            (points, seconds), self._next = self._next.result(), None
            self._number, self._seconds = self._number + 1, self._seconds + seconds
            waits = token.paused or (pause_at is not None and self._number >= pause_at)
            seen = [self._seen(place, point) for place, point in enumerate(points)]
            del points
            if not waits and not self.ended:
                self.begin()
            due = time.perf_counter() - self._shown >= 1 / SHOWN_PER_SECOND
            if due or waits or self.ended:
                yield self._step(rev, seen)
                self._shown = time.perf_counter()
            if waits:
                return

    def begin(self) -> None:
        """Compute the next point beside, while something else is to be done."""
        self._next = self._ahead.start(partial(next_of_each, self._points))

    @property
    def ended(self) -> bool:
        """Whether the last point was seen."""
        return self._number >= self.total

    def close(self) -> None:
        """Leave the attack's loops now, not at garbage collection; waits for what runs beside."""
        if self._next is not None:
            self._next.exception()
        for points in self._points:
            points.close()

    def _iterates(self, run: CleanRun) -> Generator[Iterate, None, None]:
        attack, index = self.request.attack, self.request.frame.index
        assert attack is not None
        iterates = self._plan.iterates(run.clean, attack.mask, index)
        assert isinstance(iterates, Generator), "so it can be closed"
        return iterates

    def _seen(self, place: int, point: Iterate) -> _Seen:
        run = self.a if place == 0 or self.b is None else self.b
        if point.forward is not None and point.forward.weights is not None:
            self._weights[place] = point.forward.weights  # the last point has none of its own
        return _Seen(*shown(run.clean, point, answer=self.ended), self._weights[place])

    def _step(self, rev: int, seen: Sequence[_Seen]) -> Step:
        first = Adversarial.of(seen[0].x_adv, self.a.clean.x)
        a = self._scored(self.a, seen[0], first)
        b = None
        if self.b is not None and len(seen) > 1:
            b = self._scored(self.b, seen[1], Adversarial.of(seen[1].x_adv, self.b.clean.x))
        elif self.b is not None:
            logits = finite_logits(self.b.loaded.model, seen[0].x_adv)
            b = self._scored(self.b, _Seen(seen[0].x_adv, logits, None), first)
        pace = self._seconds / (self._number + 1)
        return Step(rev, self._number, self.total, a, b, pace, self.ended)

    def _scored(self, run: CleanRun, seen: _Seen, adversarial: Adversarial) -> Prediction:
        return side(
            run.clean,
            seen.logits,
            adversarial,
            seen.weights,
            self._threat_model.distance(seen.x_adv, run.clean.x),
            run.side.reference,
            self._plan.goal,
        )
