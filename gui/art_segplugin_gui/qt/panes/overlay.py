"""A widget that paints a picture with indexed layers over it: one repaint for any change of view."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from art_segplugin_gui.qt.panes.colours import Table
from art_segplugin_gui.qt.panes.images import colour_image, indexed_image
from art_segplugin_gui.qt.panes.layers import Composition, Layer
from art_segplugin_gui.qt.panes.titles import Caption, Words, elided
from art_segplugin_gui.qt.panes.viewport import Placement, Viewport

_MARGIN = 3  # logical pixels between a pane's edge and its words


@dataclass(frozen=True, eq=False)
class _Painted:
    """An indexed picture of Qt, beside the memory that it reads; `array` is what it was made of."""

    array: NDArray[np.uint8]
    memory: NDArray[np.uint8]
    table: Table
    image: QImage
    opacity: float


class OverlayPane(QWidget):
    """A picture, layers over it, and words on top; it knows nothing of models.

    Args:
        name: accessible name, such as "A adversarial".
        viewport: what part of the picture is seen; may be shared with other panes.
        parent: widget that owns this one.
    """

    def __init__(self, name: str, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAcceptDrops(False)  # what is dropped here is for the window
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._composition: Composition | None = None
        self._base: QImage | None = None
        self._layers: list[_Painted] = []
        self._extra: _Painted | None = None
        self._caption = Caption()
        self._placeholder = ""
        self._busy = self._big = False
        self._legend = True
        self._viewport = viewport
        viewport.changed.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Half of the panes' share of a small window."""
        return QSize(360, 270)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Smaller panes show nothing of use."""
        return QSize(120, 90)

    @property
    def composition(self) -> Composition | None:
        """What is painted; None for an empty pane."""
        return self._composition

    def show_composition(self, composition: Composition | None) -> None:
        """Paint this; what is already there in Qt's form is used again.

        Layers of another size than the picture are stretched over it.
        """
        old = self._composition
        if old is not None and composition is not None and old.looks_like(composition):
            self._composition = composition
            return  # clean panes stay as they are while an attack goes on beside them
        if composition is None:
            self._base, self._layers = None, []
        else:
            if old is None or old.base is not composition.base:
                self._base = colour_image(composition.base)
            self._layers = [_painted(layer, self._layers) for layer in composition.layers]
        self._composition = composition
        self.update()

    def show_extra(self, layer: Layer | None) -> None:
        """Paint one more layer on top, such as a painted region."""
        known = [self._extra] if self._extra is not None else []
        self._extra = None if layer is None else _painted(layer, known)
        self.update()

    def set_caption(self, caption: Caption) -> None:
        """Write title and figures on the canvas; they are elided to its width."""
        if caption != self._caption:
            self._caption = caption
            self.setAccessibleDescription(f"{caption.title}  {caption.figures}".strip())
            self.update()

    @property
    def caption(self) -> Caption:
        """What is written on the canvas."""
        return self._caption

    def set_placeholder(self, text: str) -> None:
        """Words for a pane without a picture."""
        self._placeholder = text
        self.update()

    def set_busy(self, busy: bool) -> None:
        """Mark what is shown as older than what was asked for."""
        if busy != self._busy:
            self._busy = busy
            self.update()

    @property
    def busy(self) -> bool:
        """Whether the pane is marked."""
        return self._busy

    def set_big_text(self, big: bool) -> None:
        """Write for an audience."""
        self._big = big
        self.update()

    def set_legend(self, shown: bool) -> None:
        """Explain the layer's colours on this pane."""
        self._legend = shown
        self.update()

    @property
    def viewport(self) -> Viewport:
        """What part of the picture is seen."""
        return self._viewport

    def set_viewport(self, viewport: Viewport) -> None:
        """Look through another viewport."""
        if viewport is not self._viewport:
            self._viewport.changed.disconnect(self.update)
            self._viewport = viewport
            viewport.changed.connect(self.update)
            self.update()

    @property
    def image_size(self) -> QSizeF | None:
        """Width and height of the picture in its pixels; None without one."""
        return None if self._base is None else QSizeF(self._base.size())

    @property
    def pane_size(self) -> QSizeF:
        """Width and height of the pane in logical pixels."""
        return QSizeF(self.size())

    @property
    def placement(self) -> Placement | None:
        """Where the picture lies; None without one."""
        size = self.image_size
        if size is None:
            return None
        return self._viewport.placement(size, self.pane_size, self.devicePixelRatioF())

    def pixel_at(self, point: QPointF) -> tuple[int, int] | None:
        """Column and row of the picture under a point of the pane; None beside the picture."""
        size, placement = self.image_size, self.placement
        if size is None or placement is None:
            return None
        where = placement.to_image(point)
        x, y = math.floor(where.x()), math.floor(where.y())
        return (x, y) if 0 <= x < size.width() and 0 <= y < size.height() else None

    def event(self, event: QEvent) -> bool:
        """Show what is elided, in full, where the pointer rests."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            caption = self._caption
            if elided(caption, self.font(), self._big, self.width() - 2 * _MARGIN):
                lines = filter(None, (caption.title, caption.figures))
                QToolTip.showText(event.globalPos(), "\n".join(lines), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint base, layers and words."""
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
            pane = QRectF(self.rect())
            words = Words(painter, self.palette(), self.font(), self._big)
            composition = self._composition
            if composition is None:
                words.middle(pane, self._placeholder)
            else:
                self._paint_pictures(painter)
            self.paint_marks(painter)
            frame = pane.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
            words.title(frame, self._caption.title, self._busy)
            note = "" if composition is None else composition.note
            room = words.foot(frame, self._caption.figures, note)
            if composition is not None and self._legend:
                # For an audience there are no buttons that say which layer this is.
                heading = composition.name if self._big else ""
                words.legend(room, heading, composition.keys, composition.more)

    def paint_marks(self, painter: QPainter) -> None:
        """Paint over the pictures and under the words; for subclasses."""

    def _paint_pictures(self, painter: QPainter) -> None:
        placement = self.placement
        if self._base is None or placement is None:
            return
        seen = _seen(placement, self._base, self.rect().toRectF())
        smooth = placement.scale * self.devicePixelRatioF() < 1
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        target = QRectF(placement.to_pane(seen.topLeft()), seen.size() * placement.scale)
        painter.drawImage(target, self._base, seen)
        # Between two classes there is no third one: labels are never smoothed.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        extra = [self._extra] if self._extra is not None else []
        for layer in self._layers + extra:
            across = layer.image.width() / self._base.width()
            down = layer.image.height() / self._base.height()
            part = QRectF(
                seen.x() * across, seen.y() * down, seen.width() * across, seen.height() * down
            )
            painter.setOpacity(layer.opacity)
            painter.drawImage(target, layer.image, part)
        painter.setOpacity(1.0)


def _seen(placement: Placement, image: QImage, pane: QRectF) -> QRectF:
    """Whole pixels of the picture that are in the pane: far-away corners overflow Qt's arithmetic."""
    first = placement.to_image(pane.topLeft())
    last = placement.to_image(pane.bottomRight())
    left, top = max(0, math.floor(first.x())), max(0, math.floor(first.y()))
    right = min(image.width(), math.ceil(last.x()))
    bottom = min(image.height(), math.ceil(last.y()))
    return QRectF(left, top, max(0, right - left), max(0, bottom - top))


def _painted(layer: Layer, known: list[_Painted]) -> _Painted:
    """A layer in Qt's form; arrays and tables that Qt already has are not converted again."""
    for old in known:
        if old.array is layer.array:
            image = old.image
            if old.table is not layer.table:
                image.setColorTable(layer.table)
            return _Painted(layer.array, old.memory, layer.table, image, layer.opacity)
    memory = np.ascontiguousarray(layer.array)
    image = indexed_image(memory, layer.table)
    return _Painted(layer.array, memory, layer.table, image, layer.opacity)
