"""A text of a few lines at most; what does not fit is cut with dots."""

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget


class CutLabel(QWidget):
    """Plain text that wraps, also within words as long as paths.

    Signals:
        cut_changed: whether some of the text is not shown.

    Args:
        text: what to say.
        lines: how many lines there may be; None for as many as there are.
        parent: owner.
    """

    cut_changed = Signal(bool)

    def __init__(self, text: str, lines: int | None = 2, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.said = text
        self._limit = lines
        self._lines: list[str] = []
        self.cut = False
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(text)

    @property
    def lines(self) -> tuple[str, ...]:
        """The text as it is shown."""
        return tuple(self._lines)

    def set_limit(self, lines: int | None) -> None:
        """Allow so many lines; None for as many as there are."""
        if lines != self._limit:
            self._limit = lines
            self._break()
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        """It wraps."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """The height of the lines that are shown."""
        return max(1, len(self._broken(width)[0])) * self.fontMetrics().lineSpacing()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for a few words."""
        width = self.fontMetrics().averageCharWidth() * 40
        return QSize(width, self.heightForWidth(max(width, self.width())))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """No width of its own."""
        return QSize(0, self.fontMetrics().lineSpacing())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Break the lines elsewhere."""
        super().resizeEvent(event)
        self._break()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._break()
            self.updateGeometry()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Draw the lines in the middle of the height."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        step = self.fontMetrics().lineSpacing()
        top = max(0.0, (self.height() - step * len(self._lines)) / 2) + self.fontMetrics().ascent()
        for number, line in enumerate(self._lines):
            painter.drawText(QPointF(0.0, top + step * number), line)
        painter.end()

    def _break(self) -> None:
        self._lines, cut = self._broken(self.width())
        self.update()
        if cut != self.cut:
            self.cut = cut
            self.cut_changed.emit(cut)

    def _broken(self, width: int) -> tuple[list[str], bool]:
        """The lines at a width, and whether they are not all of the text."""
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout = QTextLayout(self.said, self.font())
        layout.setTextOption(option)
        lines: list[str] = []
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            start = line.textStart()
            if self._limit is not None and len(lines) == self._limit - 1:
                rest = self.said[start:]
                dots = Qt.TextElideMode.ElideRight
                lines.append(self.fontMetrics().elidedText(rest, dots, width))
                layout.endLayout()
                return lines, lines[-1] != rest
            lines.append(self.said[start : start + line.textLength()])
        layout.endLayout()
        return lines, False
