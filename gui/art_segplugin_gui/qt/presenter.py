"""Draws what is shown: panes, titles, charts and the line of figures."""

import math

import numpy as np
from PySide6.QtCore import QObject, Signal

from art_segplugin_gui.qt.charts.class_bars import ClassBars
from art_segplugin_gui.qt.charts.confusion import ConfusionView
from art_segplugin_gui.qt.charts.step_curve import StepCurve
from art_segplugin_gui.qt.charts.timeline import Timeline
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.qt.panes.grid import PaneGrid
from art_segplugin_gui.qt.panes.reading import Sides, reading
from art_segplugin_gui.qt.panes.titles import Caption
from art_segplugin_gui.session.figures import summary
from art_segplugin_gui.session.frames import Clean, Step
from art_segplugin_gui.session.request import Run
from art_segplugin_gui.session.shown import Shown
from art_segplugin_gui.session.state import Attack, Models, State

LONGEST_TIMELINE = 200_000
"""Frames of a source whose error rates are kept."""


class Presenter(QObject):
    """Listens to the director and the state, and hands arrays to the widgets.

    Args:
        director: knows what is shown.
        grid: the panes.
        bars: IoU of each class.
        curve: figures over the steps.
        confusion: confusion matrix.
        timeline: error rates of the source's pictures.
        parent: owner.

    Signals:
        classes_changed: names of the classes.
    """

    classes_changed = Signal(object)

    def __init__(
        self,
        director: Director,
        grid: PaneGrid,
        bars: ClassBars,
        curve: StepCurve,
        confusion: ConfusionView,
        timeline: Timeline,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.director, self.grid, self.bars = director, grid, bars
        self.curve, self.confusion, self.timeline = curve, confusion, timeline
        self.clean_rates = np.full(0, math.nan)
        self.adversarial_rates = np.full(0, math.nan)
        self._palette: tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]] = ((), ())
        self._fresh = False
        self._kept: frozenset[int] = frozenset()
        self._rated: tuple[Models, Attack] | None = None
        director.shown_changed.connect(self.draw)
        director.runner.stepped.connect(self._stepped)
        director.runner.restarted.connect(self._restarted)
        director.runner.idle.connect(self._draw_rates)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of the models on show."""
        return self._palette[0]

    def draw(self, shown: Shown) -> None:
        """Draw all of it."""
        frame, clean = shown.frame, shown.clean
        if frame is None:
            return
        if clean is None:
            self.grid.show_picture(frame.image)
            self.grid.set_captions(Caption(f"A clean  {frame.name}"), Caption("A adversarial"))
            return
        self._use_palette(clean)
        state = self.director.session.state
        self._draw_panes(shown, clean)
        self._draw_charts(shown, clean, state)

    def draw_view(self, state: State) -> None:
        """Draw the same otherwise; no model is asked."""
        self.grid.set_view(state.view)
        self.bars.set_hidden(state.view.hidden)
        self.bars.set_isolated(state.view.isolated)
        self.confusion.set_selected(state.view.pair)

    def draw_charts(self) -> None:
        """Draw the charts that came into sight."""
        shown = self.director.shown
        if shown.clean is not None:
            self._draw_charts(shown, shown.clean, self.director.session.state)

    def words_for(self, x: int, y: int) -> str:
        """What is at a pixel of the picture."""
        shown = self.director.shown
        labelled = shown.clean is None or shown.clean.labelled
        sides = Sides(shown.clean_a, shown.attacked_a, shown.clean_b, shown.attacked_b, labelled)
        return reading(x, y, sides, self.classes)

    def show_source(self, count: int | None, fps: float | None) -> None:
        """Begin a timeline for another source."""
        length = min(count or 0, LONGEST_TIMELINE)
        self.clean_rates = np.full(length, math.nan)
        self.adversarial_rates = np.full(length, math.nan)
        self.timeline.set_frames(length, fps)

    def forget_rates(self) -> None:
        """The models or the attack are others: error rates so far are of the past."""
        self.clean_rates[:] = math.nan
        self.adversarial_rates[:] = math.nan
        self.timeline.set_rates(self.clean_rates, self.adversarial_rates)

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
        if self.timeline.isVisible():
            self.timeline.set_rates(self.clean_rates, self.adversarial_rates)

    def _use_palette(self, clean: Clean) -> None:
        palette = (clean.classes, clean.colours)
        if palette != self._palette:
            self._palette = palette
            self.grid.set_colours(*palette)
            self.classes_changed.emit(clean.classes)
        against = "" if clean.labelled else ", vs clean prediction"
        self.bars.set_title(f"IoU of each class{against}")
        self.curve.set_title(f"Steps of the attack{against}")

    def _draw_panes(self, shown: Shown, clean: Clean) -> None:
        if self.grid.compared != (clean.b is not None):
            self.grid.set_compared(clean.b is not None)
        step = shown.step
        own = (None, None) if step is None else (step.a, step.b)
        self.grid.show_sides(clean.a, own[0], clean.b, own[1])
        if shown.faded is not None:
            self.grid.show_faded(shown.faded.a, shown.faded.b)
        models = shown.models  # not those of the state, which may be others by now
        assert shown.frame is not None
        assert models is not None
        how = "attack on A" if models.transfer else "own attack"
        self.grid.set_captions(
            Caption(f"A clean  {shown.frame.name}", summary(clean.a, labelled=clean.labelled)),
            Caption(
                f"A adversarial  {shown.title}".rstrip(),
                summary(shown.attacked_a, labelled=clean.labelled),
            ),
            Caption(f"B clean  {models.b}", summary(clean.b, labelled=clean.labelled)),
            Caption(f"B adversarial  {how}", summary(shown.attacked_b, labelled=clean.labelled)),
        )

    def _draw_charts(self, shown: Shown, clean: Clean, state: State) -> None:
        a = shown.attacked_a or clean.a
        b = shown.attacked_b or clean.b
        if self.bars.isVisible():
            self.bars.show_scores(
                clean.classes,
                clean.colours,
                clean.a.scores.class_iou,
                a.scores.class_iou,
                None if clean.b is None else clean.b.scores.class_iou,
                None if b is None or clean.b is None else b.scores.class_iou,
            )
        if self.confusion.isVisible():
            attacked = shown.attacked_a
            self.confusion.show_counts(
                clean.classes,
                clean.a.scores.confusion,
                None if attacked is None else attacked.scores.confusion,
                clean.labelled,
            )
        numbers = self.director.runner.trace.numbers
        if numbers != self._kept:
            self._kept = numbers
            self.curve.set_kept(numbers)
        self.curve.set_marker(self.director.looking_at)
        self._rate(shown, clean)

    def _rate(self, shown: Shown, clean: Clean) -> None:
        """Note the error rates of the picture on show."""
        index = 0 if shown.frame is None else shown.frame.index
        step = None if shown.outdated else shown.step
        adversarial = math.nan if step is None else step.a.scores.mis_ratio
        # While it is attacked, one point of a curve over all pictures moves a little: no repaint.
        moving = step is not None and not step.answer and self.director.runner.attacking
        self.rate(index, clean.a.scores.mis_ratio, adversarial, draw=not moving)
        if index != self.timeline.track.current:
            self.timeline.set_current(index)

    def _forget_other_rates(self, request: Run) -> None:
        """Rates of other models or of another attack do not belong into one curve."""
        attack = self.director.session.state.attack
        rated = (request.models, attack.decisive)
        before, self._rated = self._rated, rated
        if before is None or before == rated:
            return
        if before[0] != rated[0]:
            self.forget_rates()
        else:
            self.adversarial_rates[:] = math.nan

    def _stepped(self, step: Step) -> None:
        if self._fresh:
            self._fresh, self._kept = False, frozenset()
            self.curve.reset(max(step.total, 1))
        a, b = step.a.scores, None if step.b is None else step.b.scores
        self.curve.append(
            step.number,
            a.miou,
            None if b is None else b.miou,
            a.mis_ratio,
            None if b is None else b.mis_ratio,
        )
        self._kept |= {step.number}  # the curve knows

    def _restarted(self, request: Run) -> None:
        self._fresh = request.attack is not None
        self._forget_other_rates(request)
