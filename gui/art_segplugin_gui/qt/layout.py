"""Where the docks are: kept between two starts, the usual places, and the panes alone for a talk."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.window_parts import Parts, place_docks, usual_sizes


class Layout(QObject):
    """Places the docks of a window and remembers how the user places them.

    Args:
        window: the window; its parts are in it.
        parts: whose docks.
        settings: where the places are kept; None for nowhere.

    Signals:
        placed: the docks have their places; before, there is nothing to remember.
    """

    placed = Signal()

    def __init__(self, window: QMainWindow, parts: Parts, settings: Settings | None) -> None:
        super().__init__(window)
        self._window, self._parts, self._settings = window, parts, settings
        self.in_demo = False
        self._kept = self._placed = False
        self._docked: set[str] = set()  # docks to show again after demo mode
        self._state = Qt.WindowState.WindowNoState  # of the window, before demo mode
        self._sizes = QTimer(self, singleShot=True, interval=0)
        self._sizes.timeout.connect(self._give_sizes)

    def begin(self) -> None:
        """Give the docks their places, the usual ones where none are kept; the window is shown."""
        if self._settings is not None:
            self._kept = self._window.restoreState(self._settings.docks)
        self._sizes.start()  # the window has to be laid out first

    def fill_menu(self, menu: QMenu) -> None:
        """Add a menu that shows and hides each dock, and brings the usual places back."""
        panels = menu.addMenu("Panels")
        for dock in self._parts.docks.values():
            panels.addAction(dock.toggleViewAction())
        panels.addSeparator()
        panels.addAction("Usual layout").triggered.connect(self.restore)

    def restore(self) -> None:
        """Give the docks their usual places and sizes again."""
        self._kept = False
        place_docks(self._window, self._parts)
        self._sizes.start()

    def keep(self) -> None:
        """Remember the places for the next start, if they are what the user chose."""
        if self._settings is not None and self._placed and not self.in_demo:
            self._settings.geometry = self._window.saveGeometry()
            self._settings.docks = self._window.saveState()

    @property
    def scale(self) -> float:
        """Factor on the size of text."""
        return theme.DEMO_SCALE if self.in_demo else 1.0

    def set_demo(self, on: bool) -> None:
        """Show the panes only, in large type, or all of the window as it was before."""
        if on == self.in_demo:
            return
        window, docks = self._window, self._parts.docks
        if on:
            self.keep()
            self._docked = {name for name, dock in docks.items() if not dock.isHidden()}
            self._state = window.windowState()
        self.in_demo = on
        for name, dock in docks.items():
            dock.setVisible(not on and name in self._docked)
        window.menuBar().setVisible(not on)
        self._parts.strip.setHidden(on)
        self._parts.grid.set_big_text(on)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, "dark" if theme.is_dark(app.palette()) else "light", self.scale)
        self._size_captions(app.font())
        full = Qt.WindowState.WindowFullScreen
        window.setWindowState(self._state | full if on else self._state)

    def _size_captions(self, font: QFont) -> None:
        """Captions in the panes have a size of their own in demo mode, made of the usual one."""
        if self.in_demo:
            font.setPointSizeF(font.pointSizeF() / self.scale)
        self._parts.grid.setFont(font if self.in_demo else QFont())

    def _give_sizes(self) -> None:
        if not self._kept:
            usual_sizes(self._window, self._parts)
        if not self._placed:
            self._placed = True
            self.placed.emit()
