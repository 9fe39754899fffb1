"""A label that never clips: it wraps into a fixed number of lines and elides what is left."""

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QTextLayout
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class Caption(QLabel):
    """Plain text in at most `lines` lines; the whole of it is the tooltip where it did not fit.

    Its height depends on the font alone, so that a chart does not jump when the words change.
    """

    def __init__(self, text: str = "", lines: int = 1, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.say(text)

    def say(self, text: str) -> None:
        """Shows a text."""
        if text != self.text():
            self.setText(text)
            self._set_tip()

    def shown_lines(self) -> list[str]:
        """What is drawn, line by line."""
        metrics, text, lines = self.fontMetrics(), self.text(), list[str]()
        layout = QTextLayout(text, self.font())
        layout.beginLayout()
        while len(lines) < self._lines and (line := layout.createLine()).isValid():
            line.setLineWidth(self.width())
            start, length = line.textStart(), line.textLength()
            last = len(lines) + 1 == self._lines
            piece = text[start:] if last else text[start : start + length].rstrip()
            lines.append(metrics.elidedText(piece, Qt.TextElideMode.ElideRight, self.width()))
        layout.endLayout()
        return lines

    def sizeHint(self) -> QSize:  # noqa: N802
        """Some width, and the height of all lines."""
        return QSize(min(60, self.width()), self._lines * self.fontMetrics().lineSpacing() + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As `sizeHint`."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Wraps anew."""
        super().resizeEvent(event)
        self._set_tip()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draws the lines."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        metrics = self.fontMetrics()
        lines = self.shown_lines()
        free = self.height() - len(lines) * metrics.lineSpacing()
        # One line beside a box is level with it; the end of a longer text stays where it was.
        middle = bool(self.alignment() & Qt.AlignmentFlag.AlignVCenter)
        baseline = max(1, free // 2 if middle else 0) + metrics.ascent()
        for line in lines:
            painter.drawText(QPoint(0, baseline), line)
            baseline += metrics.lineSpacing()
        painter.end()

    def _set_tip(self) -> None:
        fits = not any(line.endswith("…") for line in self.shown_lines())
        self.setToolTip("" if fits else self.text())
