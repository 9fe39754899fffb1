"""From a request to what the window shows, as a generator of events."""

import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial, wraps
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from art_segplugin.data.labels import LabelRule
from art_segplugin.errors import InputError, ModelError
from art_segplugin.evaluation.pipeline import ANY_WRONG, faded, finite_logits
from art_segplugin.files import keep_traceback
from art_segplugin.models import Segmenter, load_model, shipped
from art_segplugin.models.downloads import DOWNLOADS
from art_segplugin_gui.session.arrays import Adversarial, side
from art_segplugin_gui.session.attack_forms import attack_forms
from art_segplugin_gui.session.attack_run import AttackRun, CleanRun, CleanRuns
from art_segplugin_gui.session.clip_request import ClipRequest
from art_segplugin_gui.session.frames import (
    Clean,
    Event,
    Faded,
    Failed,
    Idle,
    Prediction,
    Progress,
    Stopped,
)
from art_segplugin_gui.session.identity import Hashes
from art_segplugin_gui.session.jobs import Cancelled, CancelToken, Prefetcher
from art_segplugin_gui.session.model_cache import ModelCache
from art_segplugin_gui.session.plan import goal_of
from art_segplugin_gui.session.ready import Ready
from art_segplugin_gui.session.request import Fade, Run
from art_segplugin_gui.session.sources.opening import open_source
from art_segplugin_gui.session.state import Models

AnyRequest = TypeVar("AnyRequest", Run, Fade, ClipRequest)
Answer = Callable[["Engine", AnyRequest, CancelToken], Iterator[Event]]


def _to_its_end(answer: Answer[AnyRequest]) -> Answer[AnyRequest]:
    """Let an answer end with Idle; whatever goes wrong is an event too, never an exception."""

    @wraps(answer)
    def events(engine: "Engine", request: AnyRequest, token: CancelToken) -> Iterator[Event]:
        try:
            yield from answer(engine, request, token)
        except Cancelled:
            yield Stopped(request.rev)
        except ModelError as error:
            kept = keep_traceback(error)
            where = "" if kept is None else f" The traceback is in {kept}."
            yield Failed(request.rev, f"{_models(request)}: {error}{where}", traceback.format_exc())
        except InputError as error:
            yield Failed(request.rev, str(error))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            yield Failed(
                request.rev,
                "The graphics card has no memory left for this picture; choose a smaller working "
                "size, or fewer models.",
            )
        except (Exception, SystemExit) as error:  # a model may raise anything; the window lives on
            yield Failed(request.rev, _sentence(_models(request), error), traceback.format_exc())
        finally:
            engine.models.current.token = None  # hooks may outlive the request, in a shared network
        yield Idle(request.rev, paused=engine.paused)

    return events


class Engine:
    """Holds the models and the run that waits; used by one thread.

    Args:
        device: where the models run.
        load: loads a model by its spec.
        rule: how label maps beside images are read, where somebody said it.
    """

    def __init__(
        self,
        device: str = "cpu",
        load: Callable[[str], Segmenter] = load_model,
        rule: LabelRule | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.models = ModelCache(self.device, load)
        self._open = partial(open_source, rule=rule)
        self._clean = CleanRuns()
        self._waiting: AttackRun | None = None
        self._prefetcher = Prefetcher()

    @property
    def paused(self) -> bool:
        """Whether a run can be resumed."""
        return self._waiting is not None

    def close(self) -> None:
        """Let go of the run that waits, and end the thread beside."""
        self._forget_waiting()
        self._prefetcher.close()

    @_to_its_end
    def attack(self, request: Run, token: CancelToken) -> Iterator[Event]:
        """Predict, then attack; or go on with the run that waits."""
        try:
            waiting = self._waiting
            if waiting and request.resume and waiting.request.identity == request.identity:
                self.models.current.token = token
                yield from self._steps(waiting, request, token)
            else:
                yield from self._new_run(request, token)
        except BaseException:  # one that was left in the middle cannot be resumed
            self._forget_waiting()
            raise

    def _new_run(self, request: Run, token: CancelToken) -> Iterator[Event]:
        self._forget_waiting()
        yield from self._loading(request, token)
        a = self._clean_a(request, token)
        run, problem = self._begun(request, a)
        b, warning = self._clean_b(request, a, token)
        token.check()
        names, colours = a.loaded.palette
        warning = " ".join(filter(None, (request.frame.warning, a.clean.warning, warning)))
        yield Clean(
            request.rev,
            a.clean.labelled,
            a.side,
            None if b is None else b.side,
            names,
            colours,
            warning,
            request.identity.loaded(_hashes(a, b)),
        )
        if problem is not None:
            raise problem
        if request.attack is not None:
            if run is None:
                run = AttackRun(request, a, b, self._prefetcher)
            run.b = b
            yield from self._steps(run, request, token)

    def _begun(self, request: Run, a: CleanRun) -> tuple[AttackRun | None, InputError | None]:
        """The attack on A, which B need not be waited for unless it is attacked as well.

        What is wrong with it is returned: the clean predictions are shown in any case.
        """
        if request.attack is None or (request.models.b is not None and not request.models.transfer):
            return None, None
        try:
            self._waiting = AttackRun(request, a, None, self._prefetcher)
        except InputError as error:
            return None, error
        self._waiting.begin()
        return self._waiting, None

    def _steps(self, run: AttackRun, request: Run, token: CancelToken) -> Iterator[Event]:
        self._waiting = run
        identity = request.identity.loaded(_hashes(run.a, run.b))
        for step in run.steps(request.rev, request.pause_at, token):
            yield replace(step, identity=identity)
            token.check()
        if run.ended:
            self._forget_waiting()

    def _loading(self, request: Run | Fade, token: CancelToken) -> Iterator[Progress]:
        """Load what is not there yet, and say so before."""
        for spec in filter(None, (request.models.a, request.models.b)):
            if not self.models.holds(spec):
                yield Progress(request.rev, f"loading {spec}")
                for share in self.models.load(spec):
                    token.check()
                    yield Progress(request.rev, f"loading {spec}", share)

    def _clean_a(self, request: Run | Fade, token: CancelToken) -> CleanRun:
        """The first model on the picture."""
        models = request.models
        self._clean.keep_only(*filter(None, (models.a, models.b)))
        return self._clean.get(self.models.get(models.a, token), request.frame)

    def _clean_b(
        self, request: Run | Fade, a: CleanRun, token: CancelToken
    ) -> tuple[CleanRun | None, str]:
        """The second model on the picture; why it is not there, in one sentence."""
        models = request.models
        if models.b is None:
            return None, ""
        try:
            b = self._clean.get(self.models.get(models.b, token), request.frame)
        except Cancelled:
            raise
        except (Exception, SystemExit) as error:  # A can still be shown
            why = str(error) if isinstance(error, InputError) else _sentence(models.b, error)
            return None, f"{models.b} is not compared: {why}"
        if warning := _not_comparable(models, a, b):
            return None, warning
        return b, ""

    @_to_its_end
    def fade(self, request: Fade, token: CancelToken) -> Iterator[Event]:
        """Predict for an adversarial image at another strength; a run that waits still does."""
        yield from self._loading(request, token)
        a = self._clean_a(request, token)
        b, _ = self._clean_b(request, a, token)
        side_a = self._faded(a, request, request.exact_a)
        token.check()
        exact_b = request.exact_b
        side_b = None if b is None or exact_b is None else self._faded(b, request, exact_b)
        yield Faded(request.rev, request.share, side_a, side_b, request.identity, request.number)

    def _faded(self, run: CleanRun, request: Fade, exact: NDArray[np.float32]) -> Prediction:
        clean = run.clean
        whole = torch.tensor(exact, device=clean.x.device).unsqueeze(0)
        x_adv = faded(clean.x, whole, request.share)
        distance = torch.linalg.vector_norm((x_adv - clean.x).flatten(1), ord=request.norm, dim=1)
        return side(
            clean,
            finite_logits(clean.model, x_adv),
            Adversarial.of(x_adv, clean.x),
            None,
            distance,
            run.side.reference,
            ANY_WRONG if request.identity.attack is None else goal_of(request.identity.attack),
        )

    @_to_its_end
    def attack_clip(self, request: ClipRequest, token: CancelToken) -> Iterator[Event]:
        """Attack a range of images; see `clip.clip_events`."""
        # Drawing and writing need matplotlib, which the first picture shall not wait for.
        from art_segplugin_gui.session.clip import clip_events

        self._forget_waiting()
        yield from clip_events(self.models, self._open, request, token)

    def _forget_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None


def start_engine(
    threads: int | None = None, device: str | None = None, rule: LabelRule | None = None
) -> tuple[Engine, Ready]:
    """The engine, and what there is to choose from.

    Args:
        threads: of torch; by default one core is left to the window.
        device: where models run; by default the graphics card if there is one.
        rule: how label maps beside images are read, where somebody said it.
    """
    torch.set_num_threads(threads or max((os.cpu_count() or 2) - 1, 1))
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    ready = Ready(attack_forms(), (*shipped(), *DOWNLOADS), name, torch.get_num_threads())
    return Engine(name, rule=rule), ready


def _hashes(a: CleanRun, b: CleanRun | None) -> Hashes:
    return a.loaded.sha256, None if b is None else b.loaded.sha256


def _not_comparable(models: Models, a: CleanRun, b: CleanRun) -> str:
    """Why B cannot stand beside A; empty where it can."""
    ours, theirs = a.loaded.palette[0], b.loaded.palette[0]
    if len(ours) != len(theirs):
        return (
            f"{models.b} has {len(theirs)} classes and {models.a} has {len(ours)}: they are not "
            "compared; choose models of the same classes."
        )
    if ours != theirs:
        return (
            f"{models.b} has other classes than {models.a} ({', '.join(theirs[:3])}, ... instead of "
            f"{', '.join(ours[:3])}, ...): they are not compared."
        )
    if a.clean.labelled != b.clean.labelled:
        return f"{models.b} is not compared: {b.clean.warning or a.clean.warning}"
    return ""


def _models(request: Run | Fade | ClipRequest) -> str:
    return " or ".join(filter(None, (request.models.a, request.models.b)))


def _sentence(models: str, error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{models} failed with {type(error).__name__}: {text or 'no message'}."
