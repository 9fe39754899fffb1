"""A label that wraps also words as long as paths, and never clips."""

from PySide6.QtCore import QEvent, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from art_segplugin_gui.qt.theme import semantic


class WrappedLabel(QLabel):
    """Plain text of a few lines at most; what does not fit is cut with dots.

    Signals:
        cut_changed: whether some of the text is not shown.

    Args:
        text: what to say.
        lines: how many lines there may be; None for as many as there are. Where a text is cut,
            the whole of it is the tooltip.
        steady: the height is always that of all lines, so that nothing jumps when the words change.
        parent: owner.
    """

    cut_changed = Signal(bool)

    def __init__(
        self,
        text: str = "",
        lines: int | None = None,
        *,
        steady: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.kind = ""
        self.cut = False
        self.lines: tuple[str, ...] = ()
        self._limit = lines
        self._steady = steady
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        vertical = QSizePolicy.Policy.Minimum if lines is None else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, vertical)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.say(text)

    @property
    def said(self) -> str:
        """The whole text."""
        return self.text()

    def say(self, text: str, kind: str = "") -> None:
        """Show another text.

        Args:
            text: what to say.
            kind: "error", "warning", "ok" or "info" for that colour; empty for the default.
        """
        if kind != self.kind:
            self.kind = kind
            self.update()
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            if self.testAttribute(Qt.WidgetAttribute.WA_Resized):  # else its width is not known
                self._break()

    def set_limit(self, lines: int | None) -> None:
        """Allow so many lines; None for as many as there are."""
        if lines != self._limit:
            self._limit = lines
            self._break()
            self.updateGeometry()

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        """The height of the lines that are shown."""
        count = self._limit if self._steady else len(self._broken(width)[0])
        return max(1, count or 0) * self.fontMetrics().lineSpacing()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Wide enough for a few words; no lower than its text where it may grow."""
        width = self.fontMetrics().averageCharWidth() * 40
        fixed = self.sizePolicy().verticalPolicy() == QSizePolicy.Policy.Fixed
        return QSize(width, self.heightForWidth(max(width, self.width()) if fixed else width))

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """No width of its own."""
        return QSize(1, self.fontMetrics().lineSpacing())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Break the lines elsewhere."""
        super().resizeEvent(event)
        self._break()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._break()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Draw the lines in the middle of the height, or from its top."""
        painter = QPainter(self)
        palette, step = self.palette(), self.fontMetrics().lineSpacing()
        colour = palette.color(QPalette.ColorRole.WindowText)
        painter.setPen(getattr(semantic(palette), self.kind) if self.kind else colour)
        free = self.height() - step * len(self.lines)
        middle = self.alignment() & Qt.AlignmentFlag.AlignVCenter
        baseline = (max(0.0, free / 2) if middle else 0.0) + self.fontMetrics().ascent()
        for number, line in enumerate(self.lines):
            painter.drawText(QPointF(0.0, baseline + step * number), line)
        painter.end()

    def _break(self) -> None:
        self.lines, cut = self._broken(self.width())
        self.update()
        if self._limit is not None:
            self.setToolTip(self.text() if cut else "")
        if cut != self.cut:
            self.cut = cut
            self.cut_changed.emit(cut)

    def _broken(self, width: int) -> tuple[tuple[str, ...], bool]:
        """The lines at a width, and whether they are not all of the text."""
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        text = self.text().replace("\n", "\u2028")  # what ends a line for a layout
        layout = QTextLayout(text, self.font())
        layout.setTextOption(option)
        lines: list[str] = []
        cut = False
        layout.beginLayout()
        while not cut and (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            start = line.textStart()
            piece = text[start : start + line.textLength()].removesuffix("\u2028")
            if len(lines) + 1 == self._limit:
                rest = text[start:].replace("\u2028", " ")
                piece = self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, width)
                cut = piece != rest
            lines.append(piece)
        layout.endLayout()
        return tuple(lines), cut
