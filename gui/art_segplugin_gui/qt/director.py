"""Turns changes of the state into pictures and runs, and keeps what is on screen."""

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.fading import Fading
from art_segplugin_gui.qt.opening import Opening
from art_segplugin_gui.qt.runner import Runner
from art_segplugin_gui.qt.worker import Start
from art_segplugin_gui.session.frames import Clean, SourceFrame, Step
from art_segplugin_gui.session.needs import needs
from art_segplugin_gui.session.painted import Mask
from art_segplugin_gui.session.session import Session, with_source
from art_segplugin_gui.session.shown import Shown
from art_segplugin_gui.session.state import Attack, State

SETTLE_MS = 150
"""After the last change of a drag, the full attack waits so long."""


class Director(QObject):
    """Knows the state, the threads and what is on screen; draws nothing itself.

    Args:
        session: the state.
        source: the thread that reads pictures.
        start: makes the engine of a worker, in the worker's thread.
        parent: owner.

    Signals:
        shown_changed: something else is to be drawn, with the Shown.
        source_opened: another source, with its SourceInfo.
        failed: a sentence and the details.
        warned: a sentence.
        mask_changed: the painted region, bool (h, w); None for none.
        held_changed: whether a clip is attacked, so that no run starts; see `hold`.
    """

    shown_changed = Signal(object)
    source_opened = Signal(object)
    failed = Signal(str, str)
    warned = Signal(str)
    mask_changed = Signal(object)
    held_changed = Signal(bool)

    def __init__(
        self, session: Session, source: SourceThread, start: Start, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.source = session, source
        self.runner = Runner(start, self)
        self.opening = Opening(session, source, self)
        self._fading = Fading(self.runner)
        self.shown = Shown(share=session.state.view.fade)
        self.looking_at: int | None = None
        self.held = False
        self.dragging = False
        self._following = False  # the state follows a picture that has come
        self.playing = False
        self._moved = False  # a picture has come since it plays
        self._again = False
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._run_due)
        session.listeners.append(self._changed)
        self.opening.opened.connect(self.source_opened)
        self.opening.failed.connect(lambda text: self.failed.emit(text, ""))
        source.frame.connect(self._frame_came)
        source.playing.connect(self._plays)
        self.runner.clean.connect(self._clean_came)
        self.runner.reached.connect(self._step_came)
        self.runner.faded.connect(lambda faded: self.show(faded=faded))
        self.runner.idle.connect(self._idle)
        self.runner.failed.connect(self.failed)

    def start(self) -> None:
        """Begin with the picture that the state names."""
        self.runner.worker.start()
        self.opening.open(self.session.state)

    @property
    def count(self) -> int | None:
        """Number of pictures of the source; None where nobody knows."""
        return self.opening.count

    @property
    def mask(self) -> Mask | None:
        """The painted region, bool (h, w), if it is of the size of the picture on screen."""
        return self.shown.fitting(self.session.state.attack.painted)

    # What the user asks for.

    def run(self, pause_at: int | None = None) -> None:
        """Attack from the start, to the end or to a point."""
        self._submit(self.session.state.attack, pause_at=pause_at)

    def run_to(self, number: int) -> None:
        """Attack until that point and wait there; goes on from where a run waits if it can."""
        if self.runner.waits and self.runner.newest < number:
            self.runner.go_on(number)
        else:
            self.run(number)

    def step(self) -> None:
        """One point more: of the run that waits, of the one that runs, or of a new one."""
        if self.runner.waits:
            self.runner.go_on(self.runner.newest + 1)
        elif self.runner.attacking:
            self.runner.pause()
        else:
            self.run(1)

    def stop(self) -> None:
        """Stop what runs; what is on screen stays."""
        self._settle.stop()
        if self.playing:
            self.source.pause()
        self.runner.stop()

    def look_at(self, number: int | None) -> None:
        """Show a stored point again, the newest for None."""
        trace = self.runner.trace
        step = trace.newest if number is None else trace.nearest(number)
        self.looking_at = None if step is None or number is None else step.number
        if step is not None:
            self.show(step=step, faded=None)
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
        """Open the source again, for instance a camera that was lost."""
        self.opening.open(self.session.state)

    def hold(self, on: bool) -> None:
        """Start no run, whatever changes, while a clip is attacked; afterwards run what is due."""
        self.held = on
        self.looking_at = None
        if not on and self.shown.frame is not None:
            self.show(note="", step=None, faded=None)
            self._follow(self.shown.frame.index)  # the last picture of the clip stays
            self.source.show(self.shown.frame.index)  # it runs when the source has it
        self.held_changed.emit(on)

    def restart_worker(self) -> None:
        """Leave a stuck worker alone and begin with a new one; a clip is not gone on with."""
        held = self.held
        self.runner.restart_worker()
        if not held:  # else what is due begins with the end of the clip
            self.run()

    def close(self) -> bool:
        """Stop all threads; False if one is stuck."""
        self._settle.stop()
        self.session.listeners.remove(self._changed)
        ended = self.runner.close()
        self.source.close()
        self.shown = Shown()
        return ended

    # What happens.

    def _changed(self, before: State, after: State) -> None:
        need = needs(before, after)
        if before.attack.painted != after.attack.painted:
            self.mask_changed.emit(self.mask)
        if need.open:
            self.opening.open(after)
        elif need.picture and not self._following:
            if not self.held:  # its picture goes; it would only hold up reading the next
                self.runner.stop()
            self.source.show(after.source.index)
        elif need.models:
            self._submit(self._due)
        elif need.attack:
            self._attack_changed()
        if need.fade:
            self.show(faded=None, share=after.view.fade)
            self._fade()

    def _attack_changed(self) -> None:
        self.runner.waits = False
        if self.shown.step is not None:
            self.show(outdated=True)
        if self._due is None:
            return
        if self.dragging:
            self._attack_quickly()
        self._settle.start()

    def _attack_quickly(self) -> None:
        """One quick step for where the slider is now; a quick step that runs may end before.

        A slider moves faster than a step ends: were each cancelled by the next, none would be seen.
        """
        request = self.runner.request
        self._again = request is not None and request.quick and self.runner.attacking
        if not self._again:
            self._submit(self._due, quick=True)

    def _frame_came(self, frame: SourceFrame) -> None:
        self._moved = True
        self.show(frame=frame, clean=None, step=None, faded=None, outdated=False)
        if frame.warning:
            self.warned.emit(frame.warning)
        if frame.index != self.session.state.source.index:  # it plays, or has fewer pictures
            self._follow(frame.index)
        self._submit(self._due, quick=self.playing)

    @property
    def _due(self) -> Attack | None:
        """What is to be run without being asked for; None for the clean prediction only."""
        attack = self.session.state.attack
        painted = self.mask is not None or attack.region != "painted"
        return attack if attack.auto and painted else None

    def _run_due(self) -> None:
        if (due := self._due) is not None:
            self._submit(due)

    def _follow(self, index: int) -> None:
        self._following = True
        self.session.follow(with_source(self.session.state, index=index))
        self._following = False

    def _submit(
        self, attack: Attack | None, *, quick: bool = False, pause_at: int | None = None
    ) -> None:
        self._settle.stop()
        self._again = False
        self.looking_at = None
        if self.shown.frame is not None and not self.held:
            models = self.session.state.models
            self.runner.run(self.shown.frame, models, attack, quick=quick, pause_at=pause_at)

    def _fade(self) -> None:
        if not self.held:
            self._fading.ask(self.shown)

    def _clean_came(self, clean: Clean) -> None:
        request = self.runner.request
        assert request is not None
        if self.shown.outlives(request):
            self.show(clean=clean, note="")
        else:
            self.show(
                clean=clean,
                step=None,
                faded=None,
                outdated=False,
                models=request.models,
                request=request,
                note="",
            )
        if clean.warning:
            self.warned.emit(clean.warning)

    def _step_came(self, step: Step) -> None:
        if self.looking_at is not None:
            return
        request, attack = self.runner.request, self.session.state.attack
        assert request is not None
        assert request.attack is not None
        outdated = request.attack.decisive != attack.decisive  # what ran goes on after a change
        self.show(step=step, faded=None, outdated=outdated, request=request)

    def _idle(self) -> None:
        if self.playing:
            self.source.ready()
        elif self._again and self.dragging:
            self._attack_quickly()
            self._settle.start()
        elif not self.held:
            self._fading.ask_once(self.shown)

    def _plays(self, on: bool) -> None:
        self.playing = on
        if not on and self._moved and self._due is not None:
            self._settle.start()  # all steps for the picture that stays
        self._moved = False

    def show(self, **changes: object) -> None:
        """Show something else in the fields of Shown that are given."""
        mask = self.mask
        self.shown = replace(self.shown, **changes)  # type: ignore[arg-type]
        if self.mask is not mask:
            self.mask_changed.emit(self.mask)
        self.shown_changed.emit(self.shown)
