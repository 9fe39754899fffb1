"""The attack on a range of pictures: begins it, shows each picture as it is done, and ends it."""

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.docks.clip import ClipOptions
from art_segplugin_gui.qt.parts import Parts
from art_segplugin_gui.qt.view_update import ViewUpdate
from art_segplugin_gui.session.clip_request import ClipDone, ClipFrame, ClipRequest
from art_segplugin_gui.session.frames import Clean, Failed, Step
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.state import Attack, Models, State


class ClipController(QObject):
    """While a clip is attacked, changes of the state start no other run; see `AttackController.hold`.

    Args:
        parts: the panel of the clip and the bars of the whole clip.
        controller: shows the pictures.
        view: keeps the error rates of the timeline.
        parent: owner.

    Signals:
        done: one sentence on what was written.
    """

    done = Signal(str)

    def __init__(
        self,
        parts: Parts,
        controller: AttackController,
        view: ViewUpdate,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._parts, self._controller, self._view = parts, controller, view
        self._request: ClipRequest | None = None
        self._newest: ClipFrame | None = None
        self._clean: Clean | None = None  # the newest predictions, for names and colours
        self._ended = False  # by its last picture or by a failure: the panel says so
        parts.clip.start.connect(self.start)
        parts.clip.stop.connect(controller.stop)
        controller.handlers |= {ClipFrame: [self._frame_came], ClipDone: [self._done]}
        controller.handlers[Failed].append(self._failed)
        controller.idle.connect(self._idle)
        controller.session.listeners.append(self._changed)

    def start(self, options: ClipOptions) -> None:
        """Attack the range of the state."""
        state = self._controller.session.state
        source = state.source
        self._request = request = ClipRequest(
            rev=0,
            spec=source.spec,
            models=state.models,
            attack=state.attack,
            out=options.out,
            first=source.first,
            last=source.last,
            longest_side=source.longest_side,
            warm_start=options.warm_start,
            video_suffix=options.suffix,
            side_by_side=options.side_by_side,
            overlay=options.overlay,
            anew=options.anew,
        )
        self._newest, self._ended = None, False
        self._clean = self._controller.shown.clean
        self._controller.pause()
        self._controller.hold(True)
        self._view.forget_rates()
        self._parts.curve.reset(1)
        self._parts.clip.show_start()
        self._controller.attack_clip(request)

    def _done(self, event: ClipDone) -> None:
        self._ended = True
        self._parts.clip.show_done(event)
        self.done.emit(f"The clip is attacked; its files are in {event.written[0].parent}.")

    def _frame_came(self, event: ClipFrame) -> None:
        self._newest = event
        self._clean = self._controller.shown.clean or self._clean
        self._parts.clip.show_frame(event)
        if self._looked_at:
            rates = {name: event.scores[name].mis_ratio for name in ("A clean", "A 8-bit")}
            self._view.rate(event.index, rates["A clean"], rates["A 8-bit"])
            self._show_picture(event)
        self._show_classes(event)

    @property
    def _looked_at(self) -> bool:
        """Whether the pictures on show are those of the clip; another source may be open now."""
        source, request = self._controller.session.state.source, self._request
        return request is not None and (source.spec, source.longest_side) == (
            request.spec,
            request.longest_side,
        )

    def _show_picture(self, event: ClipFrame) -> None:
        """Show what was just attacked; what an earlier run did is only counted."""
        before = self._clean
        if event.a is None or event.frame is None or before is None:
            return
        request = self._request
        assert request is not None
        b_clean, b_adv = (None, None) if event.b is None else (event.b.clean, event.b.adversarial)
        labelled = event.scores["A clean"].labelled
        attack = request.attack.decisive
        identity = Identity(event.frame.id, request.models, attack, run=event.rev)
        clean = Clean(
            event.rev, labelled, event.a.clean, b_clean, before.classes, before.colours,
            identity=identity,
        )  # fmt: skip
        step = Step(
            event.rev, event.done, event.total, event.a.adversarial, b_adv, 0.0, True, identity
        )
        self._controller.show(
            frame=event.frame,
            clean=clean,
            step=step,
            note=f"8-bit, picture {event.done} of {event.total}",
        )

    def _show_classes(self, event: ClipFrame) -> None:
        clean = self._clean
        if clean is None or not self._parts.clip_bars.isVisible():
            return
        iou = {name: one.class_iou for name, one in event.pooled.items()}
        self._parts.clip_bars.set_title(f"whole clip, {event.done} of {event.total} frames")
        self._parts.clip_bars.show_scores(
            clean.classes,
            clean.colours,
            iou["A clean"],
            iou["A 8-bit"],
            iou.get("B clean"),
            iou.get("B 8-bit"),
        )

    def _idle(self) -> None:
        """The end of the clip, whatever ended it: its last picture, a failure, or the user."""
        if not self._controller.held:
            return
        panel, newest = self._parts.clip, self._newest
        panel.set_running(False)
        if not self._ended:
            panel.show_stopped(newest)
        self._controller.hold(False)

    def _failed(self, failed: Failed) -> None:
        """The clip has come to nothing; failures of anything else are not this panel's."""
        if self._controller.held:
            self._ended = True
            self._parts.clip.show_message(f"Stopped: {failed.text}")

    def _changed(self, before: State, after: State) -> None:
        """Another range or attack is another clip, which cannot be gone on with."""
        if _clip_of(before) != _clip_of(after) and not self._controller.held:
            self._parts.clip.forget_stopped()


def _clip_of(state: State) -> tuple[str, int, int | None, int | None, Models, Attack]:
    source = state.source
    at = (source.spec, source.first, source.last, source.longest_side)
    return (*at, state.models, state.attack.decisive)
