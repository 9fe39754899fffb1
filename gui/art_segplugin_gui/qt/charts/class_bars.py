"""IoU of each class, clean against adversarial, for one or two models: a table that draws bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.legend import Key, Legend
from art_segplugin_gui.qt.charts.style import (
    claims,
    drop_text,
    hatch,
    ink,
    line_pen,
    mixed,
    share_text,
)
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

Order = Literal["drop", "class"]
ORDERS: tuple[tuple[Order, str], ...] = (("drop", "by drop"), ("class", "by class"))

SMALLEST_FALL = 0.005
"""Below it the change is written as 0, and no class is marked as the worst."""

NAME, IOU, CHANGE, EYE = range(4)
HEADERS = ("Class", "IoU", "Change", "Shown")
"""Columns of the table; their headers are for screen readers."""

Index = QModelIndex | QPersistentModelIndex
PAD = 5
CLICKS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
WALKS = frozenset(
    {
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
    }
)
KEYS = WALKS | CLICKS | {Qt.Key.Key_H}


@dataclass(frozen=True, eq=False)
class BarData:
    """IoU of each class of one or two models.

    Attributes:
        names: of the classes.
        colours: of the classes, RGB 0..255.
        clean: float64 (m, c) with m = 1 or 2 models; NaN where the class is absent.
        adversarial: float64 (m, c).
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    clean: NDArray[np.float64]
    adversarial: NDArray[np.float64]

    @cached_property
    def drop(self) -> NDArray[np.float64]:
        """Adversarial minus clean, float64 (m, c); NaN where one of them is absent."""
        return self.adversarial - self.clean

    @cached_property
    def absent(self) -> NDArray[np.bool_]:
        """Classes that no map of any model has, bool (c,)."""
        known = ~np.isnan(np.concatenate([self.clean, self.adversarial]))
        absent: NDArray[np.bool_] = known.sum(axis=0) == 0
        return absent

    @cached_property
    def worst(self) -> int | None:
        """The class that fell most for the first model; None where none fell."""
        fall = np.where(np.isnan(self.drop[0]), 0.0, self.drop[0])
        if fall.size == 0 or fall.min() > -SMALLEST_FALL:
            return None
        return int(fall.argmin())

    def change_text(self, model: int, index: int) -> str:
        """How the IoU of a class changed: `-.41`, or "new", "gone" or "n/a" without a number."""
        text = drop_text(float(self.drop[model, index]))
        if text:
            return text
        # It is predicted on one of the two images only, and is in neither truth.
        new, gone = (np.isnan(s[model, index]) for s in (self.clean, self.adversarial))
        return "n/a" if new == gone else "new" if new else "gone"

    def words(self, index: int) -> str:
        """A class in words, such as "car: A .81 clean, .40 adversarial (-.41)"."""
        if self.absent[index]:
            return f"{self.names[index]}: absent"
        parts = [
            f"{model} {share_text(clean)} clean, {share_text(adversarial)} adversarial"
            + (f" ({text})" if (text := drop_text(drop)) else "")
            for model, clean, adversarial, drop in zip(
                "AB"[: len(self.clean)],
                self.clean[:, index],
                self.adversarial[:, index],
                self.drop[:, index],
                strict=True,
            )
        ]
        return f"{self.names[index]}: " + "; ".join(parts)

    def order(self, order: Order) -> tuple[int, ...]:
        """Classes from the top row to the last.

        By "drop" the largest fall comes first, then classes without one; ties are in class order.
        By "class" it is the order of the classes. Absent classes are at the end either way.
        """
        fall = np.where(np.isnan(self.drop[0]), np.inf, self.drop[0])
        keys = fall if order == "drop" else np.zeros(len(self.names))
        rows = np.lexsort((np.arange(len(self.names)), keys, self.absent))
        return tuple(int(row) for row in rows)


def bar_data(
    names: Sequence[str],
    colours: Sequence[tuple[int, int, int]],
    a_clean: ArrayLike,
    a_adv: ArrayLike,
    b_clean: ArrayLike | None = None,
    b_adv: ArrayLike | None = None,
) -> BarData:
    """Checks the arrays and puts the models together.

    Raises:
        InputError: B has one of two arrays, or an array is not (c,) of NaN and values in 0..1.
    """
    if (b_clean is None) != (b_adv is None):
        raise InputError("B has scores on one of two images; give b_clean and b_adv, or neither.")
    if len(colours) != len(names):
        raise InputError(f"{len(colours)} colours for {len(names)} classes; give one for each.")
    models = [(a_clean, a_adv)]
    if b_clean is not None and b_adv is not None:
        models.append((b_clean, b_adv))
    checked = [[_scores(values, len(names)) for values in model] for model in models]
    return BarData(
        names=tuple(names),
        colours=tuple(colours),
        clean=np.stack([clean for clean, _ in checked]),
        adversarial=np.stack([adversarial for _, adversarial in checked]),
    )


def _scores(values: ArrayLike, count: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (count,):
        raise InputError(f"Scores have shape {array.shape}; for {count} classes give ({count},).")
    outside = (array < 0) | (array > 1)
    if outside.any():
        raise InputError(f"A score is {array[outside][0]:g}; give values in 0..1, NaN for absent.")
    return array


class BarModel(QAbstractTableModel):
    """A row a class, in the order that is chosen.

    Attributes:
        scores: what is shown; None for none.
        rows: classes from the top row to the last.
        hidden: classes whose eyes are closed.
        isolated: the only class that is painted; None for all.

    Signals:
        resized: there is another number of models, and so another height of the rows.
    """

    resized = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.scores: BarData | None = None
        self.rows: tuple[int, ...] = ()
        self.hidden: frozenset[int] = frozenset()
        self.isolated: int | None = None
        self._order: Order = "drop"

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's names)
        """The number of classes."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Name, bars, change and eye."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell as text; the whole row in words as its tooltip."""
        scores = self.scores
        if scores is None or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        one, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.ToolTipRole:
            return scores.words(one)
        if column == NAME:
            return scores.names[one]
        if column == EYE:
            return "hidden" if one in self.hidden else "shown"
        if scores.absent[one]:
            return "absent" if column == IOU else ""
        if column == CHANGE:
            return "\n".join(scores.change_text(model, one) for model in range(len(scores.clean)))
        return "\n".join(share_text(float(score)) for score in scores.adversarial[:, one])

    def show_scores(self, scores: BarData | None) -> None:
        """Show these scores; the current row stays that of its class."""
        before, self.scores = self.scores, scores
        if scores and before and scores.names == before.names:
            self.set_order(self._order)
            if scores.clean.shape != before.clean.shape:
                self.resized.emit()
        else:
            self.beginResetModel()
            self.rows = scores.order(self._order) if scores else ()
            self.endResetModel()

    def set_order(self, order: Order) -> None:
        """Sort the rows."""
        self._order = order
        if self.scores is None:
            return
        before, after = self.rows, self.scores.order(order)
        if after == before:
            self._repaint()
            return
        self.layoutAboutToBeChanged.emit()
        self.rows = after
        for old in self.persistentIndexList():
            row = self.rows.index(before[old.row()])
            self.changePersistentIndex(old, self.index(row, old.column()))
        self.layoutChanged.emit()

    def set_painted(self, hidden: frozenset[int], isolated: int | None) -> None:
        """Say which classes are painted in the panes."""
        if (hidden, isolated) != (self.hidden, self.isolated):
            self.hidden, self.isolated = hidden, isolated
            self._repaint()

    def _repaint(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, EYE))


class BarPainter:
    """Draws a class: colour and name, a bar and a change for each model, and an eye.

    It is no delegate: called for each cell, one doubles the time of a repaint.
    """

    def __init__(self, model: BarModel, table: QWidget) -> None:
        self._model = model
        self.colours = ink(table.palette())
        self.fit(table.font(), (), 0)

    def fit(self, font: QFont, names: Sequence[str], room: int) -> None:
        """Measure what all cells share, once for many paint events.

        Args:
            font: of the table.
            names: of the classes.
            room: for a name, in logical pixels.
        """
        metrics = QFontMetrics(font)
        self._height = metrics.height()
        self._rise = (metrics.ascent() - metrics.descent()) / 2
        self._shown = [
            metrics.elidedText(name, Qt.TextElideMode.ElideRight, room) for name in names
        ]
        self._bold = QFont(font)
        self._bold.setBold(True)
        radius = self._radius = 0.55 * (self._height + 2)
        self._lids = QPainterPath(QPointF(-radius, 0))
        self._lids.quadTo(QPointF(0, -1.3 * radius), QPointF(radius, 0))
        self._lids.quadTo(QPointF(0, 1.3 * radius), QPointF(-radius, 0))

    def draw_row(self, painter: QPainter, cells: Sequence[QRect], one: int) -> None:
        """Draw a class into its cells."""
        scores = self._model.scores
        assert scores is not None
        strong = self._model.isolated in (None, one)
        self._draw_name(painter, cells[NAME], scores, one, strong)
        self._draw_eye(painter, cells[EYE], one in self._model.hidden)
        bars = QRectF(cells[IOU])
        if scores.absent[one]:
            painter.setPen(self.colours.faint)
            painter.drawText(QPointF(bars.x(), bars.center().y() + self._rise), "absent")
            return
        height = (bars.height() - PAD) / len(scores.clean)
        for number in range(len(scores.clean)):
            line = QRectF(bars.x(), bars.y() + 2.5 + number * height, bars.width(), height)
            self._draw_bar(painter, line, scores, number, one, strong)
            line.moveLeft(cells[CHANGE].x())
            self._draw_change(painter, line, scores, number, one, strong)

    def _draw_name(
        self, painter: QPainter, box: QRect, scores: BarData, one: int, strong: bool
    ) -> None:
        colours, side, middle = self.colours, 0.6 * self._height, QRectF(box).center().y()
        if not scores.absent[one]:
            painter.setPen(line_pen(colours.faint))
            painter.setBrush(QColor(*scores.colours[one]))
            painter.drawRect(QRectF(PAD, middle - side / 2, side, side))
        faint = scores.absent[one] or one in self._model.hidden or not strong
        painter.setPen(colours.faint if faint else colours.text)
        painter.drawText(QPointF(2 * PAD + side, middle + self._rise), self._shown[one])
        if one == self._model.isolated:
            painter.fillRect(QRect(box.topLeft(), QSize(3, box.height())), colours.accent)

    def _draw_bar(
        self, painter: QPainter, line: QRectF, scores: BarData, number: int, one: int, strong: bool
    ) -> None:
        colours = self.colours
        colour = colours.b if number else colours.a
        track = line.adjusted(0, 2.5, 0, -2.5)
        painter.setOpacity(1.0 if strong else 0.5)
        painter.fillRect(track, mixed(colours.base, colours.grid, 0.5))
        clean, adversarial = (float(s[number, one]) for s in (scores.clean, scores.adversarial))
        if not math.isnan(adversarial):
            bar = QRectF(track)
            bar.setWidth(adversarial * track.width())
            if number:
                painter.fillRect(bar, mixed(colours.base, colour, 0.35))
                painter.fillRect(bar, hatch(colour))
            else:
                painter.fillRect(bar, colour)
        if not math.isnan(clean):
            frame = track.adjusted(0.5, 0.5, 0, -0.5)
            frame.setWidth(max(1.0, clean * track.width() - 1))
            painter.setPen(line_pen(colours.text if adversarial > clean else colour, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame)
        painter.setOpacity(1.0)

    def _draw_change(
        self, painter: QPainter, line: QRectF, scores: BarData, number: int, one: int, strong: bool
    ) -> None:
        colours = self.colours
        text, side = scores.change_text(number, one), 0.5 * line.height()
        start, middle = line.left() + _triangle_room(self._height), line.center().y()
        words = QPointF(start, middle + self._rise)
        if number or one != scores.worst:
            painter.setPen(colours.text if strong else colours.faint)
            painter.drawText(words, text)
            return
        left = start - side - 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.fall)
        corners = [(0.0, -0.4), (1.0, -0.4), (0.5, 0.5)]
        painter.drawPolygon(
            QPolygonF([QPointF(left + x * side, middle + y * side) for x, y in corners])
        )
        plain = painter.font()
        painter.setPen(colours.fall)
        painter.setFont(self._bold)
        painter.drawText(words, text)
        painter.setFont(plain)

    def _draw_eye(self, painter: QPainter, box: QRect, hidden: bool) -> None:
        middle, radius = QRectF(box).center(), self._radius
        painter.translate(middle)
        painter.setPen(line_pen(self.colours.faint if hidden else self.colours.text, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._lids)
        if hidden:
            corner = QPointF(0.8 * radius, 0.8 * radius)
            painter.drawLine(-corner, corner)
        else:
            painter.setBrush(self.colours.text)
            painter.drawEllipse(QPointF(0, 0), 0.3 * radius, 0.3 * radius)
        painter.translate(-middle)


def _triangle_room(height: int) -> int:
    """Left of a change, for letters so high: the sign of the worst class, and a gap to the bars."""
    return round(PAD + 0.7 * height)


class BarTable(QTableView):
    """One row a class. Up and Down walk, Enter clicks the row, H its eye.

    Signals:
        class_clicked(int): a row was clicked.
        class_hidden(int, bool): an eye was clicked; True where the class shall be hidden.
    """

    class_clicked = Signal(int)
    class_hidden = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars = BarModel(self)
        self._painter = BarPainter(self.bars, self)
        self.setModel(self.bars)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setMinimumSectionSize(1)
            header.hide()
        self.setAccessibleName("Classes: up and down to walk, Enter to isolate, H to hide")
        self.bars.modelReset.connect(self._fit)
        self.bars.resized.connect(self._fit)

    def rows(self) -> tuple[int, ...]:
        """Classes from the top row to the last."""
        return self.bars.rows

    def words(self, index: int) -> str:
        """A class in words; empty before there are scores."""
        return self.bars.scores.words(index) if self.bars.scores else ""

    def row_rect(self, index: int) -> QRect:
        """Where a class is drawn, in coordinates of the viewport."""
        first = self.bars.index(self.bars.rows.index(index), NAME)
        return self.visualRect(first).united(self.eye_rect(index))

    def eye_rect(self, index: int) -> QRect:
        """Where its eye is."""
        return self.visualRect(self.bars.index(self.bars.rows.index(index), EYE))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Room for the width of a dock and some ten rows."""
        return QSize(280, 10 * self._row_height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Three rows."""
        return QSize(160, 3 * self._row_height())

    def event(self, event: QEvent) -> bool:
        """Keeps the keys of the rows from the shortcuts of the window."""
        return claims(event, KEYS) or super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click on the eye or on the rest of the row."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self.setCurrentIndex(index)
            self._click(index.row(), eye=index.column() == EYE)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Walks through the rows, or clicks the current one."""
        key, current = event.key(), self.currentIndex()
        if key not in KEYS:
            event.ignore()
        elif key in WALKS:
            super().keyPressEvent(event)
            event.accept()
        elif current.isValid():
            self._click(current.row(), eye=key not in CLICKS)

    def moveCursor(  # noqa: N802
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Home and End go to the first and the last row, not along one."""
        ends = {
            QAbstractItemView.CursorAction.MoveHome: 0,
            QAbstractItemView.CursorAction.MoveEnd: len(self.bars.rows) - 1,
        }
        if action in ends:
            return self.bars.index(ends[action], NAME)
        return super().moveCursor(action, modifiers)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Shares the width out anew."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measures anew for another font."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the rows, and a frame around the current one while the keys go there."""
        painter, colours = QPainter(self.viewport()), ink(self.palette())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.bars.scores is None:
            painter.setPen(colours.faint)
            middle = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect(), middle, "No scores yet")
            painter.end()
            return
        self._painter.colours = colours
        columns = [
            (self.columnViewportPosition(column), self.columnWidth(column))
            for column in range(len(HEADERS))
        ]
        last = self.rowAt(self.viewport().height() - 1)
        for row in range(max(0, self.rowAt(0)), last + 1 if last >= 0 else len(self.bars.rows)):
            top, height = self.rowViewportPosition(row), self.rowHeight(row)
            cells = [QRect(left, top, width, height) for left, width in columns]
            self._painter.draw_row(painter, cells, self.bars.rows[row])
        if self.hasFocus() and self.currentIndex().isValid():
            painter.setPen(colours.accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            current = QRectF(self.row_rect(self.bars.rows[self.currentIndex().row()]))
            painter.drawRect(current.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def _click(self, row: int, eye: bool) -> None:
        one = self.bars.rows[row]
        if eye:
            self.class_hidden.emit(one, one not in self.bars.hidden)
        else:
            self.class_clicked.emit(one)

    def _row_height(self) -> int:
        models = len(self.bars.scores.clean) if self.bars.scores else 1
        return models * (self.fontMetrics().height() + 2) + PAD

    def _fit(self) -> None:
        """Shares the width out: names get at most 55 % of what changes and eyes leave."""
        metrics, bold = self.fontMetrics(), QFont(self.font())
        bold.setBold(True)
        changes = max(QFontMetrics(bold).horizontalAdvance(word) for word in ("-.88", "gone"))
        widths = {CHANGE: _triangle_room(metrics.height()) + changes + PAD}
        widths[EYE] = round(1.5 * metrics.height()) + PAD
        sign = round(3 * PAD + 0.6 * metrics.height())
        free = max(0, self.viewport().width() - sum(widths.values()) - sign)
        names = self.bars.scores.names if self.bars.scores else ()
        longest = max((metrics.horizontalAdvance(name) for name in names), default=0) + 2
        room = min(longest, int(0.55 * free))
        self._painter.fit(self.font(), names, room)
        widths[NAME] = sign + room
        widths[IOU] = max(0, self.viewport().width() - sum(widths.values()))
        for column, width in widths.items():
            self.setColumnWidth(column, width)
        self.verticalHeader().setDefaultSectionSize(self._row_height())
        self.updateGeometries()


class ClassBars(QWidget):
    """A bar a class and model: its outline is the clean IoU, what is filled the adversarial one.

    Signals:
        class_clicked(int): a row was clicked, to isolate the class or to show all again.
        class_hidden(int, bool): an eye was clicked; True where the class shall be hidden.
    """

    class_clicked = Signal(int)
    class_hidden = Signal(int, bool)

    def __init__(self, title: str = "IoU of each class", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Class IoU")
        self.title = WrappedLabel(title, lines=2, steady=True)
        self.area = BarTable()
        self.legend = Legend()
        self.order_box = QComboBox()
        self.order_box.setAccessibleName("Order of the classes")
        for order, text in ORDERS:
            self.order_box.addItem(text, order)
        self.order_box.currentIndexChanged.connect(
            lambda _: self.area.bars.set_order(self.order_box.currentData())
        )
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.order_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.legend)
        layout.addWidget(self.area, 1)
        self.area.class_clicked.connect(self.class_clicked)
        self.area.class_hidden.connect(self.class_hidden)
        self._show_legend(both=False)

    def show_scores(
        self,
        names: Sequence[str],
        colours: Sequence[tuple[int, int, int]],
        a_clean: ArrayLike,
        a_adv: ArrayLike,
        b_clean: ArrayLike | None = None,
        b_adv: ArrayLike | None = None,
    ) -> None:
        """Shows scores.

        Args:
            names: of the classes, c of them.
            colours: of the classes, RGB 0..255.
            a_clean: IoU of the first model on the clean image, (c,), 0..1, NaN for absent.
            a_adv: on the adversarial one; give `a_clean` again before there is one.
            b_clean: the same of the second model, None for no second model.
            b_adv: the same of the second model.

        Raises:
            InputError: an array is of another shape, or holds something outside 0..1.
        """
        data = bar_data(names, colours, a_clean, a_adv, b_clean, b_adv)
        self.area.bars.show_scores(data)
        self._show_legend(both=len(data.clean) == 2)
        worst = data.worst
        fell = f"Fell most: {data.words(worst)}" if worst is not None else "No class fell"
        self.setAccessibleDescription(fell)

    def clear(self) -> None:
        """Shows that there are no scores."""
        self.area.bars.show_scores(None)
        self.setAccessibleDescription("")

    def set_title(self, title: str) -> None:
        """Names what the scores are of, such as "whole clip, 37 of 120 frames"."""
        self.title.say(title)

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Closes the eyes of these classes."""
        self.area.bars.set_painted(frozenset(hidden), self.area.bars.isolated)

    def set_isolated(self, isolated: int | None) -> None:
        """Marks the only class that is painted; None for all."""
        self.area.bars.set_painted(self.area.bars.hidden, isolated)

    def set_order(self, order: Order) -> None:
        """Sorts by "drop", largest first, or by "class"."""
        self.order_box.setCurrentIndex(self.order_box.findData(order))

    def sizeHint(self) -> QSize:  # noqa: N802
        """The width of a dock, and room for some ten classes."""
        return QSize(300, super().sizeHint().height())

    def _show_legend(self, both: bool) -> None:
        keys = [
            Key("clean", "outline", "text"),
            Key("A adversarial" if both else "adversarial", "fill"),
        ]
        if both:
            keys.append(Key("B adversarial", "hatch", "b"))
        self.legend.show_keys(keys)
