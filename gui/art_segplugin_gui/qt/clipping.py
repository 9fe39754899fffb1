"""The attack on a range of pictures: begins it, shows each picture as it is done, and ends it."""

from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.docks.clip import ClipOptions
from art_segplugin_gui.qt.presenter import Presenter
from art_segplugin_gui.qt.window_parts import Parts
from art_segplugin_gui.session.clip_request import ClipDone, ClipFrame, ClipRequest
from art_segplugin_gui.session.frames import Clean, Step
from art_segplugin_gui.session.state import Attack, Models, State


class Clipping(QObject):
    """While a clip is attacked, changes of the state start no other run; see `Director.hold`.

    Args:
        parts: the panel of the clip and the bars of the whole clip.
        director: shows the pictures.
        presenter: keeps the error rates of the timeline.
        parent: owner.

    Signals:
        done: one sentence on what was written.
    """

    done = Signal(str)

    def __init__(
        self, parts: Parts, director: Director, presenter: Presenter, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._parts, self._director, self._presenter = parts, director, presenter
        self._request: ClipRequest | None = None
        self._newest: ClipFrame | None = None
        self._clean: Clean | None = None  # the newest predictions, for names and colours
        self._ended = False  # by its last picture or by a failure: the panel says so
        parts.clip.start.connect(self.start)
        parts.clip.stop.connect(director.stop)
        director.runner.clip_event.connect(self._event)
        director.runner.failed.connect(self._failed)
        director.runner.idle.connect(self._idle)
        director.session.listeners.append(self._changed)

    def start(self, options: ClipOptions) -> None:
        """Attack the range of the state."""
        state = self._director.session.state
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
        self._clean = self._director.shown.clean
        self._director.pause()
        self._director.hold(True)
        self._presenter.forget_rates()
        self._presenter.curve.reset(1)
        self._parts.clip.show_start()
        self._director.runner.clip(request)

    def _event(self, event: ClipFrame | ClipDone) -> None:
        if isinstance(event, ClipDone):
            self._ended = True
            self._parts.clip.show_done(event)
            self.done.emit(f"The clip is attacked; its files are in {event.written[0].parent}.")
            return
        self._newest = event
        self._clean = self._director.shown.clean or self._clean
        self._parts.clip.show_frame(event)
        if self._looked_at:
            rates = {name: event.scores[name].mis_ratio for name in ("A clean", "A 8-bit")}
            self._presenter.rate(event.index, rates["A clean"], rates["A 8-bit"])
            self._show_picture(event)
        self._show_classes(event)

    @property
    def _looked_at(self) -> bool:
        """Whether the pictures on show are those of the clip; another source may be open now."""
        source, request = self._director.session.state.source, self._request
        return request is not None and (source.spec, source.longest_side) == (
            request.spec,
            request.longest_side,
        )

    def _show_picture(self, event: ClipFrame) -> None:
        """Show what was just attacked; what an earlier run did is only counted."""
        before = self._clean
        if event.a is None or event.frame is None or before is None:
            return
        assert self._request is not None
        b_clean, b_adv = (None, None) if event.b is None else (event.b.clean, event.b.adversarial)
        labelled = event.scores["A clean"].labelled
        clean = Clean(event.rev, labelled, event.a.clean, b_clean, before.classes, before.colours)
        step = Step(event.rev, event.done, event.total, event.a.adversarial, b_adv, 0.0, True)
        self._director.show(
            frame=event.frame,
            clean=clean,
            step=step,
            faded=None,
            outdated=False,
            models=self._request.models,
            request=None,
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
        if not self._director.held:
            return
        panel, newest = self._parts.clip, self._newest
        panel.set_running(False)
        if not self._ended:
            panel.show_stopped(newest)
        self._director.hold(False)

    def _failed(self, text: str, _: str) -> None:
        """The clip has come to nothing; failures of anything else are not this panel's."""
        if self._director.held:
            self._ended = True
            self._parts.clip.show_message(f"Stopped: {text}")

    def _changed(self, before: State, after: State) -> None:
        """Another range or attack is another clip, which cannot be gone on with."""
        if _clip_of(before) != _clip_of(after) and not self._director.held:
            self._parts.clip.forget_stopped()


def _clip_of(state: State) -> tuple[str, int, int | None, int | None, Models, Attack]:
    source = state.source
    at = (source.spec, source.first, source.last, source.longest_side)
    return (*at, state.models, state.attack.decisive)
