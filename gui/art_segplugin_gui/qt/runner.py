"""Hands requests to the worker and sorts what comes back: only what is asked for now counts."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.worker import QUEUED, Start, Worker
from art_segplugin_gui.session.clip_request import AnyEvent, ClipDone, ClipFrame, ClipRequest
from art_segplugin_gui.session.frames import (
    Clean,
    Faded,
    Failed,
    Idle,
    SourceFrame,
    Step,
    Told,
)
from art_segplugin_gui.session.request import Fade, Run
from art_segplugin_gui.session.state import Attack, Models
from art_segplugin_gui.session.trace import Trace


class Runner(QObject):
    """Knows the run of now: its request, its stored points, and whether it waits.

    Args:
        start: makes the engine of a worker, in the worker's thread.
        parent: owner.

    Signals:
        ready: a worker has started, with its Ready.
        restarted: a new run begins, with its Run; stored points are of the past.
        clean: predictions for the picture, a Clean.
        stepped: each new point, a Step, for curves.
        reached: the newest of the points that came together, a Step, to be drawn.
        faded: a Faded.
        running: whether something runs.
        idle: nothing more comes.
        told: one line on what is waited for, and the share that is done or -1.
        failed: a sentence and the details.
        clip_event: a ClipFrame or the ClipDone.
    """

    ready = Signal(object)
    restarted = Signal(object)
    clean = Signal(object)
    stepped = Signal(object)
    reached = Signal(object)
    faded = Signal(object)
    running = Signal(bool)
    idle = Signal()
    told = Signal(str, float)
    failed = Signal(str, str)
    clip_event = Signal(object)

    def __init__(self, start: Start, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trace = Trace()
        self.waits = False
        self.request: Run | None = None
        self._attacking = False
        self._start = start
        self._rev = 0
        self._abandoned: list[Worker] = []
        self.worker = self._new_worker()

    @property
    def attacking(self) -> bool:
        """Whether points of an attack are still to come."""
        return self._attacking and self.worker.busy

    @property
    def newest(self) -> int:
        """Number of the newest point; -1 if there is none."""
        return -1 if self.trace.newest is None else self.trace.newest.number

    def run(
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
        self._submit(Run(self._next(), frame, models, attack, quick, pause_at))
        self.restarted.emit(self.request)

    def go_on(self, pause_at: int | None) -> None:
        """Go on with the run that waits."""
        assert self.request is not None
        self._submit(replace(self.request, rev=self._next(), pause_at=pause_at, resume=True))

    def fade(
        self, frame: SourceFrame, models: Models, share: float, step: Step, norm: float
    ) -> None:
        """Predict for a point's image at another strength."""
        assert step.a.exact is not None
        exact_b = None if step.b is None else step.b.exact
        self._attacking = False
        self.worker.submit(Fade(self._next(), frame, models, share, step.a.exact, exact_b, norm))

    def clip(self, request: ClipRequest) -> None:
        """Attack a range of pictures."""
        self.waits = self._attacking = False
        self.trace.clear()  # its points are of no picture that is on show from now on
        self.running.emit(True)
        self.worker.submit(replace(request, rev=self._next()))

    def stop(self) -> None:
        """Cancel what runs."""
        self.worker.cancel()

    def pause(self) -> None:
        """Let what runs wait at its next point."""
        self.worker.pause()

    def restart_worker(self) -> None:
        """Leave a stuck worker alone and begin with a new one; its models are loaded anew.

        Nothing more comes of what ran: that is said at once, as the worker would have.
        """
        self._leave()
        self.worker.close(timeout=0.0)
        self._abandoned.append(self.worker)
        self.worker = self._new_worker()
        self.worker.start()
        self._rest(waits=False)

    def close(self) -> bool:
        """End the worker; False if it is stuck, or one that was left alone still is."""
        self._leave()
        ended = self.worker.close()
        others = [worker.close(timeout=0.0) for worker in self._abandoned]
        self._next()  # what has come already is for nobody
        self.trace.clear()
        self.request = None
        return ended and all(others)

    def _submit(self, request: Run) -> None:
        self.request, self.waits = request, False
        self._attacking = request.attack is not None
        self.running.emit(True)
        self.worker.submit(request)

    def _next(self) -> int:
        self._rev += 1
        return self._rev

    def _events_came(self) -> None:
        newest: Step | None = None
        for event in self.worker.take():
            if event.rev not in (0, self._rev):  # 0: of the worker itself
                continue
            if isinstance(event, Step):
                # Points that came together are all kept and charted, but only the last is drawn.
                self.trace.add(event)
                self.stepped.emit(event)
                newest = event
                continue
            if newest is not None:
                self.reached.emit(newest)
                newest = None
            self._sort(event)
        if newest is not None:
            self.reached.emit(newest)

    def _sort(self, event: AnyEvent) -> None:
        match event:
            case Clean():
                self.clean.emit(event)
            case Faded():
                self.faded.emit(event)
            case ClipFrame() | ClipDone():
                self.clip_event.emit(event)
            case Told():
                self.told.emit(event.text, -1.0 if event.share is None else event.share)
            case Failed():
                self.failed.emit(event.text, event.details)
            case Idle():
                self._rest(event.waits)
            case _:  # Stopped: Idle follows
                pass

    def _rest(self, waits: bool) -> None:
        self.waits, self._attacking = waits, False
        self.running.emit(False)
        self.told.emit("", -1.0)
        self.idle.emit()

    def _new_worker(self) -> Worker:
        worker = Worker(self._start, self)
        worker.arrived.connect(self._events_came, QUEUED)
        worker.ready.connect(self.ready, QUEUED)
        return worker

    def _leave(self) -> None:
        self.worker.arrived.disconnect(self._events_came)
