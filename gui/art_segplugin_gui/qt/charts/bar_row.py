"""How one row of the class bars is laid out and drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPolygonF

from art_segplugin_gui.qt.charts.bar_data import BarData
from art_segplugin_gui.qt.charts.style import Ink, drop_text, hatch, line_pen, mixed

PAD = 5.0


@dataclass(frozen=True, eq=False)
class Columns:
    """Where the parts of every row are, in logical pixels.

    Attributes:
        height: of a row.
        line: height of the bar and the figure of one model.
        name: left edge of the name; the class colour is left of it.
        bars: left edge of the bars.
        bar_width: length of a bar of IoU 1.
        drop: left edge of the figures.
        eye: left edge of the eye.
        right: right edge of the row.
        shown: names as they fit.
        ascent: height of the letters over the baseline.
        descent: and under it.
        bold: font of the worst class.
    """

    height: int
    line: float
    name: float
    bars: float
    bar_width: float
    drop: float
    eye: float
    right: float
    shown: tuple[str, ...]
    ascent: float
    descent: float
    bold: QFont

    @classmethod
    def fit(
        cls,
        width: int,
        names: Sequence[str],
        models: int,
        metrics: QFontMetrics,
        bold_metrics: QFontMetrics,
        bold: QFont,
    ) -> Self:
        """Shares the width out: names get at most 55 % of what figures and eye leave."""
        text = float(metrics.height())
        eye = width - 1.5 * text - PAD
        figures = max(bold_metrics.horizontalAdvance(word) for word in ("-.88", "gone"))
        drop = eye - figures - PAD
        name = 2 * PAD + 0.6 * text
        longest = max((metrics.horizontalAdvance(word) for word in names), default=0) + 2
        free = max(0.0, drop - name - 2 * PAD - 0.7 * text)
        room = min(longest, 0.55 * free)
        shown = [metrics.elidedText(n, Qt.TextElideMode.ElideRight, int(room)) for n in names]
        bars = name + room + PAD
        line = text + 2
        return cls(
            height=round(models * line + 5),
            line=line,
            name=name,
            bars=bars,
            bar_width=free - room,
            drop=drop,
            eye=eye,
            right=width,
            shown=tuple(shown),
            ascent=metrics.ascent(),
            descent=metrics.descent(),
            bold=bold,
        )

    def baseline(self, top: float, height: float) -> float:
        """Baseline of text in the middle of a line."""
        return top + (height + self.ascent - self.descent) / 2


def draw_row(
    painter: QPainter,
    box: QRectF,
    columns: Columns,
    data: BarData,
    index: int,
    colours: Ink,
    hidden: bool,
    strong: bool,
) -> None:
    """Draws a class into its box: colour, name, a bar and a figure for each model, eye."""
    absent = bool(data.absent[index])
    if not absent:
        side = columns.name - 2 * PAD
        swatch = QRectF(PAD, box.center().y() - side / 2, side, side)
        painter.setPen(line_pen(colours.faint))
        painter.setBrush(QColor(*data.colours[index]))
        painter.drawRect(swatch)
    painter.setPen(colours.faint if absent or hidden or not strong else colours.text)
    baseline = columns.baseline(box.top(), box.height())
    painter.drawText(QPointF(columns.name, baseline), columns.shown[index])
    if absent:
        painter.drawText(QPointF(columns.bars, baseline), "absent")
    else:
        for model in range(len(data.clean)):
            _draw_model(painter, box, columns, data, index, model, colours, strong)
    middle = QPointF((columns.eye + columns.right) / 2, box.center().y())
    _draw_eye(painter, middle, 0.55 * columns.line, hidden, colours)


def _draw_model(
    painter: QPainter,
    box: QRectF,
    columns: Columns,
    data: BarData,
    index: int,
    model: int,
    colours: Ink,
    strong: bool,
) -> None:
    painter.setOpacity(1.0 if strong else 0.5)
    top = box.top() + 2.5 + model * columns.line
    colour = colours.b if model else colours.a
    track = QRectF(columns.bars, top + 2.5, columns.bar_width, columns.line - 5)
    painter.fillRect(track, mixed(colours.base, colours.grid, 0.5))
    clean, adversarial = float(data.clean[model, index]), float(data.adversarial[model, index])
    if not math.isnan(adversarial):
        bar = QRectF(track.topLeft(), track.bottomRight())
        bar.setWidth(adversarial * columns.bar_width)
        if model:
            painter.fillRect(bar, mixed(colours.base, colour, 0.35))
            painter.fillRect(bar, hatch(colour))
        else:
            painter.fillRect(bar, colour)
    if not math.isnan(clean):
        frame = track.adjusted(0.5, 0.5, 0, -0.5)
        frame.setWidth(max(1.0, clean * columns.bar_width - 1))
        painter.setPen(line_pen(colours.text if adversarial > clean else colour, 1.2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)
    painter.setOpacity(1.0)
    worst = model == 0 and index == data.worst
    plain_text = colours.text if strong else colours.faint
    painter.setPen(colours.fall if worst else plain_text)
    text = drop_text(float(data.drop[model, index]))
    if not text:
        # It is predicted on one of the two images only, and is in neither truth.
        text = "n/a" if math.isnan(clean) == math.isnan(adversarial) else ""
        text = text or ("new" if math.isnan(clean) else "gone")
    baseline = columns.baseline(top, columns.line)
    if worst:
        _draw_fall(painter, columns, top, colours)
        plain = painter.font()
        painter.setFont(columns.bold)
        painter.drawText(QPointF(columns.drop, baseline), text)
        painter.setFont(plain)
    else:
        painter.drawText(QPointF(columns.drop, baseline), text)


def _draw_fall(painter: QPainter, columns: Columns, top: float, colours: Ink) -> None:
    """A triangle that points down, left of the figure."""
    side = 0.5 * columns.line
    left, middle = columns.drop - side - 3, top + columns.line / 2
    pen = painter.pen()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.fall)
    corners = [(0.0, -0.4), (1.0, -0.4), (0.5, 0.5)]
    painter.drawPolygon(
        QPolygonF([QPointF(left + x * side, middle + y * side) for x, y in corners])
    )
    painter.setPen(pen)


def _draw_eye(
    painter: QPainter, middle: QPointF, radius: float, hidden: bool, colours: Ink
) -> None:
    left, right = middle - QPointF(radius, 0), middle + QPointF(radius, 0)
    lids = QPainterPath(left)
    lids.quadTo(middle - QPointF(0, 1.3 * radius), right)
    lids.quadTo(middle + QPointF(0, 1.3 * radius), left)
    painter.setPen(line_pen(colours.faint if hidden else colours.text, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(lids)
    if hidden:
        corner = QPointF(0.8 * radius, 0.8 * radius)
        painter.drawLine(middle - corner, middle + corner)
    else:
        painter.setBrush(colours.text)
        painter.drawEllipse(middle, 0.3 * radius, 0.3 * radius)
