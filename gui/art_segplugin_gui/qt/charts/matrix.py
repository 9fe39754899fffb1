"""The cells of a confusion matrix: painting, mouse and keys."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from art_segplugin_gui.qt.charts.cell_words import Confusion, Shown
from art_segplugin_gui.qt.charts.matrix_layout import PAD, MatrixLayout
from art_segplugin_gui.qt.charts.style import Ink, claims, hatch, ink, line_pen, mixed, readable_on

MOVES = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}
KEYS = frozenset({*MOVES, Qt.Key.Key_Return, Qt.Key.Key_Enter})
LEVELS = 128


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

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Shows the cursor."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Hides it."""
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
