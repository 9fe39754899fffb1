"""Sentences above the panes: what went wrong and what can be done about it."""

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.theme import semantic
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

KINDS = {
    "error": QStyle.StandardPixmap.SP_MessageBoxCritical,
    "warning": QStyle.StandardPixmap.SP_MessageBoxWarning,
    "info": QStyle.StandardPixmap.SP_MessageBoxInformation,
}
LIMIT = 3
"""So many banners at once; the oldest goes, one without a button first."""
LINES = 2
"""Lines of the newest banner; older ones have one, so that they leave the pictures their room."""
INFO_MS = 8000
"""After so long what is only good to know goes by itself."""


class Banner(QFrame):
    """One sentence, with a button that does something about it if there is such a thing.

    Signals:
        acted: the button was pressed.
        closed: it was closed by hand.

    Args:
        kind: a key of KINDS.
        text: the sentence; what does not fit in LINES is shown when "More" is pressed.
        action: what the button says, such as "Retry"; empty for no button.
        parent: owner.
    """

    acted = Signal()
    closed = Signal()

    def __init__(
        self, kind: str, text: str, action: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.kind = kind
        self.label = WrappedLabel(text, LINES)
        self.more = QToolButton()
        self.more.setText("More")
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setToolTip("Show all of this message")
        self.more.hide()
        self._lines = LINES
        self.action = QPushButton(action)
        if not action:
            self.action.hide()  # setVisible(True) would open a window: it has no parent yet
        self.close_button = QToolButton()
        self.close_button.setIcon(
            self.style().standardIcon(QStyle.StandardPixmap.SP_TitleBarCloseButton)
        )
        self.close_button.setAutoRaise(True)
        self.close_button.setAccessibleName("Close this message")
        self.close_button.setToolTip("Close this message")
        icon = QLabel()
        size = self.style().pixelMetric(QStyle.PixelMetric.PM_SmallIconSize)
        icon.setPixmap(self.style().standardIcon(KINDS[kind]).pixmap(size))
        icon.setAccessibleName(kind)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 6, 6, 6)
        layout.addWidget(icon)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.more)
        layout.addWidget(self.action)
        layout.addWidget(self.close_button)
        self.setAccessibleName(f"{kind}: {text}")
        self.setToolTip(text)
        # Queued: it comes in the middle of a layout, which must not be changed then.
        self.label.cut_changed.connect(self._show_more, Qt.ConnectionType.QueuedConnection)
        self.more.toggled.connect(self._expand)
        self.action.clicked.connect(self.acted)
        self.close_button.clicked.connect(self.closed)

    @property
    def text(self) -> str:
        """The sentence."""
        return self.label.said

    def set_lines(self, lines: int) -> None:
        """Take so many lines, unless all of it is asked for."""
        self._lines = lines
        self._expand(self.more.isChecked())

    def _expand(self, all_of_it: bool) -> None:
        self.label.set_limit(None if all_of_it else self._lines)

    def _show_more(self) -> None:
        self.more.setVisible(self.label.cut or self.more.isChecked())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """A frame and an edge in the colour of the kind, as the theme has it now."""
        painter = QPainter(self)
        colour = getattr(semantic(self.palette()), self.kind)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Base))
        painter.fillRect(QRect(0, 0, 4, self.height()), colour)
        painter.setPen(colour)
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class Banners(QWidget):
    """The newest banners, one below the other; takes no room when there are none.

    Signals:
        acted: the name of a banner whose button was pressed; the banner closes.
        closed: the name of a banner that was closed by hand.
    """

    acted = Signal(str)
    closed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._shown: dict[str, Banner] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def banners(self) -> tuple[Banner, ...]:
        """What is shown, oldest first."""
        return tuple(self._shown.values())

    def show_message(self, kind: str, text: str, action: str = "", name: str = "") -> None:
        """Show a sentence.

        Args:
            kind: "error", "warning" or "info".
            text: one sentence or two.
            action: what its button says; empty for none.
            name: what it is about; it replaces an older one of that name. Empty for the text.
        """
        name = name or text
        self.dismiss(name)
        self._make_room(bool(action))
        for older in self._shown.values():
            older.set_lines(1)
        banner = Banner(kind, text, action, self)
        banner.acted.connect(lambda: self._act(name))
        banner.closed.connect(lambda: self._close(name))
        self._shown[name] = banner
        self._layout.addWidget(banner)
        banner.show()
        self.show()
        if kind == "info" and not action:
            goes = QTimer(banner, singleShot=True, interval=INFO_MS)
            goes.timeout.connect(lambda: self._leave(name, goes))
            goes.start()

    def dismiss(self, name: str) -> None:
        """Take a banner away, if it is there; no signal."""
        banner = self._shown.pop(name, None)
        if banner is not None:
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        if self._shown:
            list(self._shown.values())[-1].set_lines(LINES)
        self.setVisible(bool(self._shown))

    def clear(self) -> None:
        """Take all banners away; no signal."""
        for name in list(self._shown):
            self.dismiss(name)

    def _make_room(self, acts: bool) -> None:
        """Let the oldest go; one that offers a way out only for another of its kind."""
        while len(self._shown) >= LIMIT:
            plain = [name for name, one in self._shown.items() if not one.action.text()]
            if not plain and not acts:
                break
            self.dismiss((plain or list(self._shown))[0])

    def _leave(self, name: str, timer: QTimer) -> None:
        """Go, unless it is being read."""
        banner = self._shown[name]
        if banner.underMouse() or banner.more.isChecked():
            timer.start()
        else:
            self.dismiss(name)

    def _act(self, name: str) -> None:
        self.dismiss(name)
        self.acted.emit(name)

    def _close(self, name: str) -> None:
        self.dismiss(name)
        self.closed.emit(name)
