"""The confusion matrix: its counts as shares and words, its cells, and the switch above them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.style import Ink, claims, hatch, ink, line_pen, mixed, readable_on
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

Shown = Literal["clean", "adversarial", "difference"]
SHOWN: tuple[Shown, ...] = ("clean", "adversarial", "difference")
HINT = "Click a cell to see its pixels"

PAD = 4.0
LEVELS = 128
"""Colours for shares, and as many for losses."""
MOVES = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}
KEYS = frozenset({*MOVES, Qt.Key.Key_Return, Qt.Key.Key_Enter})


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pixels of each (true, predicted) pair of classes, clean and adversarial.

    Attributes:
        names: of all classes.
        clean: int64 (c, c).
        adversarial: int64 (c, c); None before there is one.
    """

    names: tuple[str, ...]
    clean: NDArray[np.int64]
    adversarial: NDArray[np.int64] | None

    @cached_property
    def present(self) -> tuple[int, ...]:
        """Classes that are true or predicted anywhere: only they are drawn."""
        both = self.clean if self.adversarial is None else self.clean + self.adversarial
        there = both.any(axis=0) | both.any(axis=1)
        return tuple(int(index) for index in np.flatnonzero(there))

    def shares(self, shown: Shown) -> NDArray[np.float64]:
        """What each cell shows, float64 (c, c): shares of the row, -1..1 for the difference.

        NaN in the rows of classes that are not true anywhere, and where there is nothing yet.
        """
        if shown == "clean" or self.adversarial is None:
            return _of_rows(self.clean) if shown == "clean" else np.full(self.clean.shape, np.nan)
        adversarial = _of_rows(self.adversarial)
        return adversarial if shown == "adversarial" else adversarial - _of_rows(self.clean)

    def words(self, true: int, predicted: int, shown: Shown) -> str:
        """A cell in words: "road taken for car: 1234 px, 3.1 % of road"."""
        row = self.names[true]
        what = f"{row} right" if true == predicted else f"{row} taken for {self.names[predicted]}"
        share = float(self.shares(shown)[true, predicted])
        if np.isnan(share):
            reason = "no attack yet" if self.adversarial is None else f"no pixel of {row}"
            return f"{what}: {reason}"
        clean = int(self.clean[true, predicted])
        adversarial = 0 if self.adversarial is None else int(self.adversarial[true, predicted])
        if shown == "difference":
            change = f"{adversarial - clean:+d} px, {100 * share:+.1f} % of {row}"
            return f"{what}: {change} ({clean} px clean, {adversarial} px adversarial)"
        pixels = clean if shown == "clean" else adversarial
        text = "<0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
        return f"{what}: {pixels} px, {text} of {row}"


def confusion(
    names: Sequence[str], clean_counts: ArrayLike, adv_counts: ArrayLike | None
) -> Confusion:
    """Checks the counts.

    Raises:
        InputError: they are not whole numbers from 0 up in the shape (c, c).
    """
    counts = _counts(clean_counts, len(names))
    adversarial = None if adv_counts is None else _counts(adv_counts, len(names))
    return Confusion(tuple(names), counts, adversarial)


def _counts(values: ArrayLike, classes: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.shape != (classes, classes) or array.dtype.kind not in "iu":
        raise InputError(
            f"A confusion matrix is {array.dtype} {array.shape}; for {classes} classes "
            f"give whole numbers of shape ({classes}, {classes})."
        )
    if (array < 0).any():
        raise InputError(f"A confusion matrix holds {array.min()}; give counts from 0 up.")
    return array.astype(np.int64, copy=False)


def _of_rows(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals, out=shares, where=totals > 0)
    return shares


@dataclass(frozen=True, eq=False)
class MatrixLayout:
    """Geometry in logical pixels.

    Attributes:
        size: of the widget.
        left: left edge of the cells.
        top: upper edge of the cells.
        cell: side of a cell.
        count: cells in a row.
        rows: names beside the rows, as they fit.
        columns: names over the columns, as they fit; they are written upwards.
        stride: every which name is drawn, so that they do not overlap.
    """

    size: QSize
    left: float
    top: float
    cell: float
    count: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    stride: int

    @classmethod
    def fit(cls, size: QSize, names: Sequence[str], metrics: QFontMetrics) -> Self:
        """The largest square of cells beside names that take at most 30 % of the room."""
        count = max(1, len(names))
        longest = max((metrics.horizontalAdvance(name) for name in names), default=0) + 3.0
        left = min(longest, 0.3 * size.width()) + PAD
        top = min(longest, 0.3 * size.height()) + PAD
        cell = max(0.5, min(size.width() - left - 1, size.height() - top - 1) / count)
        if cell >= 6:
            cell = math.floor(cell)

        def fitted(room: float) -> tuple[str, ...]:
            end = Qt.TextElideMode.ElideRight
            return tuple(metrics.elidedText(name, end, int(room - PAD)) for name in names)

        return cls(
            size=size,
            left=left,
            top=top,
            cell=cell,
            count=len(names),
            rows=fitted(left),
            columns=fitted(top),
            stride=max(1, math.ceil(0.9 * metrics.height() / cell)),
        )

    def square(self) -> QRectF:
        """All cells."""
        side = self.count * self.cell
        return QRectF(self.left, self.top, side, side)

    def rect(self, row: int, column: int) -> QRectF:
        """One cell."""
        left, top = self.left + column * self.cell, self.top + row * self.cell
        return QRectF(left, top, self.cell, self.cell)

    def at(self, point: QPointF) -> tuple[int, int] | None:
        """The (row, column) under a point; None beside the cells."""
        row = math.floor((point.y() - self.top) / self.cell)
        column = math.floor((point.x() - self.left) / self.cell)
        inside = 0 <= row < self.count and 0 <= column < self.count
        return (row, column) if inside else None

    def named(self, marked: int | None) -> list[int]:
        """Rows, or columns, whose names are drawn: the marked one, and others clear of it."""
        regular = range(0, self.count, self.stride)
        if marked is None:
            return list(regular)
        return [marked, *(n for n in regular if abs(n - marked) >= self.stride)]


class Matrix(QWidget):
    """Arrows move the cursor, Enter selects its cell, Escape lets it go.

    Signals:
        picked(int, int): the (true, predicted) cell was selected.
        dropped(): it was let go.
        pointed(): the cursor moved.
    """

    picked = Signal(int, int)
    dropped = Signal()
    pointed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: Confusion | None = None
        self._shown: Shown = "clean"
        self._layout: MatrixLayout | None = None
        self._levels: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)
        self.selected: tuple[int, int] | None = None
        self.cursor_at: tuple[int, int] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Confusion matrix: arrows to move, Enter to select, Escape to clear")

    def show_data(self, data: Confusion | None, shown: Shown) -> None:
        """Shows these counts."""
        before = (self._data.present, self._data.names) if self._data else None
        self._data, self._shown = data, shown
        if data is None or (data.present, data.names) != before:
            self._layout = None
        present = data.present if data else ()
        if self.cursor_at and not set(self.cursor_at) <= set(present):
            self.cursor_at = None
        if data:
            shares = data.shares(shown)[np.ix_(present, present)]
            # A square root, so that one pixel in a hundred can still be seen.
            level = np.copysign(np.sqrt(np.abs(np.nan_to_num(shares))), np.nan_to_num(shares))
            self._levels = (LEVELS * (1 + level) - 1).clip(0, 255).astype(np.uint8)
        self.update()

    def layout_of_cells(self) -> MatrixLayout:
        """Where everything is."""
        if self._layout is None or self._layout.size != self.size():
            names = [self._data.names[i] for i in self._data.present] if self._data else []
            self._layout = MatrixLayout.fit(self.size(), names, self.fontMetrics())
        return self._layout

    def cell_rect(self, true: int, predicted: int) -> QRectF:
        """Where the cell of two classes is drawn; both must be present."""
        present = self._data.present if self._data else ()
        return self.layout_of_cells().rect(present.index(true), present.index(predicted))

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as a dock is wide."""
        return QSize(280, 280)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Small, but with names."""
        return QSize(120, 120)

    def event(self, event: QEvent) -> bool:
        """Keeps keys from the shortcuts of the window; says what is under the mouse."""
        keys = KEYS | {Qt.Key.Key_Escape} if self.selected else KEYS
        if claims(event, keys):
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell, data = self._cell_at(QPointF(event.pos())), self._data
            if cell and data:
                QToolTip.showText(event.globalPos(), data.words(*cell, self._shown), self)
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Selects a cell, or lets it go."""
        cell = self._cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell:
            self.cursor_at = cell
            self._toggle(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Moves the cursor, and the selection with it where there is one."""
        key, data = event.key(), self._data
        if key == Qt.Key.Key_Escape and self.selected:
            self._toggle(self.selected)
        elif data is None or not data.present or key not in KEYS:
            super().keyPressEvent(event)
        elif key not in MOVES:
            if self.cursor_at:
                self._toggle(self.cursor_at)
        else:
            present, (down, right) = data.present, MOVES[Qt.Key(key)]
            if self.cursor_at:
                row, column = (present.index(index) for index in self.cursor_at)
                row, column = row + down, column + right
            else:
                row = column = 0
            last = len(present) - 1
            self.cursor_at = present[min(max(row, 0), last)], present[min(max(column, 0), last)]
            if self.selected and self.cursor_at != self.selected:
                self._toggle(self.cursor_at)
            self.pointed.emit()
            self.update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measures anew for another font."""
        super().changeEvent(event)
        self._layout = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws cells, names and marks."""
        painter, colours = QPainter(self), ink(self.palette())
        painter.fillRect(self.rect(), colours.base)
        data, place = self._data, self.layout_of_cells()
        if data is None or not data.present:
            painter.setPen(colours.faint)
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), middle, "No counts yet")
            painter.end()
            return
        table = colour_table(colours)
        self._draw_cells(painter, data, place, table, colours)
        self._draw_names(painter, data, place, colours)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        marks = (
            (self.cursor_at, colours.faint, self.hasFocus()),
            (self.selected, colours.text, True),
        )
        for cell, colour, visible in marks:
            if cell and visible and set(cell) <= set(data.present):
                painter.setPen(line_pen(colour, 2))
                painter.drawRect(self.cell_rect(*cell).adjusted(-1, -1, 1, 1))
        painter.end()

    def _draw_cells(
        self,
        painter: QPainter,
        data: Confusion,
        place: MatrixLayout,
        table: list[int],
        colours: Ink,
    ) -> None:
        count, levels = place.count, np.ascontiguousarray(self._levels)
        image = QImage(levels.data, count, count, count, QImage.Format.Format_Indexed8)
        image.setColorTable(table)
        painter.drawImage(place.square(), image.convertToFormat(QImage.Format.Format_RGB32))
        shares = data.shares(self._shown)[np.ix_(data.present, data.present)]
        for row in np.flatnonzero(np.isnan(shares).any(axis=1)):
            first = place.rect(int(row), 0)
            first.setWidth(place.square().width())
            painter.fillRect(first, hatch(colours.grid))
        signed = self._shown == "difference"
        if place.cell >= 4:
            painter.setPen(line_pen(mixed(colours.base, colours.grid, 0.6)))
            for n in range(count + 1):
                line = n * place.cell
                right, bottom = place.square().right(), place.square().bottom()
                painter.drawLine(
                    QPointF(place.left, place.top + line), QPointF(right, place.top + line)
                )
                painter.drawLine(
                    QPointF(place.left + line, place.top), QPointF(place.left + line, bottom)
                )
        if place.cell < self.fontMetrics().horizontalAdvance("-100" if signed else "100") + 3:
            return
        for row, column in np.argwhere(np.abs(np.nan_to_num(shares)) >= 0.005):
            text = f"{100 * shares[row, column]:{'+' if signed else ''}.0f}"
            painter.setPen(readable_on(QColor.fromRgb(table[int(levels[row, column])])))
            cell = place.rect(int(row), int(column))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, text)

    def _draw_names(
        self, painter: QPainter, data: Confusion, place: MatrixLayout, colours: Ink
    ) -> None:
        marked = self.selected or (self.cursor_at if self.hasFocus() else None)
        both = marked is not None and set(marked) <= set(data.present)
        row, column = (data.present.index(i) for i in marked) if marked and both else (None, None)
        metrics = self.fontMetrics()
        rise = (metrics.ascent() - metrics.descent()) / 2
        for n in place.named(row):
            painter.setPen(colours.text if row in (None, n) else colours.faint)
            left = place.left - PAD - metrics.horizontalAdvance(place.rows[n])
            painter.drawText(QPointF(left, place.rect(n, 0).center().y() + rise), place.rows[n])
        painter.rotate(-90)
        for n in place.named(column):
            painter.setPen(colours.text if column in (None, n) else colours.faint)
            across = place.rect(0, n).center().x() + rise
            painter.drawText(QPointF(PAD - place.top, across), place.columns[n])
        painter.resetTransform()

    def _cell_at(self, point: QPointF) -> tuple[int, int] | None:
        place = self.layout_of_cells().at(point)
        if place is None or self._data is None:
            return None
        return self._data.present[place[0]], self._data.present[place[1]]

    def _toggle(self, cell: tuple[int, int]) -> None:
        if cell == self.selected:
            self.selected = None
            self.dropped.emit()
        else:
            self.selected = cell
            self.picked.emit(*cell)
        self.update()


@lru_cache(maxsize=4)
def colour_table(colours: Ink) -> list[int]:
    """256 colours: lost pixels below the middle, shares and gained pixels above it."""
    low = [mixed(colours.base, colours.less, 1 - n / LEVELS) for n in range(1, LEVELS + 1)]
    high = [mixed(colours.base, colours.more, n / LEVELS) for n in range(1, LEVELS + 1)]
    return [colour.rgb() for colour in (*low, *high)]


class ConfusionView(QWidget):
    """Which classes are taken for which: rows are true classes, columns predicted ones.

    Only classes that occur are drawn.

    Signals:
        cell_clicked(int, int): the (true, predicted) pair whose pixels shall be shown.
        cleared(): all pixels shall be shown again.
        shown_changed(str): the user switched to "clean", "adversarial" or "difference".
    """

    cell_clicked = Signal(int, int)
    cleared = Signal()
    shown_changed = Signal(str)

    def __init__(self, title: str = "Confusion", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Confusion of classes")
        self._data: Confusion | None = None
        self.title = WrappedLabel(title, lines=2, steady=True)
        self.switch = QComboBox()
        self.switch.setAccessibleName("Which confusion matrix")
        for shown in SHOWN:
            self.switch.addItem(shown, shown)
        self.switch.setCurrentIndex(SHOWN.index("adversarial"))
        self.axes = WrappedLabel(lines=1, steady=True)
        self.matrix = Matrix()
        self.words = WrappedLabel(HINT, lines=3, steady=True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.switch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.axes)
        layout.addWidget(self.matrix, 1)
        layout.addWidget(self.words)
        self.switch.currentIndexChanged.connect(self._refresh)
        self.switch.activated.connect(lambda _: self.shown_changed.emit(self.shown))
        self.matrix.picked.connect(self.cell_clicked)
        self.matrix.dropped.connect(self.cleared)
        for signal in (self.matrix.picked, self.matrix.dropped, self.matrix.pointed):
            signal.connect(self._say)
        self._labelled = True
        self._refresh()

    @property
    def shown(self) -> Shown:
        """Which matrix is drawn."""
        return SHOWN[self.switch.currentIndex()]

    def show_counts(
        self,
        names: Sequence[str],
        clean_counts: ArrayLike,
        adv_counts: ArrayLike | None,
        labelled: bool = True,
    ) -> None:
        """Shows counts.

        Args:
            names: of the classes, c of them.
            clean_counts: pixels of each (true, predicted) pair, int64 (c, c).
            adv_counts: the same under attack, None before there is one.
            labelled: rows are true classes; else what the model predicts on the clean image.

        Raises:
            InputError: the counts are of another shape, negative, or no whole numbers.
        """
        self._data = confusion(names, clean_counts, adv_counts)
        self._labelled = labelled
        cell = self.matrix.selected
        if cell and max(cell) >= len(names):
            self.matrix.selected = None
        self._refresh()

    def clear(self) -> None:
        """Shows that there are no counts."""
        self._data = None
        self.matrix.selected = None
        self._refresh()

    def set_shown(self, shown: Shown) -> None:
        """Switches to "clean", "adversarial" or "difference"."""
        self.switch.setCurrentIndex(SHOWN.index(shown))

    def set_selected(self, pair: tuple[int, int] | None) -> None:
        """Selects the cell of a (true, predicted) pair of classes; None for none."""
        if pair == self.matrix.selected:
            return
        self.matrix.selected = pair
        if pair:
            self.matrix.cursor_at = pair
        self.matrix.update()
        self._say()

    def set_title(self, title: str) -> None:
        """Names what the counts are of."""
        self.title.say(title)

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock."""
        return QSize(300, super().sizeHint().height())

    def _refresh(self) -> None:
        self.matrix.show_data(self._data, self.shown)
        rows = "true class" if self._labelled else "clean prediction"
        self.axes.say(f"Row: {rows}; column: predicted; % of row")
        self._say()

    def _say(self) -> None:
        cell, data = self.matrix.selected or self.matrix.cursor_at, self._data
        if data is None:
            text = ""
        elif cell is None:
            text = (
                HINT if data.adversarial is not None or self.shown == "clean" else "No attack yet"
            )
        else:
            text = data.words(*cell, self.shown)
        self.words.say(text)
        self.matrix.setAccessibleDescription(text)
