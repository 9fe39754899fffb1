"""Where the cells and the names of a confusion matrix are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics

PAD = 4.0


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
