"""The scrolled rows of the class bars: painting, mouse and keys."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from art_segplugin_gui.qt.charts.bar_data import BarData, Order
from art_segplugin_gui.qt.charts.bar_row import Columns, draw_row
from art_segplugin_gui.qt.charts.style import claims, drop_text, ink, share_text

KEYS = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
        Qt.Key.Key_H,
    }
)


class BarArea(QAbstractScrollArea):
    """One row a class. Up and Down walk, Enter clicks the row, H its eye.

    Signals:
        class_clicked(int): a row was clicked.
        class_hidden(int, bool): an eye was clicked; True where the class shall be hidden.
    """

    class_clicked = Signal(int)
    class_hidden = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data: BarData | None = None
        self._order: Order = "drop"
        self._rows: tuple[int, ...] = ()
        self._hidden: frozenset[int] = frozenset()
        self._isolated: int | None = None
        self._current: int | None = None
        self._columns: Columns | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Classes: up and down to walk, Enter to isolate, H to hide")

    def show_data(self, data: BarData | None) -> None:
        """Shows these scores, None for none."""
        known = self._data.names if self._data else None
        shape = None if self._data is None else self._data.clean.shape
        self._data = data
        self._rows = data.order(self._order) if data else ()
        if data is None or data.names != known or data.clean.shape != shape:
            self._columns = None
            self._set_range()
        if self._current is not None and self._current not in self._rows:
            self._current = None
        self.viewport().update()

    def set_order(self, order: Order) -> None:
        """Sorts the rows."""
        self._order = order
        self._rows = self._data.order(order) if self._data else ()
        self.viewport().update()

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Closes the eyes of these classes."""
        if hidden != self._hidden:
            self._hidden = hidden
            self.viewport().update()

    def set_isolated(self, isolated: int | None) -> None:
        """Marks the only class that is painted; None for all."""
        if isolated != self._isolated:
            self._isolated = isolated
            self.viewport().update()

    def rows(self) -> tuple[int, ...]:
        """Classes from the top row to the last."""
        return self._rows

    def row_rect(self, index: int) -> QRect:
        """Where a class is drawn, in coordinates of the viewport."""
        height = self._measure().height
        top = self._rows.index(index) * height - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), height)

    def eye_rect(self, index: int) -> QRect:
        """Where its eye is."""
        row = self.row_rect(index)
        return QRect(int(self._measure().eye), row.top(), row.width(), row.height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the width of a dock and some ten rows."""
        return QSize(280, 10 * self._measure().height)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Three rows."""
        return QSize(160, 3 * self._measure().height)

    def event(self, event: QEvent) -> bool:
        """Keeps the keys of the rows from the shortcuts of the window."""
        return claims(event, KEYS) or super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        """Says the whole name and all figures of the row under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self._class_at(event.pos().y())
            if index is not None:
                QToolTip.showText(event.globalPos(), self.words(index), self)
                return True
        return super().viewportEvent(event)

    def words(self, index: int) -> str:
        """A class in words, such as "car: A .81 clean, .40 adversarial (-.41)"."""
        data = self._data
        if data is None or data.absent[index]:
            return f"{data.names[index]}: absent" if data else ""
        parts = [
            f"{model} {share_text(clean)} clean, {share_text(adversarial)} adversarial"
            + (f" ({text})" if (text := drop_text(drop)) else "")
            for model, clean, adversarial, drop in zip(
                "AB"[: len(data.clean)],
                data.clean[:, index],
                data.adversarial[:, index],
                data.drop[:, index],
                strict=True,
            )
        ]
        return f"{data.names[index]}: " + "; ".join(parts)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click on the eye or on the rest of the row."""
        index = self._class_at(event.position().toPoint().y())
        if event.button() != Qt.MouseButton.LeftButton or index is None:
            return
        self._current = index
        if self.eye_rect(index).contains(event.position().toPoint()):
            self.class_hidden.emit(index, index not in self._hidden)
        else:
            self.class_clicked.emit(index)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walks through the rows, or clicks the current one."""
        key, page = event.key(), max(1, self.viewport().height() // self._measure().height - 1)
        here = self._rows.index(self._current) if self._current is not None else -1
        goals = {
            Qt.Key.Key_Up: max(0, here - 1),
            Qt.Key.Key_Down: here + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(self._rows) - 1,
            Qt.Key.Key_PageUp: max(0, here - page),
            Qt.Key.Key_PageDown: here + page,
        }
        if not self._rows or key not in KEYS:
            super().keyPressEvent(event)
        elif key in goals:
            self._go(min(goals[Qt.Key(key)], len(self._rows) - 1))
        elif self._current is not None and key == Qt.Key.Key_H:
            self.class_hidden.emit(self._current, self._current not in self._hidden)
        elif self._current is not None:
            self.class_clicked.emit(self._current)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Measures anew."""
        self._columns = None
        self._set_range()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measures anew for another font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._columns = None
            self._set_range()
            self.updateGeometry()
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Shows where the keys go."""
        if self._current is None and self._rows:
            self._current = self._rows[0]
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Hides it."""
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the rows that can be seen."""
        painter = QPainter(self.viewport())
        colours, columns, data = ink(self.palette()), self._measure(), self._data
        width, height = self.viewport().width(), columns.height
        painter.fillRect(self.viewport().rect(), colours.base)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if data is None:
            painter.setPen(colours.faint)
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect(), middle, "No scores yet")
            painter.end()
            return
        offset = self.verticalScrollBar().value()
        first = offset // height
        last = (offset + self.viewport().height()) // height
        for row, index in enumerate(self._rows[first : last + 1], start=first):
            box = QRectF(0, row * height - offset, width, height)
            alone = self._isolated in (None, index)
            draw_row(painter, box, columns, data, index, colours, index in self._hidden, alone)
            if index == self._isolated:
                painter.fillRect(QRectF(box.topLeft(), QSize(3, height)), colours.accent)
            if index == self._current and self.hasFocus():
                painter.setPen(colours.accent)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _measure(self) -> Columns:
        if self._columns is None:
            bold = QFont(self.font())
            bold.setBold(True)
            names = self._data.names if self._data else ()
            models = len(self._data.clean) if self._data else 1
            width = self.viewport().width()
            self._columns = Columns.fit(
                width, names, models, QFontMetrics(self.font()), QFontMetrics(bold), bold
            )
        return self._columns

    def _class_at(self, y: int) -> int | None:
        row = (y + self.verticalScrollBar().value()) // self._measure().height
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _go(self, row: int) -> None:
        self._current = self._rows[row]
        height, bar = self._measure().height, self.verticalScrollBar()
        bottom = (row + 1) * height - self.viewport().height()
        bar.setValue(min(row * height, max(bar.value(), bottom)))
        self.viewport().update()

    def _set_range(self) -> None:
        height = self._measure().height
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, len(self._rows) * height - self.viewport().height()))
        bar.setSingleStep(height)
        bar.setPageStep(max(1, self.viewport().height()))
