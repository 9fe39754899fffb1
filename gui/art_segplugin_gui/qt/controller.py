"""From changes of the state to requests, and from what comes back to what is on screen."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.worker import QUEUED, Start, Worker
from art_segplugin_gui.session.clip_request import ClipRequest
from art_segplugin_gui.session.display import DisplayState, Trace
from art_segplugin_gui.session.forms import norm_name
from art_segplugin_gui.session.frames import (
    Clean,
    Event,
    Faded,
    Failed,
    Idle,
    Progress,
    SourceFrame,
    Step,
    Stopped,
)
from art_segplugin_gui.session.painted import Mask
from art_segplugin_gui.session.request import Fade, Run
from art_segplugin_gui.session.session import Session, StateDiff, with_source
from art_segplugin_gui.session.sources.base import SourceInfo
from art_segplugin_gui.session.state import Attack, Models, State

SETTLE_MS = 150
"""After the last change of a drag, the full attack waits so long."""


class AttackController(QObject):
    """Knows the state, the threads, the run of now and what is on screen; draws nothing itself.

    What comes back from the worker goes to the handlers of its type, if it is of what was asked for
    last; others may add theirs. What stays on screen is decided by `DisplayState.fitted` alone.

    Args:
        session: the state.
        source: the thread that reads pictures.
        start: makes the engine of a worker, in the worker's thread.
        parent: owner.

    Signals:
        shown_changed: something else is to be drawn, with the DisplayState.
        source_opened: another source, with its SourceInfo.
        ready: a worker has started, with its Ready.
        restarted: a new run begins, with its Run; stored points are of the past.
        stepped: each new point, a Step, for curves.
        running: whether something runs.
        idle: nothing more comes.
        told: one line on what is waited for, and the share that is done or -1.
        failed: a sentence and the details.
        warned: a sentence.
        mask_changed: the painted region, bool (h, w); None for none.
        held_changed: whether a clip is attacked, so that no run starts; see `hold`.
    """

    shown_changed = Signal(object)
    source_opened = Signal(object)
    ready = Signal(object)
    restarted = Signal(object)
    stepped = Signal(object)
    running = Signal(bool)
    idle = Signal()
    told = Signal(str, float)
    failed = Signal(str, str)
    warned = Signal(str)
    mask_changed = Signal(object)
    held_changed = Signal(bool)

    def __init__(
        self, session: Session, source: SourceThread, start: Start, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.source = session, source
        self.shown = DisplayState(share=session.state.view.fade)
        self.trace = Trace()
        self.request: Run | None = None
        self.paused = False  # the run can be resumed
        self.looking_at: int | None = None
        self.held = False
        self.dragging = False
        self.playing = False
        self.handlers: dict[type[Event], list[Callable[[Any], object]]] = {
            Clean: [self._clean_came],
            Step: [self._step_came],
            Faded: [self._fade_came],
            Progress: [self._progress_came],
            Failed: [self._failure_came],
            Stopped: [],  # Idle follows
            Idle: [self._idle_came],
        }
        self._start = start
        self._rev = 0
        self._attacking = False
        self._undrawn: Step | None = None  # the newest of the points that came together
        self._faded_for: tuple[Step | None, float] | None = None
        self._opened: SourceInfo | None = None
        self._opened_index = 0  # of the newest picture of that source
        self._following = False  # the state follows a picture that has come
        self._moved = False  # a picture has come since it plays
        self._again = False
        self._abandoned: list[Worker] = []
        self.worker = self._new_worker()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._run_due)
        session.listeners.append(self._changed)
        source.opened.connect(self._source_opened)
        source.failed.connect(self._source_failed)
        source.frame.connect(self._frame_came)
        source.playing.connect(self._plays)

    def start(self) -> None:
        """Begin with the picture that the state names."""
        self.worker.start()
        self.reopen()

    @property
    def count(self) -> int | None:
        """Number of pictures of the source; None where nobody knows."""
        return None if self._opened is None else self._opened.count

    @property
    def mask(self) -> Mask | None:
        """The painted region, bool (h, w), if it is of the size of the picture on screen."""
        return self.shown.fitting(self.session.state.attack.painted)

    @property
    def attacking(self) -> bool:
        """Whether points of an attack are still to come."""
        return self._attacking and self.worker.busy

    @property
    def newest(self) -> int:
        """Number of the newest point; -1 if there is none."""
        return -1 if self.trace.newest is None else self.trace.newest.number

    # What the user asks for.

    def run(self, pause_at: int | None = None) -> None:
        """Attack from the start, to the end or to a point."""
        self._submit(self.session.state.attack, pause_at=pause_at)

    def run_to(self, number: int) -> None:
        """Attack until that point and wait there; resumes the run that waits if it can."""
        if self.paused and self.newest < number:
            self.resume(number)
        else:
            self.run(number)

    def step(self) -> None:
        """One point more: of the run that waits, of the one that runs, or of a new one."""
        if self.paused:
            self.resume(self.newest + 1)
        elif self.attacking:
            self.worker.pause()
        else:
            self.run(1)

    def stop(self) -> None:
        """Stop what runs; what is on screen stays."""
        self._settle.stop()
        if self.playing:
            self.source.pause()
        self.worker.cancel()

    def look_at(self, number: int | None) -> None:
        """Show a stored point again, the newest for None."""
        step = self.trace.newest if number is None else self.trace.nearest(number)
        self.looking_at = None if step is None or number is None else step.number
        if step is not None:
            self.show(step=step)
            self._fade()

    def play(self) -> None:
        """Show one picture after the other, each after one quick step of the attack."""
        if self.held or self.count == 1:
            return
        source = self.session.state.source
        self.source.play(source.first, source.last, source.loop)
        self.source.ready()

    def pause(self) -> None:
        """Stay at the picture on screen, and attack it with all steps."""
        self.source.pause()

    def reopen(self) -> None:
        """Open the source of the state, again if need be, for instance a camera that was lost."""
        source = self.session.state.source
        self.source.open(source.spec, source.longest_side, source.index)

    def hold(self, on: bool) -> None:
        """Start no run, whatever changes, while a clip is attacked; afterwards run what is due."""
        self.held = on
        self.looking_at = None
        if not on and self.shown.frame is not None:
            self.show(note="", step=None)
            self._follow(self.shown.frame.index)  # the last picture of the clip stays
            self.source.show(self.shown.frame.index)  # it runs when the source has it
        self.held_changed.emit(on)

    def restart_worker(self) -> None:
        """Leave a stuck worker alone and begin with a new one; a clip is not resumed.

        The models are loaded again. Nothing more comes of what ran: that is said at once, as the
        worker would have.
        """
        held = self.held
        self._leave()
        self.worker.close(timeout=0.0)
        self._abandoned.append(self.worker)
        self.worker = self._new_worker()
        self.worker.start()
        self._rest(paused=False)
        if not held:  # else what is due begins with the end of the clip
            self.run()

    def close(self) -> bool:
        """Stop all threads; False if one is stuck."""
        self._settle.stop()
        self.session.listeners.remove(self._changed)
        self._leave()
        ended = self.worker.close()
        others = [worker.close(timeout=0.0) for worker in self._abandoned]
        self._next_rev()  # what has come already is for nobody
        self.trace.clear()
        self.request = None
        self.source.close()
        self.shown = DisplayState()
        return ended and all(others)

    # Requests.

    def attack(
        self,
        frame: SourceFrame,
        models: Models,
        attack: Attack | None,
        *,
        quick: bool = False,
        pause_at: int | None = None,
    ) -> None:
        """Begin a run; what runs now is cancelled. See `request.Run` for the arguments."""
        self.trace.clear()
        rev = self._next_rev()
        self._send(Run(rev, frame, models, attack, quick, pause_at, number=rev))
        self.restarted.emit(self.request)

    def resume(self, pause_at: int | None) -> None:
        """Go on with the run that waits."""
        assert self.request is not None
        self._send(replace(self.request, rev=self._next_rev(), pause_at=pause_at, resume=True))

    def attack_clip(self, request: ClipRequest) -> None:
        """Attack a range of pictures."""
        self.paused = self._attacking = False
        self.trace.clear()  # its points are of no picture that is on show from now on
        self.running.emit(True)
        self.worker.submit(replace(request, rev=self._next_rev()))

    def _send(self, request: Run) -> None:
        self.request, self.paused = request, False
        self._attacking = request.attack is not None
        self.running.emit(True)
        self.worker.submit(request)

    def _submit(
        self, attack: Attack | None, *, quick: bool = False, pause_at: int | None = None
    ) -> None:
        self._settle.stop()
        self._again = False
        self.looking_at = None
        if self.shown.frame is not None and not self.held:
            models = self.session.state.models
            self.attack(self.shown.frame, models, attack, quick=quick, pause_at=pause_at)

    def _fade(self) -> None:
        """Ask for label maps at the strength that is wanted; during a run, its end asks again."""
        shown = self.shown
        step, frame, identity = shown.step, shown.frame, shown.identity
        if step is None or frame is None or shown.share == 1 or self.attacking or self.held:
            return
        if identity is None or identity.attack is None:
            return
        self._faded_for = (step, shown.share)
        assert step.a.exact is not None
        exact_b = None if step.b is None else step.b.exact
        norm = float(norm_name(identity.attack.options.get("norm", "inf")).removeprefix("L"))
        self._attacking = False
        self.worker.submit(
            Fade(
                self._next_rev(),
                frame,
                identity.models,
                shown.share,
                step.a.exact,
                exact_b,
                norm,
                identity,
                step.number,
            )
        )

    @property
    def _due(self) -> Attack | None:
        """What is to be run without being asked for; None for the clean prediction only."""
        attack = self.session.state.attack
        painted = self.mask is not None or attack.region != "painted"
        return attack if attack.auto and painted else None

    def _run_due(self) -> None:
        if (due := self._due) is not None:
            self._submit(due)

    def _next_rev(self) -> int:
        self._rev += 1
        return self._rev

    # The state changes.

    def _changed(self, before: State, after: State) -> None:
        diff = StateDiff.of(before, after)
        if before.attack.painted != after.attack.painted:
            self.mask_changed.emit(self.mask)
        self.show()
        if diff.open:
            self.reopen()
        elif diff.picture and not self._following:
            if not self.held:  # its picture goes; it would only hold up reading the next
                self.worker.cancel()
            self.source.show(after.source.index)
        elif diff.models:
            self._submit(self._due)
        elif diff.attack:
            self._attack_changed()
        if diff.fade:
            self._fade()

    def _attack_changed(self) -> None:
        self.paused = False
        if self._due is None:
            return
        if self.dragging:
            self._attack_quickly()
        self._settle.start()

    def _attack_quickly(self) -> None:
        """One quick step for where the slider is now; a quick step that runs may end before.

        A slider moves faster than a step ends: were each cancelled by the next, none would be seen.
        """
        self._again = self.request is not None and self.request.quick and self.attacking
        if not self._again:
            self._submit(self._due, quick=True)

    def _follow(self, index: int) -> None:
        self._following = True
        self.session.follow(with_source(self.session.state, index=index))
        self._following = False

    # The source has something.

    def _source_opened(self, info: SourceInfo) -> None:
        self._opened = info
        self.source_opened.emit(info)

    def _source_failed(self, text: str) -> None:
        """Go back to what is open still, if it was the opening that failed."""
        broken = self.session.state.source.spec
        if self._opened is not None and self._opened.spec != broken:
            spec, index = self._opened.spec, self._opened_index
            self.session.follow(with_source(self.session.state, spec=spec, index=index))
            self.session.forget(lambda old: old.source.spec == broken)
        self.failed.emit(text, "")

    def _frame_came(self, frame: SourceFrame) -> None:
        self._moved = True
        self._opened_index = frame.index
        self.show(frame=frame)
        if frame.warning:
            self.warned.emit(frame.warning)
        if frame.index != self.session.state.source.index:  # it plays, or has fewer pictures
            self._follow(frame.index)
        self._submit(self._due, quick=self.playing)

    def _plays(self, on: bool) -> None:
        self.playing = on
        if not on and self._moved and self._due is not None:
            self._settle.start()  # all steps for the picture that stays
        self._moved = False

    # The worker has something.

    def _events_came(self) -> None:
        """Hand on what is of the newest request, or of the worker itself.

        Points that came together are all kept and charted, but only the last is drawn.
        """
        for event in self.worker.take():
            if event.rev not in (0, self._rev):
                continue
            if type(event) is not Step:
                self._draw_newest()
            for handler in self.handlers[type(event)]:
                handler(event)
        self._draw_newest()

    def _step_came(self, step: Step) -> None:
        self.trace.add(step)
        self.stepped.emit(step)
        self._undrawn = step

    def _draw_newest(self) -> None:
        step, self._undrawn = self._undrawn, None
        if step is not None and self.looking_at is None:
            self.show(step=step)

    def _clean_came(self, clean: Clean) -> None:
        self.show(clean=clean, note="")
        if clean.warning:
            self.warned.emit(clean.warning)

    def _fade_came(self, faded: Faded) -> None:
        self.show(faded=faded)

    def _progress_came(self, progress: Progress) -> None:
        self.told.emit(progress.text, -1.0 if progress.share is None else progress.share)

    def _failure_came(self, failed: Failed) -> None:
        self.failed.emit(failed.text, failed.details)

    def _idle_came(self, idle: Idle) -> None:
        self._rest(idle.paused)

    def _rest(self, paused: bool) -> None:
        self.paused, self._attacking = paused, False
        self.running.emit(False)
        self.told.emit("", -1.0)
        self.idle.emit()
        if self.playing:
            self.source.ready()
        elif self._again and self.dragging:
            self._attack_quickly()
            self._settle.start()
        elif self.shown.faded is None and self._faded_for != (self.shown.step, self.shown.share):
            self._fade()  # once: a model that fails is not asked for ever

    def _new_worker(self) -> Worker:
        worker = Worker(self._start, self)
        worker.arrived.connect(self._events_came, QUEUED)
        worker.ready.connect(self.ready, QUEUED)
        return worker

    def _leave(self) -> None:
        self.worker.arrived.disconnect(self._events_came)

    def show(self, **changes: object) -> None:
        """Show something else in the fields of DisplayState that are given, and what fits them."""
        mask, before = self.mask, self.shown
        changed = replace(before, **changes) if changes else before  # type: ignore[arg-type]
        self.shown = changed.fitted(self.session.state)
        if not changes and self.shown is before:
            return
        if self.mask is not mask:
            self.mask_changed.emit(self.mask)
        self.shown_changed.emit(self.shown)
