"""Words on the canvas of a pane: its title, its figures, a note, the legend and the busy mark."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPalette

from art_segplugin_gui.qt.panes.images import indexed_image
from art_segplugin_gui.qt.panes.layers import Key

_BEHIND = 215  # alpha of the plate behind words: read over any picture, which shines through
_BIG = 1.7  # how much larger words are in demo mode
_FEW = 2  # entries of a legend that are worth any part of the picture
_SHARE = 0.35  # of a pane, for a longer legend


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

    def foot(self, pane: QRectF, figures: str, note: str) -> QRectF:
        """Write the figures at the bottom left, and a note over them; returns what is left over."""
        height = QFontMetricsF(self._plain).height() + 2 * self._pad
        bottom = pane.bottom()
        for text in (figures, note):
            if text:
                bottom -= height
                self._line(QPointF(pane.left(), bottom), pane.width(), text, self._plain)
        return QRectF(pane.left(), pane.top(), pane.width(), bottom - pane.top())

    def legend(self, pane: QRectF, heading: str, keys: Sequence[Key], more: int = 0) -> None:
        """Explain colours at the bottom left, in rows; without room the last ones are counted only.

        Args:
            pane: where there is room; below the title it is left to the picture for the most part.
            heading: stands before the entries; empty for none.
            keys: entries, the most important one first.
            more: entries that are not even given.
        """
        height = QFontMetricsF(self._plain).height() + 2 * self._pad
        most = int(pane.height() / height) - 2  # in a tiny pane the picture matters more
        if len(keys) > _FEW:
            most = min(most, max(1, int(_SHARE * pane.height() / height)))
        title = [heading] if heading else []
        for count in range(len(keys), -1, -1):
            left_out = len(keys) - count + more
            entries: list[Key | str] = [
                *title,
                *keys[:count],
                *([f"+{left_out}"] if left_out else []),
            ]
            rows = self._rows(entries, pane.width())
            if len(rows) <= most and (count or title or not keys):
                top = pane.bottom() - len(rows) * height
                for number, row in enumerate(rows):
                    self._row(QPointF(pane.left(), top + number * height), height, row)
                return

    def _rows(
        self, entries: Sequence[Key | str], room: float
    ) -> list[list[tuple[Key | str, float]]]:
        """Entries with their widths, as many in each row as fit."""
        rows: list[list[tuple[Key | str, float]]] = []
        left = room
        for entry in entries:
            width = min(self._width(entry), room)
            if not rows or left < width:
                rows.append([])
                left = room
            rows[-1].append((entry, width))
            left -= width
        return rows

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

    def _swatch_width(self, key: Key) -> float:
        rows, columns = key.swatch.shape
        return float(QFontMetricsF(self._plain).height() * columns / rows)

    def _width(self, entry: Key | str) -> float:
        if isinstance(entry, str):
            return QFontMetricsF(self._bold).horizontalAdvance(entry) + 2 * self._pad + 0.5
        words = QFontMetricsF(self._plain).horizontalAdvance(entry.text)
        return self._swatch_width(entry) + words + 3 * self._pad + 0.5

    def _row(self, corner: QPointF, height: float, row: Sequence[tuple[Key | str, float]]) -> None:
        x, y = corner.x(), corner.y()
        whole = sum(width for _, width in row)
        self._painter.fillRect(QRectF(x, y, whole, height), self._plate)
        for entry, width in row:
            left, font, text = (
                self._pad,
                self._bold,
                entry if isinstance(entry, str) else entry.text,
            )
            if isinstance(entry, Key):
                across, font = self._swatch_width(entry), self._plain
                swatch = QRectF(x + self._pad, y + self._pad, across, height - 2 * self._pad)
                self._painter.drawImage(swatch, indexed_image(entry.swatch, entry.table))
                left += across + self._pad
            words = QRectF(x + left, y, width - left, height)
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, words.width())
            self._write(words, font, shown, Qt.AlignmentFlag.AlignVCenter)
            x += width


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
