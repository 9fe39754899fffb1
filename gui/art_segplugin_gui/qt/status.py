"""The status bar: the pixel under the pointer on the left, what computes and how fast on the right."""

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar, QWidget

from art_segplugin_gui.session.frames import Step

_ANY = 2**24 - 1
"""Qt's own largest size of a widget, which is no limit."""


class ElidedLabel(QLabel):
    """One line that is cut with dots where there is no room, and whole in its tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def setText(self, text: str) -> None:  # noqa: N802 (Qt's name)
        """Write another line."""
        super().setText(text)
        self.setToolTip(text)

    def sizeHint(self) -> QSize:  # noqa: N802
        """No width of its own."""
        return QSize(0, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """No width of its own."""
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Draw what fits."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)


class Status(QStatusBar):
    """Three places: the reading under the pointer, what is waited for, device and pace."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading = ElidedLabel()
        self.reading.setAccessibleName("Pixel under the pointer")
        self.waiting = ElidedLabel()
        self.waiting.setAccessibleName("What is being waited for")
        self.pace = QLabel("starting")
        self.pace.setAccessibleName("Device and time per step")
        self.addWidget(self.reading, 1)
        self.addPermanentWidget(self.waiting, 1)
        self.addPermanentWidget(self.pace)
        self._device = ""

    def show_device(self, device: str, threads: int) -> None:
        """Say where models run."""
        plural = "" if threads == 1 else "s"
        self._device = device if device != "cpu" else f"CPU, {threads} thread{plural}"
        self.pace.setText(self._device)

    def show_step(self, step: Step) -> None:
        """Say how long a step takes; it is measured, without what drawing takes."""
        text = f"{self._device}  {1000 * step.seconds:.0f} ms/step"
        # A width that changes with the digits would lay out the whole window at every step.
        needed = self.pace.fontMetrics().horizontalAdvance(text) + 2
        if not self._room_for(needed):
            widest = self.pace.fontMetrics().horizontalAdvance(f"{self._device}  88888 ms/step") + 2
            self.pace.setFixedSize(max(needed, widest), self.pace.sizeHint().height())
        self.pace.setText(text)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Larger type needs more room than was kept."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "pace"):
            self.pace.setMinimumSize(0, 0)
            self.pace.setMaximumSize(_ANY, _ANY)

    def _room_for(self, width: int) -> bool:
        fixed = self.pace.minimumWidth() == self.pace.maximumWidth()
        return fixed and width <= self.pace.minimumWidth()

    def show_waiting(self, text: str, share: float) -> None:
        """Say what is waited for; empty for nothing."""
        done = f"  {100 * share:.0f} %" if text and share >= 0 else ""
        self.waiting.setText(f"{text}{done}")
