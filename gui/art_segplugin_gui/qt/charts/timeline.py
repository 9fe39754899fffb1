"""Frames of a clip or a folder: error rates, the current frame, the range that is attacked."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.charts.style import Ink, claims, hatch, ink, line_pen, mixed
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

TOPS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Where the axis can end."""
STRIDES = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -10,
    Qt.Key.Key_PageDown: 10,
}
ENDS = frozenset({Qt.Key.Key_I, Qt.Key.Key_O})
KEYS = frozenset({*STRIDES, *ENDS, Qt.Key.Key_Home, Qt.Key.Key_End})
HANDLE = 7.0


def checked_rates(values: ArrayLike, count: int) -> NDArray[np.float64]:
    """Rates of each frame as float64 (count,).

    Raises:
        InputError: another shape, or values outside 0..1 that are not NaN.
    """
    array = np.array(values, dtype=np.float64)  # a copy: the caller may go on writing
    if array.shape != (count,):
        raise InputError(
            f"Error rates have shape {array.shape}; for {count} frames give ({count},)."
        )
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise InputError(f"An error rate is {array[outside][0]:g}; give values in 0..1 or NaN.")
    return array


def binned(
    rates: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (in frames) and values of at most `columns` points.

    Where several frames share a column the largest rate stands for them, so that no bad frame is
    lost; NaN only where none of them is known.
    """
    count = len(rates)
    if count <= columns:
        return np.arange(count, dtype=np.float64) + 0.5, rates
    edges = np.linspace(0, count, columns + 1).astype(np.int64)
    centres: NDArray[np.float64] = (edges[:-1] + edges[1:]).astype(np.float64) / 2
    return centres, np.fmax.reduceat(rates, edges[:-1])


def runs(known: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True as (first, one past the last)."""
    padded = np.concatenate([[False], known, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def top_of(*rates: NDArray[np.float64]) -> float:
    """Upper end of the axis: the smallest of TOPS that holds every rate."""
    largest = max((float(np.nanmax(r)) for r in rates if not np.isnan(r).all()), default=0.0)
    return next(top for top in TOPS if top >= largest)


def time_text(seconds: float) -> str:
    """A time in a clip, such as `0:01.48`."""
    cents = math.floor(100 * seconds + 0.5)
    return f"{cents // 6000}:{cents // 100 % 60:02d}.{cents % 100:02d}"


class Track(QWidget):
    """Left and Right go one frame, Page keys ten, Home and End to the ends; I and O set the range.

    Signals:
        frame_chosen(int): the user goes to this frame.
        range_chosen(int, int): first and last frame of the new range.
        moved(): something of it changed by hand.
    """

    frame_chosen = Signal(int)
    range_chosen = Signal(int, int)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Frames: left and right to walk, I and O for the ends of the range")
        self.start(0)

    def start(self, count: int) -> None:
        """Empties it for a number of frames."""
        self.count = count
        self.current = self.first = 0
        self.last = max(0, count - 1)
        self.clean: NDArray[np.float64] = np.full(count, np.nan)
        self.adversarial: NDArray[np.float64] = np.full(count, np.nan)
        self._drag = ""
        self.update()

    def set_current(self, index: int) -> None:
        """Marks a frame."""
        before, self.current = self.current, self._inside(index)
        if before != self.current:
            self.update()

    def set_range(self, first: int, last: int | None) -> None:
        """Marks a range."""
        end = self.count - 1 if last is None else last
        before = self.first, self.last
        self.first, self.last = sorted((self._inside(first), self._inside(end)))
        if before != (self.first, self.last):
            self.update()

    def set_rates(self, clean: NDArray[np.float64], adversarial: NDArray[np.float64]) -> None:
        """Shows rates of each frame."""
        self.clean, self.adversarial = clean, adversarial
        self.update()

    def plot_rect(self) -> QRectF:
        """Where the curves are."""
        label = self.fontMetrics().horizontalAdvance("100 %") + 6.0
        bottom = self._strip_height()
        return QRectF(self.rect()).adjusted(label, 4, -HANDLE - 2, -bottom)

    def x_of(self, frame: float) -> float:
        """Left edge of a frame."""
        box = self.plot_rect()
        return box.left() + box.width() * frame / max(1, self.count)

    def handle_rect(self, end: str) -> QRectF:
        """Where the handle "first" or "last" can be taken."""
        at = self.x_of(self.first) if end == "first" else self.x_of(self.last + 1)
        left = at - HANDLE if end == "first" else at
        return QRectF(left, self.plot_rect().bottom() + 2, HANDLE, self._strip_height() - 4)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Low: it lies under the pictures."""
        return QSize(280, 4 * self.fontMetrics().height() + 8)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Two lines of text and the strip."""
        return QSize(140, 3 * self.fontMetrics().height() + 8)

    def event(self, event: QEvent) -> bool:
        """Keeps its keys from the shortcuts of the window."""
        return claims(event, KEYS) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Takes a handle, or goes to a frame."""
        if event.button() != Qt.MouseButton.LeftButton or self.count == 0:
            return
        point = event.position()
        reach = {e: self.handle_rect(e).adjusted(-4, -2, 4, 4) for e in ("first", "last")}
        near = [end for end, box in reach.items() if box.contains(point)]
        near.sort(key=lambda end: abs(reach[end].center().x() - point.x()))
        self._drag = near[0] if near else "frame"
        self._before = (self.first, self.last)
        if self._drag == "frame":
            self._go(self._frame_at(point.x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drags what was taken."""
        frame = self._frame_at(event.position().x())
        if self._drag == "frame":
            self._go(frame)
        elif self._drag:
            self._set_end(self._drag, frame)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Lets it go."""
        if self._drag in {"first", "last"} and (self.first, self.last) != self._before:
            self.range_chosen.emit(self.first, self.last)
        self._drag = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walks, or sets an end of the range to the current frame."""
        key = event.key()
        if self.count == 0 or key not in KEYS:
            super().keyPressEvent(event)
        elif key in ENDS:
            before = (self.first, self.last)
            self._set_end("first" if key == Qt.Key.Key_I else "last", self.current)
            if (self.first, self.last) != before:
                self.range_chosen.emit(self.first, self.last)
        elif key in STRIDES:
            self._go(self._inside(self.current + STRIDES[Qt.Key(key)]))
        else:
            self._go(0 if key == Qt.Key.Key_Home else self.count - 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws curves, range and marker."""
        painter, colours, box = QPainter(self), ink(self.palette()), self.plot_rect()
        painter.fillRect(self.rect(), colours.base)
        if self.count == 0:
            painter.setPen(colours.faint)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No frames")
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = top_of(self.clean, self.adversarial)
        self._draw_scale(painter, box, top, colours)
        self._draw_curve(painter, box, top, colours, adversarial=True)
        self._draw_curve(painter, box, top, colours, adversarial=False)
        self._draw_range(painter, box, colours)
        middle = self.x_of(self.current + 0.5)
        painter.setPen(line_pen(colours.text, 2))
        painter.drawLine(QPointF(middle, 1), QPointF(middle, box.bottom()))
        if self.hasFocus():
            painter.setPen(line_pen(colours.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _draw_scale(self, painter: QPainter, box: QRectF, top: float, colours: Ink) -> None:
        metrics = self.fontMetrics()
        for share in (0.0, 1.0):
            y = box.bottom() - share * box.height()
            painter.setPen(line_pen(colours.grid))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            text = f"{100 * share * top:.0f} %"
            left = box.left() - 4 - metrics.horizontalAdvance(text)
            painter.setPen(colours.text)
            painter.drawText(QPointF(left, y + (metrics.ascent() - 1 if share else 0)), text)

    def _draw_curve(
        self, painter: QPainter, box: QRectF, top: float, colours: Ink, adversarial: bool
    ) -> None:
        rates = self.adversarial if adversarial else self.clean
        frames, values = binned(rates, max(1, int(box.width())))
        half = 0.5 * self.count / len(frames)
        for start, end in runs(~np.isnan(values)):
            # A run reaches to the edges of its first and last frame, so that one frame has a width.
            at = np.concatenate(
                [[frames[start] - half], frames[start:end], [frames[end - 1] + half]]
            )
            x = box.left() + at * (box.width() / self.count)
            y = box.bottom() - np.pad(values[start:end], 1, mode="edge") * (box.height() / top)
            points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if adversarial:
                ends = [QPointF(x[-1], box.bottom()), QPointF(x[0], box.bottom())]
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(mixed(colours.base, colours.a, 0.55))
                painter.drawPolygon(QPolygonF([*points, *ends]))
            # Qt has a fast way for lines of width 1 only; a wider one costs 3 ms.
            painter.setPen(line_pen(colours.a if adversarial else colours.text))
            painter.drawPolyline(QPolygonF(points))

    def _draw_range(self, painter: QPainter, box: QRectF, colours: Ink) -> None:
        """The strip under the curves: frames to do are hatched, those done are filled."""
        bar = self.handle_rect("first")
        bar.setLeft(self.x_of(self.first))
        bar.setRight(self.x_of(self.last + 1))
        strip = QRectF(box.left(), bar.top(), box.width(), bar.height())
        painter.fillRect(strip, mixed(colours.base, colours.grid, 0.4))
        painter.fillRect(bar, hatch(colours.faint))
        _, done = binned(self.adversarial, max(1, int(box.width())))
        scale = self.count / len(done)
        painter.save()
        painter.setClipRect(bar)
        for start, end in runs(~np.isnan(done)):
            left, right = self.x_of(start * scale), self.x_of(end * scale)
            painter.fillRect(QRectF(left, bar.top(), right - left, bar.height()), colours.a)
        painter.restore()
        veil = mixed(colours.base, colours.grid, 0.8)
        veil.setAlpha(120)
        for left, right in ((box.left(), bar.left()), (bar.right(), box.right())):
            painter.fillRect(QRectF(left, box.top(), right - left, box.height()), veil)
        painter.setPen(line_pen(colours.base))
        painter.setBrush(colours.text)
        for end_name in ("first", "last"):
            painter.drawRoundedRect(self.handle_rect(end_name), 2, 2)

    def _strip_height(self) -> float:
        return 0.8 * self.fontMetrics().height() + 4

    def _inside(self, frame: int) -> int:
        return max(0, min(frame, self.count - 1))

    def _frame_at(self, x: float) -> int:
        box = self.plot_rect()
        return self._inside(int((x - box.left()) / max(1.0, box.width()) * self.count // 1))

    def _go(self, frame: int) -> None:
        if frame != self.current:
            self.set_current(frame)
            self.moved.emit()
            self.frame_chosen.emit(frame)

    def _set_end(self, end: str, frame: int) -> None:
        if end == "first":
            self.first = min(frame, self.last)
        else:
            self.last = max(frame, self.first)
        self.moved.emit()
        self.update()


class Timeline(QWidget):
    """Press or drag in the curve for a frame, drag the two handles for the range.

    Signals:
        frame_chosen(int): the user goes to this frame; also while the mouse is dragged.
        range_chosen(int, int): first and last frame, when a handle was let go.
    """

    frame_chosen = Signal(int)
    range_chosen = Signal(int, int)

    def __init__(self, title: str = "Frames", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self._name = title
        self._fps: float | None = None
        self.title = WrappedLabel(lines=1, steady=True)
        self.legend = Legend()
        self.legend.show_keys([Key("clean", "line", "text"), Key("adversarial", "fill")])
        self.track = Track()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addWidget(self.legend)
        layout.addWidget(self.track, 1)
        self.track.frame_chosen.connect(self.frame_chosen)
        self.track.range_chosen.connect(self.range_chosen)
        self.track.moved.connect(self._say)
        self._say()

    def set_frames(self, count: int, fps: float | None = None) -> None:
        """Starts anew: no rates, all frames in the range, the first one current.

        Args:
            count: number of frames, 0 for none.
            fps: frames per second; None for pictures without a time.

        Raises:
            InputError: a negative count, or a rate that is not positive.
        """
        if count < 0 or (fps is not None and not fps > 0):
            raise InputError(f"A timeline of {count} frames at {fps} per second was asked for.")
        self._fps = fps
        self.track.start(count)
        self._say()

    def set_current(self, index: int) -> None:
        """Marks the frame that is looked at; one outside is taken to the nearest end."""
        self.track.set_current(index)
        self._say()

    def set_range(self, first: int, last: int | None) -> None:
        """Marks the range that is played and attacked, both ends included; None for the end."""
        self.track.set_range(first, last)
        self._say()

    def set_rates(self, clean: ArrayLike, adversarial: ArrayLike) -> None:
        """Shows shares of wrong pixels.

        Args:
            clean: of each frame, (count,), 0..1; NaN where it is not known.
            adversarial: the same under attack; known means that the frame is done.

        Raises:
            InputError: another shape, or values outside 0..1.
        """
        count = self.track.count
        self.track.set_rates(checked_rates(clean, count), checked_rates(adversarial, count))
        self._say()

    def set_title(self, title: str) -> None:
        """Names what the frames are of, such as the file, or "vs clean prediction"."""
        self._name = title
        self._say()

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock."""
        return QSize(300, super().sizeHint().height())

    def _say(self) -> None:
        track = self.track
        if track.count == 0:
            self.title.say(f"no frames; {self._name}")
            return
        where = f"frame {track.current + 1} of {track.count}"
        if self._fps:
            where += f", {time_text(track.current / self._fps)}"
        chosen = track.adversarial[track.first : track.last + 1]
        done = int((~np.isnan(chosen)).sum())
        whole = (track.first, track.last) == (0, track.count - 1)
        part = "" if whole else f"; range {track.first + 1} to {track.last + 1}"
        attacked = f"; {done} of {len(chosen)} attacked" if done else ""
        # The figures come first: where the line is too long the name is elided.
        self.title.say(f"{where}{part}{attacked}; {self._name}")
        self.setAccessibleDescription(self.title.text())
