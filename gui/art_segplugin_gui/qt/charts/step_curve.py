"""mIoU and MisRatio over the steps of the attack, with a marker that travels in time."""

import math
from collections.abc import Iterable

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.charts.style import (
    A_DASH,
    A_RATIO_DASH,
    B_DASH,
    B_RATIO_DASH,
    claims,
    ink,
    line_pen,
    percent_text,
    share_text,
)
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

KEYS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})
SERIES = (
    ("mIoU A", "a", A_DASH, 2.2),
    ("mIoU B", "b", B_DASH, 2.2),
    ("wrong A", "a", A_RATIO_DASH, 1.6),
    ("wrong B", "b", B_RATIO_DASH, 1.6),
)


class StepCurve(QWidget):
    """Four curves over the steps. Press or drag anywhere, or Left and Right, to look at a step.

    Signals:
        scrubbed(int): the user looks at this step; always one of the kept ones.
        released(): the mouse button or the key was let go after that.
    """

    scrubbed = Signal(int)
    released = Signal()

    def __init__(self, title: str = "Steps of the attack", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("mIoU and share of wrong pixels over the steps")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title = WrappedLabel(title, lines=1, steady=True)
        self.legend = Legend()
        self.plot = pg.PlotWidget(useOpenGL=False)
        self.plot.setAccessibleName("Curves: left and right to look at another step")
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        self.plot.setAcceptDrops(False)  # what is dropped here is for the window
        self.plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.plot.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self.plot.plotItem.vb.sigResized.connect(self._leave_room)
        self._curves = [pg.PlotCurveItem(antialias=True) for _ in SERIES]
        self._line = pg.InfiniteLine(angle=90)
        for item in (*self._curves, self._line):
            self.plot.addItem(item)
        self.plot.viewport().installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot, 1)
        self._dragged = False
        self.reset(1)
        self._restyle()

    def reset(self, total: int) -> None:
        """Empties the chart.

        Args:
            total: number of the last step that will come, at least 1.

        Raises:
            InputError: it is less than 1.
        """
        if total < 1:
            raise InputError(f"A chart over {total} steps was asked for; give at least 1.")
        self._total = total
        self._steps: list[int] = []
        self._values = np.full((total + 1, len(SERIES)), np.nan)
        self._kept: set[int] = set()
        self._marker: int | None = None
        self._both = False
        for curve in self._curves:
            curve.setData([], [])
        self.plot.setXRange(0, total, padding=0.02)
        self._show_marker()

    def append(
        self,
        step: int,
        miou_a: float,
        miou_b: float | None,
        mis_a: float,
        mis_b: float | None,
    ) -> None:
        """Adds a step, or replaces it where it is there; it counts as kept.

        Args:
            step: its number, 0 or more; beyond the total the chart grows.
            miou_a: mean IoU of the first model, 0..1 or NaN.
            miou_b: of the second, None for no second model.
            mis_a: share of wrong pixels of the first model, 0..1 or NaN.
            mis_b: of the second.

        Raises:
            InputError: the step is negative, or a value is outside 0..1.
        """
        values = [math.nan if v is None else float(v) for v in (miou_a, miou_b, mis_a, mis_b)]
        if step < 0:
            raise InputError(f"Step {step} is negative; steps count from 0.")
        if wrong := [v for v in values if v < 0 or v > 1]:
            raise InputError(f"A curve was given {wrong[0]:g}; give shares in 0..1 or NaN.")
        if step > self._total:
            more = np.full((step - self._total, len(SERIES)), np.nan)
            self._values = np.concatenate([self._values, more])
            self._total = step
            self.plot.setXRange(0, step, padding=0.02)
        self._values[step] = values
        if step not in self._kept or step not in self._steps:
            self._steps = sorted({*self._steps, step})
        self._kept.add(step)
        self._both = self._both or not (math.isnan(values[1]) and math.isnan(values[3]))
        steps = np.asarray(self._steps)
        for number, curve in enumerate(self._curves):
            if number % 2 == 0 or self._both:
                curve.setData(*self._drawn(steps, number))
        self._show_marker()

    def set_kept(self, kept: Iterable[int]) -> None:
        """Says which steps can be looked at; the others snap to the nearest of them."""
        self._kept = set(kept)
        self._show_marker()

    def set_marker(self, step: int | None) -> None:
        """Puts the marker at a step; None for the newest."""
        self._marker = step
        self._show_marker()

    def set_title(self, title: str) -> None:
        """Names what the curves are of, such as "vs clean prediction"."""
        self.title.say(title)

    def marked(self) -> int | None:
        """The step under the marker; None while there is no step."""
        return self._marker if self._marker is not None else self._newest()

    def nearest(self, position: float) -> int | None:
        """The kept step nearest to a place on the axis, the earlier one of two; None for none."""
        kept = sorted(self._kept.intersection(self._steps))
        return min(kept, key=lambda step: abs(step - position)) if kept else None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """The mouse over the curves."""
        if watched is not self.plot.viewport() or not isinstance(event, QMouseEvent):
            return super().eventFilter(watched, event)
        pressed = event.type() == QEvent.Type.MouseButtonPress
        if pressed and event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._scrub_to(event)
        elif event.type() == QEvent.Type.MouseMove and self._dragged:
            self._scrub_to(event)
        elif event.type() == QEvent.Type.MouseButtonRelease and self._dragged:
            self._dragged = False
            self.released.emit()
        return True

    def event(self, event: QEvent) -> bool:
        """Keeps the arrow keys from the shortcuts of the window."""
        return claims(event, KEYS) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Looks at the kept step before or after, the first or the last."""
        kept = sorted(self._kept.intersection(self._steps))
        here = self.marked()
        if event.key() not in KEYS or not kept or here is None:
            super().keyPressEvent(event)
            return
        goal = {
            Qt.Key.Key_Left: max((s for s in kept if s < here), default=kept[0]),
            Qt.Key.Key_Right: min((s for s in kept if s > here), default=kept[-1]),
            Qt.Key.Key_Home: kept[0],
            Qt.Key.Key_End: kept[-1],
        }[Qt.Key(event.key())]
        self._scrub(goal)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Ends the scrubbing by keys."""
        if event.key() in KEYS and self._steps:
            if not event.isAutoRepeat():
                self.released.emit()
            return
        super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follows palette and font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.PaletteChange, QEvent.Type.FontChange}:
            self._restyle()
            self._show_marker()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the frame around the curves that says that keys go there."""
        if self.hasFocus():
            painter = QPainter(self)
            painter.setPen(line_pen(ink(self.palette()).accent, 2))
            painter.drawRect(self.plot.geometry().adjusted(-2, -2, 1, 1))
            painter.end()

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock."""
        return QSize(300, max(180, super().sizeHint().height()))

    def _drawn(self, steps: NDArray[np.int64], number: int) -> tuple[NDArray[np.float64], ...]:
        """The points of a curve without those that nobody measured."""
        values = self._values[steps, number]
        there = ~np.isnan(values)
        return steps[there].astype(np.float64), values[there]

    def _scrub_to(self, event: QMouseEvent) -> None:
        place = self.plot.plotItem.vb.mapSceneToView(event.position())
        step = self.nearest(place.x())
        if step is not None:
            self._scrub(step, again=not self._dragged)
            self._dragged = True

    def _scrub(self, step: int, again: bool = False) -> None:
        if step != self._marker or again:
            self.set_marker(step)
            self.scrubbed.emit(step)

    def _leave_room(self) -> None:
        """Keeps half a line of text over 1 and under 0, for the words at the axis."""
        half = 0.6 * self.fontMetrics().height()
        room = half / max(half, self.plot.plotItem.vb.height() - 2 * half)
        self.plot.setYRange(-room, 1 + room, padding=0)

    def _newest(self) -> int | None:
        return self._steps[-1] if self._steps else None

    def _show_marker(self) -> None:
        step, colours = self.marked(), ink(self.palette())
        follows = self._marker is None
        self._line.setVisible(step is not None)
        self._line.setPen(line_pen(colours.faint if follows else colours.text, 1 if follows else 2))
        if step is not None:
            self._line.setValue(step)
        known = step is not None and step <= self._total
        figures = self._values[step] if known else np.full(len(SERIES), np.nan)
        keys = []
        for number, (name, hue, dash, _) in enumerate(SERIES):
            if number % 2 and not self._both:
                continue
            write, widest = (share_text, ".888") if number < 2 else (percent_text, "88.8 %")
            value = write(float(figures[number])) if known else ""
            keys.append(Key(name, "line", "b" if hue == "b" else "a", dash, value, widest))
        self.legend.show_keys(keys)
        where = "no step yet" if step is None else f"step {step} of {self._total}"
        self.setAccessibleDescription(where)

    def _restyle(self) -> None:
        colours = ink(self.palette())
        self.plot.setBackground(colours.base)
        for curve, (_, hue, dash, width) in zip(self._curves, SERIES, strict=True):
            curve.setPen(line_pen(colours.b if hue == "b" else colours.a, width, dash))
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(line_pen(colours.grid))
            axis.setTextPen(line_pen(colours.text))
            axis.setStyle(tickFont=self.font(), tickLength=-4, tickTextOffset=4)
        left = self.plot.getAxis("left")
        left.setStyle(hideOverlappingLabels=False)
        left.setWidth(self.fontMetrics().horizontalAdvance("0.5") + 12)
        self.plot.setMinimumSize(120, 5 * self.fontMetrics().height())
        self._leave_room()
        self.plot.showGrid(x=False, y=True, alpha=0.25)
