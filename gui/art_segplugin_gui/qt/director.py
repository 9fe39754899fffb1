"""Turns changes of the state into pictures and runs, and keeps what is on screen."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.runner import Runner
from art_segplugin_gui.qt.worker import Start
from art_segplugin_gui.session.frames import Clean, Faded, SourceFrame, Step
from art_segplugin_gui.session.needs import needs
from art_segplugin_gui.session.recipe_form import norm_name
from art_segplugin_gui.session.session import Session, with_source
from art_segplugin_gui.session.shown import Shown
from art_segplugin_gui.session.sources.base import SourceInfo
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
    """

    shown_changed = Signal(object)
    source_opened = Signal(object)
    failed = Signal(str, str)
    warned = Signal(str)

    def __init__(
        self, session: Session, source: SourceThread, start: Start, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.session, self.source = session, source
        self.runner = Runner(start, self)
        self.shown = Shown(share=session.state.view.fade)
        self.mask: NDArray[np.bool_] | None = None
        self.info: SourceInfo | None = None
        self.looking_at: int | None = None
        self._held = False
        self.dragging = False
        self._following = False  # the state follows a picture that has come
        self._fade_asked: tuple[Step, float] | None = None
        self.playing = False
        self._again = False
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self.run)
        session.listeners.append(self._changed)
        source.opened.connect(self._opened)
        source.failed.connect(self._source_failed)
        source.frame.connect(self._frame_came)
        source.playing.connect(self._plays)
        self.runner.clean.connect(self._clean_came)
        self.runner.reached.connect(self._step_came)
        self.runner.faded.connect(self._faded_came)
        self.runner.idle.connect(self._idle)
        self.runner.failed.connect(self.failed)

    def start(self) -> None:
        """Begin with the picture that the state names."""
        self.runner.worker.start()
        self._open(self.session.state)

    @property
    def count(self) -> int | None:
        """Number of pictures of the source; None where nobody knows."""
        return None if self.info is None else self.info.count

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
            self._show(step=step, faded=None)
            self._fade_if_wanted()

    def play(self) -> None:
        """Show one picture after the other, each after one quick step of the attack."""
        source = self.session.state.source
        self.source.play(source.first, source.last, source.loop)
        self.source.ready()

    def pause(self) -> None:
        """Stay at the picture on screen, and attack it with all steps."""
        self.source.pause()

    def reopen(self) -> None:
        """Open the source again, for instance a camera that was lost."""
        self._open(self.session.state)

    def paint(self, mask: NDArray[np.bool_] | None) -> None:
        """Change the painted region, bool (h, w); None for none."""
        self.mask = mask
        if self.session.state.attack.region == "painted":
            self._attack_changed()

    def hold(self, on: bool) -> None:
        """Start no run, whatever changes, while a clip is attacked; afterwards run what is due."""
        self._held = on
        if not on:
            frame, state = self.shown.frame, self.session.state
            if frame is not None:  # the last picture of the clip stays
                self.session.follow(with_source(state, index=frame.index))
            self._show(note="", step=None, faded=None)
            self._submit(state.attack if state.attack.auto else None)

    def show_clip_picture(self, frame: SourceFrame, clean: Clean, step: Step, note: str) -> None:
        """Show a picture of the clip that is attacked."""
        self._show(
            frame=frame, clean=clean, step=step, faded=None, outdated=False, request=None, note=note
        )

    def restart_worker(self) -> None:
        """Leave a stuck worker alone and begin with a new one."""
        self.runner.restart_worker()
        self.run()

    def close(self) -> bool:
        """Stop all threads; False if one is stuck."""
        self._settle.stop()
        ended = self.runner.close()
        self.source.close()
        return ended

    # What happens.

    def _changed(self, before: State, after: State) -> None:
        need = needs(before, after)
        if need.open:
            self._open(after)
        elif need.picture and not self._following:
            self.source.show(after.source.index)
        elif need.models:
            self._submit(after.attack if after.attack.auto else None)
        elif need.attack:
            self._attack_changed()
        if need.fade:
            self._show(faded=None, share=after.view.fade)
            self._fade_if_wanted()

    def _open(self, state: State) -> None:
        self.source.open(state.source.spec, state.source.longest_side, state.source.index)

    def _opened(self, info: SourceInfo) -> None:
        self.info = info
        self.source_opened.emit(info)

    def _source_failed(self, text: str) -> None:
        """Go back to what is open still, if it was the opening that failed."""
        state = self.session.state
        if self.info is not None and self.info.spec != state.source.spec:
            index = 0 if self.shown.frame is None else self.shown.frame.index
            self.session.follow(with_source(state, spec=self.info.spec, index=index))
        self.failed.emit(text, "")

    def _attack_changed(self) -> None:
        self.runner.waits = False
        if self.shown.step is not None:
            self._show(outdated=True)
        if not self.session.state.attack.auto:
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
            self._submit(self.session.state.attack, quick=True)

    def _frame_came(self, frame: SourceFrame) -> None:
        size = None if self.shown.frame is None else self.shown.frame.image.shape
        if size != frame.image.shape:
            self.mask = None
        self._show(frame=frame, clean=None, step=None, faded=None, outdated=False)
        if frame.warning:
            self.warned.emit(frame.warning)
        if frame.index != self.session.state.source.index:  # it plays, or has fewer pictures
            self._following = True
            self.session.follow(with_source(self.session.state, index=frame.index))
            self._following = False
        attack = self.session.state.attack
        self._submit(attack if attack.auto else None, quick=self.playing)

    def _submit(
        self, attack: Attack | None, *, quick: bool = False, pause_at: int | None = None
    ) -> None:
        self._settle.stop()
        self._again = False
        self.looking_at = None
        if self.shown.frame is not None and not self._held:
            models = self.session.state.models
            self.runner.run(
                self.shown.frame, models, attack, self.mask, quick=quick, pause_at=pause_at
            )

    def _fade_if_wanted(self) -> None:
        """Ask for label maps at another strength; during a run, its end asks again."""
        step, frame, state = self.shown.step, self.shown.frame, self.session.state
        busy = self.runner.attacking or self._held
        if step is None or frame is None or state.view.fade == 1 or busy:
            return
        request = self.shown.request  # not the state, which may have been changed since
        if request is None or request.attack is None:
            return
        self._fade_asked = (step, state.view.fade)
        norm = norm_name(request.attack.options.get("norm", "inf")).removeprefix("L")
        self.runner.fade(frame, request.models, state.view.fade, step, float(norm))

    def _clean_came(self, clean: Clean) -> None:
        request, before = self.runner.request, self.shown.request
        assert request is not None
        if (
            self.shown.step is not None
            and before is not None
            and request.attack is not None
            and (before.frame, before.models) == (request.frame, request.models)
        ):
            # The same predictions: the point on screen stays until the first of the new attack.
            self._show(clean=clean, note="")
        else:
            self._show(clean=clean, step=None, faded=None, outdated=False, request=request, note="")
        if clean.warning:
            self.warned.emit(clean.warning)

    def _step_came(self, step: Step) -> None:
        if self.looking_at is None:
            self._show(step=step, faded=None, outdated=False, request=self.runner.request)

    def _faded_came(self, faded: Faded) -> None:
        self._show(faded=faded)

    def _idle(self) -> None:
        if self.playing:
            self.source.ready()
        elif self._again and self.dragging:
            self._attack_quickly()
            self._settle.start()
        elif self.shown.faded is None and self._fade_asked != (self.shown.step, self.shown.share):
            self._fade_if_wanted()  # not again: a model that fails would be asked for ever

    def _plays(self, on: bool) -> None:
        self.playing = on
        if not on and self.session.state.attack.auto:
            self._settle.start()  # all steps for the picture that stays

    def _show(self, **changes: object) -> None:
        self.shown = replace(self.shown, **changes)  # type: ignore[arg-type]
        self.shown_changed.emit(self.shown)
