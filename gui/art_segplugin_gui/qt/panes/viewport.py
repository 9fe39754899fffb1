"""Which part of a picture is seen, and how large; panes that share one move together."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Signal

LARGEST = 64.0
"""Most logical pixels per pixel of a picture."""


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in a pane.

    Attributes:
        left: logical pixels from the pane's left edge to the picture's.
        top: logical pixels from the pane's top edge to the picture's.
        scale: logical pixels per pixel of the picture.
    """

    left: float
    top: float
    scale: float

    def to_image(self, point: QPointF) -> QPointF:
        """A point of the pane, in pixels of the picture."""
        return QPointF((point.x() - self.left) / self.scale, (point.y() - self.top) / self.scale)

    def to_pane(self, point: QPointF) -> QPointF:
        """A point of the picture, in logical pixels of the pane."""
        return QPointF(self.left + point.x() * self.scale, self.top + point.y() * self.scale)


def fit_scale(image: QSizeF, pane: QSizeF) -> float:
    """Scale at which the whole picture is seen."""
    return min(pane.width() / image.width(), pane.height() / image.height())


class Viewport(QObject):
    """Zoom and centre, relative to the picture, so that pictures of other sizes stay aligned.

    `zoom` is 1 when the whole picture is seen and fills the pane; `centre` runs from 0 to 1 along
    both edges of the picture.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._zoom = 1.0
        self._centre = (0.5, 0.5)
        self._actual = False

    @property
    def zoom(self) -> float:
        """How much larger than fitting the pane; without meaning while `is_actual_size`."""
        return self._zoom

    @property
    def centre(self) -> tuple[float, float]:
        """The point in the middle of the pane: shares of the picture's width and height."""
        return self._centre

    @property
    def is_fit(self) -> bool:
        """Whether the whole picture is seen, whatever the size of the pane."""
        return self._zoom == 1.0 and not self._actual

    @property
    def is_actual_size(self) -> bool:
        """Whether one pixel of a picture is one of the screen."""
        return self._actual

    def copy_from(self, other: "Viewport") -> None:
        """Look at the same part."""
        self._set(other._zoom, other._centre, other._actual)

    def placement(self, image: QSizeF, pane: QSizeF, ratio: float = 1.0) -> Placement:
        """Where a picture lies in a pane.

        A picture that is smaller than the pane is in its middle; a larger one leaves no gap.

        Args:
            image: the picture's size in its pixels.
            pane: the pane's size in logical pixels.
            ratio: physical per logical pixels of the screen.
        """
        scale = 1.0 / ratio if self._actual else fit_scale(image, pane) * self._zoom
        corners = []
        for part, whole, extent in (
            (self._centre[0], image.width(), pane.width()),
            (self._centre[1], image.height(), pane.height()),
        ):
            length = whole * scale
            if length <= extent:
                corner = (extent - length) / 2
            else:
                corner = min(0.0, max(extent - length, extent / 2 - part * length))
            corners.append(round(corner * ratio) / ratio)  # whole screen pixels: no blur at 1:1
        return Placement(corners[0], corners[1], scale)

    def fit(self) -> None:
        """See the whole picture."""
        self._set(1.0, (0.5, 0.5), False)

    def actual_size(self) -> None:
        """Show one pixel of a picture as one of the screen."""
        self._set(self._zoom, self._centre, True)

    def zoom_by(
        self, factor: float, at: QPointF, image: QSizeF, pane: QSizeF, ratio: float = 1.0
    ) -> None:
        """Zoom around a point of a pane, which stays where it is.

        Args:
            factor: above 1 is closer.
            at: the point, in logical pixels of the pane.
            image: size of the pane's picture.
            pane: size of the pane.
            ratio: physical per logical pixels of the screen.
        """
        here = self.placement(image, pane, ratio)
        held = here.to_image(at)
        whole = fit_scale(image, pane)
        smallest = min(1.0, 1.0 / (ratio * whole))  # a small picture may be seen at 1:1
        zoom = here.scale * factor / whole
        zoom = max(smallest, min(zoom, max(1.0, LARGEST / whole)))
        if abs(zoom - 1) < 0.02:
            zoom = 1.0
        scale = whole * zoom
        middle = QPointF(
            held.x() + (pane.width() / 2 - at.x()) / scale,
            held.y() + (pane.height() / 2 - at.y()) / scale,
        )
        self._set(zoom, self._within(middle, scale, image, pane), False)

    def move(self, dx: float, dy: float, image: QSizeF, pane: QSizeF, ratio: float = 1.0) -> bool:
        """Push the picture by logical pixels; returns whether there was anywhere to go."""
        here = self.placement(image, pane, ratio)
        middle = here.to_image(QPointF(pane.width() / 2 - dx, pane.height() / 2 - dy))
        before = here.to_image(QPointF(pane.width() / 2, pane.height() / 2))
        centre = self._within(middle, here.scale, image, pane)
        old = self._within(before, here.scale, image, pane)
        self._set(self._zoom, centre, self._actual)
        return abs(centre[0] - old[0]) + abs(centre[1] - old[1]) > 1e-9

    def show_part(self, part: QRectF, image: QSizeF, pane: QSizeF) -> None:
        """Bring a part of a picture, in its pixels, to the middle, with some room around it."""
        width, height = max(part.width(), 1.0) * 1.3, max(part.height(), 1.0) * 1.3
        whole = fit_scale(image, pane)
        scale = min(pane.width() / width, pane.height() / height)
        # Closer than this a few pixels fill the pane, and nobody knows any more where they are.
        zoom = max(1.0, min(scale / whole, 12.0))
        self._set(zoom, self._within(part.center(), whole * zoom, image, pane), False)

    def _within(
        self, middle: QPointF, scale: float, image: QSizeF, pane: QSizeF
    ) -> tuple[float, float]:
        """A centre that leaves no gap, so that nobody pushes further than can be seen."""
        shares = []
        for value, whole, extent in (
            (middle.x(), image.width(), pane.width()),
            (middle.y(), image.height(), pane.height()),
        ):
            margin = extent / (2 * scale * whole)
            shares.append(0.5 if margin >= 0.5 else min(1 - margin, max(margin, value / whole)))
        return shares[0], shares[1]

    def _set(self, zoom: float, centre: tuple[float, float], actual: bool) -> None:
        if (zoom, centre, actual) != (self._zoom, self._centre, self._actual):
            self._zoom, self._centre, self._actual = zoom, centre, actual
            self.changed.emit()
