"""Draws what is on screen and how far the run is: panes, titles, charts, panels, status bar."""

import math

import numpy as np
from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.qt.panes.reading import Sides, reading
from art_segplugin_gui.qt.panes.titles import Caption
from art_segplugin_gui.qt.parts import Parts
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.figures import summary
from art_segplugin_gui.session.frames import Clean, Step
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.state import Attack, Models, State

LONGEST_TIMELINE = 200_000
"""Frames of a source whose error rates are kept."""


class ViewUpdate(QObject):
    """Listens to the controller, and hands arrays to the widgets.

    Args:
        controller: knows what is shown.
        parts: the widgets.
        parent: owner.

    Signals:
        classes_changed: names of the classes.
    """

    classes_changed = Signal(object)

    def __init__(
        self, controller: AttackController, parts: Parts, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._controller, self._parts = controller, parts
        self.clean_rates = np.full(0, math.nan)
        self.adversarial_rates = np.full(0, math.nan)
        self._palette: tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]] = ((), ())
        self._fresh = False
        self._kept: frozenset[int] = frozenset()
        self._rated: tuple[Models, Attack] | None = None
        controller.shown_changed.connect(self.draw)
        controller.restarted.connect(self._restarted)
        controller.stepped.connect(self._stepped)
        controller.running.connect(parts.attack.set_running)
        controller.told.connect(self._told)
        controller.idle.connect(self._idle)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the models on show."""
        return self._palette[0]

    def draw(self, shown: DisplayState) -> None:
        """Draw all of it."""
        frame, clean = shown.frame, shown.clean
        if frame is None:
            return
        if clean is None:
            self._parts.grid.show_picture(frame.image)
            self._parts.grid.set_captions(
                Caption(f"A clean  {frame.name}"), Caption("A adversarial")
            )
            return
        self._use_palette(clean)
        state = self._controller.session.state
        self._draw_panes(shown, clean)
        self._draw_charts(shown, clean, state)

    def draw_view(self, state: State) -> None:
        """Draw the same otherwise; no model is asked."""
        self._parts.grid.set_view(state.view)
        self._parts.bars.set_hidden(state.view.hidden)
        self._parts.bars.set_isolated(state.view.isolated)
        self._parts.confusion.set_selected(state.view.pair)

    def draw_charts(self) -> None:
        """Draw the charts that came into sight."""
        shown = self._controller.shown
        if shown.clean is not None:
            self._draw_charts(shown, shown.clean, self._controller.session.state)

    def words_for(self, x: int, y: int) -> str:
        """What is at a pixel of the picture."""
        shown = self._controller.shown
        labelled = shown.clean is None or shown.clean.labelled
        sides = Sides(shown.clean_a, shown.attacked_a, shown.clean_b, shown.attacked_b, labelled)
        return reading(x, y, sides, self.classes)

    def show_source(self, count: int | None, fps: float | None) -> None:
        """Begin a timeline for another source."""
        length = min(count or 0, LONGEST_TIMELINE)
        self.clean_rates = np.full(length, math.nan)
        self.adversarial_rates = np.full(length, math.nan)
        self._parts.timeline.set_frames(length, fps)

    def forget_rates(self) -> None:
        """The models or the attack are others: error rates so far are of the past."""
        self.clean_rates[:] = math.nan
        self.adversarial_rates[:] = math.nan
        self._parts.timeline.set_rates(self.clean_rates, self.adversarial_rates)

    def rate(self, index: int, clean: float, adversarial: float, *, draw: bool = True) -> None:
        """Note the error rates of a picture; NaN for what is not known."""
        if not 0 <= index < len(self.clean_rates):
            return
        self.clean_rates[index] = clean
        if not math.isnan(adversarial):
            self.adversarial_rates[index] = adversarial
        if draw:
            self._draw_rates()

    def _draw_rates(self) -> None:
        if self._parts.timeline.isVisible():
            self._parts.timeline.set_rates(self.clean_rates, self.adversarial_rates)

    def _use_palette(self, clean: Clean) -> None:
        palette = (clean.classes, clean.colours)
        if palette != self._palette:
            self._palette = palette
            self._parts.grid.set_colours(*palette)
            self.classes_changed.emit(clean.classes)
        against = "" if clean.labelled else ", vs clean prediction"
        self._parts.bars.set_title(f"IoU of each class{against}")
        self._parts.curve.set_title(f"Steps of the attack{against}")

    def _draw_panes(self, shown: DisplayState, clean: Clean) -> None:
        if self._parts.grid.compared != (clean.b is not None):
            self._parts.grid.set_compared(clean.b is not None)
        step = shown.step
        own = (None, None) if step is None else (step.a, step.b)
        self._parts.grid.show_sides(clean.a, own[0], clean.b, own[1])
        if shown.faded is not None:
            self._parts.grid.show_faded(shown.faded.a, shown.faded.b)
        models = clean.identity.models  # not those of the state, which may be others by now
        assert shown.frame is not None
        how, mark = "attack on A" if models.transfer else "own attack", shown.mark
        self._parts.grid.set_captions(
            Caption(
                f"A clean  {shown.frame.name}{mark}", summary(clean.a, labelled=clean.labelled)
            ),
            Caption(
                f"A adversarial  {shown.title}".rstrip(),
                summary(shown.attacked_a, labelled=clean.labelled),
            ),
            Caption(f"B clean  {models.b}{mark}", summary(clean.b, labelled=clean.labelled)),
            Caption(f"B adversarial  {how}", summary(shown.attacked_b, labelled=clean.labelled)),
        )

    def _draw_charts(self, shown: DisplayState, clean: Clean, state: State) -> None:
        a = shown.attacked_a or clean.a
        b = shown.attacked_b or clean.b
        if self._parts.bars.isVisible():
            self._parts.bars.show_scores(
                clean.classes,
                clean.colours,
                clean.a.scores.class_iou,
                a.scores.class_iou,
                None if clean.b is None else clean.b.scores.class_iou,
                None if b is None or clean.b is None else b.scores.class_iou,
            )
        if self._parts.confusion.isVisible():
            attacked = shown.attacked_a
            self._parts.confusion.show_counts(
                clean.classes,
                clean.a.scores.confusion,
                None if attacked is None else attacked.scores.confusion,
                clean.labelled,
            )
        numbers = self._controller.trace.numbers
        if numbers != self._kept:
            self._kept = numbers
            self._parts.curve.set_kept(numbers)
        self._parts.curve.set_marker(self._controller.looking_at)
        self._rate(shown, clean)

    def _rate(self, shown: DisplayState, clean: Clean) -> None:
        """Note the error rates of the picture on show."""
        index = 0 if shown.frame is None else shown.frame.index
        step = None if shown.outdated else shown.step
        adversarial = math.nan if step is None else step.a.scores.mis_ratio
        # While it is attacked, one point of a curve over all pictures moves a little: no repaint.
        moving = step is not None and not step.answer and self._controller.attacking
        self.rate(index, clean.a.scores.mis_ratio, adversarial, draw=not moving)
        if index != self._parts.timeline.track.current:
            self._parts.timeline.set_current(index)

    def _forget_other_rates(self, request: Run) -> None:
        """Rates of other models or of another attack do not belong into one curve."""
        attack = self._controller.session.state.attack
        rated = (request.models, attack.decisive)
        before, self._rated = self._rated, rated
        if before is None or before == rated:
            return
        if before[0] != rated[0]:
            self.forget_rates()
        else:
            self.adversarial_rates[:] = math.nan

    def forget_run(self) -> None:
        """What ran is of the past."""
        self._parts.attack.buttons.begin(attacks=False)

    def _restarted(self, request: Run) -> None:
        attacks = request.attack is not None
        self._fresh = attacks
        self._forget_other_rates(request)
        self._parts.attack.buttons.begin(attacks=attacks)

    def _stepped(self, step: Step) -> None:
        parts = self._parts
        if self._fresh:
            self._fresh, self._kept = False, frozenset()
            parts.curve.reset(max(step.total, 1))
        a, b = step.a.scores, None if step.b is None else step.b.scores
        parts.curve.append(
            step.number,
            a.miou,
            None if b is None else b.miou,
            a.mis_ratio,
            None if b is None else b.mis_ratio,
        )
        self._kept |= {step.number}  # the curve knows
        parts.attack.show_progress(step.number, step.total, step.seconds)
        parts.status.show_step(step)

    def _told(self, text: str, share: float) -> None:
        self._parts.status.show_waiting(text, share)
        self._parts.models.show_loading(text, None if share < 0 else share)

    def _idle(self) -> None:
        self._draw_rates()
        self._parts.attack.buttons.rest(waits=self._controller.paused)
