"""What the lines and bars of a chart mean, with the figures at the marker; wraps to its width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from art_segplugin_gui.qt.charts.style import Ink, hatch, ink, line_pen

GAP = 12.0


@dataclass(frozen=True)
class Key:
    """One entry.

    Attributes:
        text: what it is.
        sign: how it is drawn in the chart.
        hue: which colour of `Ink`.
        dash: of a line.
        value: its figure; empty for none.
        widest: the longest figure it can have: room is kept for it.
    """

    text: str
    sign: Literal["line", "fill", "outline", "hatch"]
    hue: Literal["a", "b", "text"] = "a"
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    value: str = ""
    widest: str = ""


class Legend(QWidget):
    """A row of keys, more rows where they do not fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: tuple[Key, ...] = ()
        self._widths: dict[str, int] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Legend")

    def show_keys(self, keys: Sequence[Key]) -> None:
        """Shows these entries."""
        keys = tuple(keys)
        if keys == self._keys:
            return
        rooms = [self._room(key) for key in self._keys]
        self._keys = keys
        if rooms != [self._room(key) for key in keys]:
            self.updateGeometry()
        self.setAccessibleDescription(", ".join(f"{k.text} {k.value}".strip() for k in keys))
        self.update()

    def shown(self) -> tuple[Key, ...]:
        """The entries that are shown."""
        return self._keys

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """It wraps."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Height of all rows at a width."""
        rows = [row for _, row in self._places(width)]
        return round((max(rows, default=0) + 1) * self._row_height())

    def sizeHint(self) -> QSize:  # noqa: N802
        """As high as it is at its width."""
        width = self.width() if self.testAttribute(Qt.WidgetAttribute.WA_Resized) else 280
        return QSize(min(120, width), self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """One row."""
        return QSize(60, round(self._row_height()))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Measures anew for another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._widths.clear()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the entries."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, metrics, height = ink(self.palette()), self.fontMetrics(), self._row_height()
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for key, (left, row) in zip(self._keys, self._places(self.width()), strict=True):
            top = row * height
            self._draw_sign(painter, key, QRectF(left, top, self._sign_width(), height), colours)
            painter.setPen(text)
            words = f"{key.text} {key.value}" if key.value else key.text
            room = max(0.0, min(self._room(key), self.width() - left) - self._sign_width() - 4)
            words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, int(room) + 1)
            baseline = top + (height + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(left + self._sign_width() + 4, baseline), words)
        painter.end()

    def _draw_sign(self, painter: QPainter, key: Key, box: QRectF, colours: Ink) -> None:
        colour = {"a": colours.a, "b": colours.b, "text": colours.text}[key.hue]
        middle = box.center().y()
        if key.sign == "line":
            painter.setPen(line_pen(colour, 2.0, key.dash))
            painter.drawLine(QPointF(box.left(), middle), QPointF(box.right(), middle))
            return
        bar = box.adjusted(0.5, box.height() * 0.25, -0.5, -box.height() * 0.25)
        painter.setPen(line_pen(colour, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if key.sign == "fill":
            painter.setBrush(colour)
        elif key.sign == "hatch":
            painter.setBrush(hatch(colour))
        painter.drawRect(bar)

    def _sign_width(self) -> float:
        return 1.6 * self.fontMetrics().height()

    def _row_height(self) -> float:
        return float(self.fontMetrics().height() + 3)

    def _room(self, key: Key) -> float:
        longest = max(key.widest, key.value, key=len)
        words = f"{key.text} {longest}".strip()
        if words not in self._widths:
            self._widths[words] = self.fontMetrics().horizontalAdvance(words)
        return self._sign_width() + 5 + self._widths[words]

    def _places(self, width: int) -> list[tuple[float, int]]:
        places, left, row = list[tuple[float, int]](), 0.0, 0
        for key in self._keys:
            room = self._room(key)
            if left > 0 and left + room > width:
                left, row = 0.0, row + 1
            places.append((left, row))
            left += room + GAP
        return places
