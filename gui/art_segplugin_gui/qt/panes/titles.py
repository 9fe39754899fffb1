"""Words on the canvas of a pane: its title, its figures, a note, the legend and the busy mark."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from art_segplugin_gui.qt.panes.images import indexed_image
from art_segplugin_gui.qt.panes.layers import Key

_BEHIND = 215  # alpha of the plate behind words: read over any picture, which shines through
_BIG = 1.7  # how much larger words are in demo mode


@dataclass(frozen=True)
class Caption:
    """What stands on a pane.

    Attributes:
        title: such as "A adversarial  step 7/20".
        figures: one line, such as "mIoU .717  error 3.6 %".
    """

    title: str = ""
    figures: str = ""


class Words:
    """Writes on one pane, with plates in the colours of its palette.

    Args:
        painter: of the pane; its font and pen are changed.
        palette: of the pane.
        font: of the pane.
        big: write for an audience.
    """

    def __init__(self, painter: QPainter, palette: QPalette, font: QFont, big: bool) -> None:
        self._painter = painter
        self._plate = palette.color(QPalette.ColorRole.Window)
        self._plate.setAlpha(_BEHIND)
        self._ink = palette.color(QPalette.ColorRole.WindowText)
        self._plain = scaled(font, _BIG if big else 1.0)
        self._bold = QFont(self._plain)
        self._bold.setBold(True)
        self._pad = QFontMetricsF(self._plain).height() * 0.3

    def title(self, pane: QRectF, text: str, busy: bool) -> None:
        """Write the title at the top left, and the busy mark at the top right."""
        room = pane.width()
        if busy:
            metrics = QFontMetricsF(self._bold)
            width = metrics.horizontalAdvance("…") + 4 * self._pad
            room -= width + self._pad
            mark = QRectF(pane.right() - width, pane.top(), width, metrics.height() + 2 * self._pad)
            self._painter.fillRect(mark, self._plate)
            self._write(mark, self._bold, "…", Qt.AlignmentFlag.AlignCenter)
        if text:
            self._line(QPointF(pane.left(), pane.top()), room, text, self._bold)

    def foot(self, pane: QRectF, figures: str, note: str, keys: Sequence[Key]) -> None:
        """Write the figures at the bottom left; note and legend stand on them."""
        height = QFontMetricsF(self._plain).height() + 2 * self._pad
        bottom = pane.bottom()
        for text in (figures, note):
            if text:
                bottom -= height
                self._line(QPointF(pane.left(), bottom), pane.width(), text, self._plain)
        for key in reversed(keys):
            if bottom - height < pane.top() + 2 * height:
                return  # in a tiny pane the picture matters more
            bottom -= height
            self._key(QPointF(pane.left(), bottom), pane.width(), height, key)

    def middle(self, pane: QRectF, text: str) -> None:
        """Write where there is no picture."""
        self._painter.setFont(self._plain)
        self._painter.setPen(self._ink)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        self._painter.drawText(pane.adjusted(8, 8, -8, -8), flags, text)

    def _line(self, corner: QPointF, room: float, text: str, font: QFont) -> None:
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room - 2 * self._pad)
        # Half a pixel more than the advance, or rounding clips the last letter.
        width = min(room, metrics.horizontalAdvance(shown) + 2 * self._pad + 0.5)
        plate = QRectF(corner.x(), corner.y(), width, metrics.height() + 2 * self._pad)
        self._painter.fillRect(plate, self._plate)
        self._write(plate, font, shown, Qt.AlignmentFlag.AlignCenter)

    def _write(self, plate: QRectF, font: QFont, text: str, alignment: Qt.AlignmentFlag) -> None:
        self._painter.setFont(font)
        self._painter.setPen(self._ink)
        self._painter.drawText(plate, alignment | Qt.TextFlag.TextDontClip, text)

    def _key(self, corner: QPointF, room: float, height: float, key: Key) -> None:
        metrics = QFontMetricsF(self._plain)
        swatch_height = height - 2 * self._pad
        rows, columns = key.swatch.shape
        swatch_width = swatch_height * columns / rows
        left = swatch_width + 2 * self._pad
        shown = metrics.elidedText(key.text, Qt.TextElideMode.ElideRight, room - left - self._pad)
        width = left + metrics.horizontalAdvance(shown) + self._pad + 0.5
        self._painter.fillRect(QRectF(corner.x(), corner.y(), width, height), self._plate)
        swatch = QRectF(corner.x() + self._pad, corner.y() + self._pad, swatch_width, swatch_height)
        self._painter.drawImage(swatch, indexed_image(key.swatch, key.table))
        words = QRectF(corner.x() + left, corner.y(), width - left, height)
        self._write(words, self._plain, shown, Qt.AlignmentFlag.AlignVCenter)


def elided(caption: Caption, font: QFont, big: bool, room: float) -> bool:
    """Whether a caption is too long for so many logical pixels."""
    plain = scaled(font, _BIG if big else 1.0)
    bold = QFont(plain)
    bold.setBold(True)
    pad = QFontMetricsF(plain).height() * 0.6
    title = QFontMetricsF(bold).horizontalAdvance(caption.title)
    return max(title, QFontMetricsF(plain).horizontalAdvance(caption.figures)) + pad > room


def scaled(font: QFont, factor: float) -> QFont:
    """The font, larger; its size may be given in points or in pixels."""
    larger = QFont(font)
    if font.pointSizeF() > 0:
        larger.setPointSizeF(font.pointSizeF() * factor)
    else:
        larger.setPixelSize(round(font.pixelSize() * factor))
    return larger
