"""A pane that people zoom, move, point at and paint on."""

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.qt.panes.overlay import OverlayPane
from art_segplugin_gui.qt.panes.viewport import Viewport

_NOTCH = 1.2  # zoom of one notch of a wheel, and of one key
_CLICK = 4  # logical pixels: a click that moves further is a drag
_ARROWS = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class Pane(OverlayPane):
    """The wheel zooms, a drag moves, and with a brush in hand the left button paints.

    The right button, or Shift, erases. The middle button always moves. Keys: arrows, + and -.

    Signals:
        hovered: column and row of the picture under the pointer.
        left: the pointer is over no pixel any more.
        clicked: column and row of the picture.
        brushed: x0, y0, x1, y1 of a piece of a stroke in pixels of the picture, and "erase".
        brush_lifted: the stroke is at its end.
    """

    hovered = Signal(int, int)
    left = Signal()
    clicked = Signal(int, int)
    brushed = Signal(float, float, float, float, bool)
    brush_lifted = Signal()

    def __init__(self, name: str, viewport: Viewport, parent: QWidget | None = None) -> None:
        super().__init__(name, viewport, parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._pressed: QPointF | None = None
        self._last: QPointF | None = None
        self._doing = ""  # "", "press", "move", "paint" or "erase"
        self._brush: float | None = None
        self._pointer: QPointF | None = None
        self._ring = False

    def set_brush(self, width: float | None) -> None:
        """Take a brush of so many pixels of the picture in hand, or lay it down."""
        if width is None or self._brush is None:
            self._doing = ""  # with another width a stroke goes on
        self._brush = width
        self.setCursor(Qt.CursorShape.ArrowCursor if width is None else Qt.CursorShape.CrossCursor)
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point of the pane, or around its middle."""
        size = self.image_size
        if size is not None:
            point = QPointF(self.width() / 2, self.height() / 2) if at is None else at
            ratio = self.devicePixelRatioF()
            self.viewport.zoom_by(factor, point, size, self.pane_size, ratio)

    def push(self, dx: float, dy: float) -> bool:
        """Move the picture by logical pixels; returns whether there was anywhere to go."""
        size = self.image_size
        if size is None:
            return False
        return self.viewport.move(dx, dy, size, self.pane_size, self.devicePixelRatioF())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom around the pointer."""
        if event.angleDelta().y():
            self.zoom(_NOTCH ** (event.angleDelta().y() / 120), event.position())
            self._point_at(event.position())
            event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin to move, to paint or to click."""
        self._pressed = self._last = event.position()
        button = event.button()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if button == Qt.MouseButton.MiddleButton:
            self._doing = "move"
        elif self._brush is not None and button == Qt.MouseButton.RightButton:
            self._doing = "erase"
        elif button != Qt.MouseButton.LeftButton:
            self._doing = ""
            event.ignore()
        elif self._brush is not None:
            self._doing = "erase" if shift else "paint"
        else:
            self._doing = "press"
        if self._doing in ("paint", "erase"):
            self._stroke(event.position(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Move, paint, or say what is under the pointer."""
        here = event.position()
        if self._doing == "press" and self._pressed is not None:
            way = here - self._pressed
            if way.manhattanLength() > _CLICK:
                self._doing = "move"
        if self._doing == "move" and self._last is not None:
            self.push(here.x() - self._last.x(), here.y() - self._last.y())
            self._last = here
        elif self._doing in ("paint", "erase") and self._last is not None:
            self._stroke(self._last, here)
            self._last = here
        self._point_at(here)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End what began."""
        doing, self._doing = self._doing, ""
        if doing in ("paint", "erase"):
            self.brush_lifted.emit()
        elif doing == "press":
            pixel = self.pixel_at(event.position())
            if pixel is not None:
                self.clicked.emit(*pixel)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Say what is under the pointer."""
        self._point_at(event.position())
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is under the pointer any more."""
        self._pointer = None
        self.left.emit()
        self.update()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Frame the pane for those who came by keyboard; others see their pointer."""
        by_keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._ring = event.reason() in (*by_keys, Qt.FocusReason.ShortcutFocusReason)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Take the frame away."""
        self._ring = False
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move by arrows and zoom by + and -; keys that do nothing are for the window."""
        key = Qt.Key(event.key())
        if key in _ARROWS:
            right, down = _ARROWS[key]
            if self.push(right * self.width() / 8, down * self.height() / 8):
                return
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self.zoom(_NOTCH if key == Qt.Key.Key_Plus else 1 / _NOTCH)
            return
        super().keyPressEvent(event)

    def paint_marks(self, painter: QPainter) -> None:
        """Show the focus, and how large the brush is."""
        if self._ring:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        placement = self.placement
        if self._brush is None or self._pointer is None or placement is None:
            return
        radius = max(self._brush / 2, 0.75) * placement.scale
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Black in white is seen on any picture.
        for colour, width in ((QColor(Qt.GlobalColor.white), 3.0), (QColor(0, 0, 0), 1.0)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(self._pointer, radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _stroke(self, start: QPointF, end: QPointF) -> None:
        placement = self.placement
        if placement is None:
            return
        first, last = placement.to_image(start), placement.to_image(end)
        self.brushed.emit(first.x(), first.y(), last.x(), last.y(), self._doing == "erase")

    def _point_at(self, point: QPointF) -> None:
        self._pointer = point
        pixel = self.pixel_at(point)
        if pixel is None:
            self.left.emit()
        else:
            self.hovered.emit(*pixel)
        if self._brush is not None:
            self.update()
