"""The widgets of the main window and their places: as kept, by default, and the panes alone."""

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QMainWindow,
    QMenu,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.banner import Banners
from art_segplugin_gui.qt.charts.class_bars import ClassBars
from art_segplugin_gui.qt.charts.confusion import ConfusionView
from art_segplugin_gui.qt.charts.step_curve import StepCurve
from art_segplugin_gui.qt.charts.timeline import Timeline
from art_segplugin_gui.qt.controls import leave_keyboard
from art_segplugin_gui.qt.docks.attack import AttackPanel
from art_segplugin_gui.qt.docks.clip import ClipPanel
from art_segplugin_gui.qt.docks.models import ModelsPanel
from art_segplugin_gui.qt.docks.source import SourcePanel
from art_segplugin_gui.qt.layer_strip import LayerStrip
from art_segplugin_gui.qt.log import LogPanel
from art_segplugin_gui.qt.panes.grid import PaneGrid
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.status import Status

_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_TITLE = 30
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
HIDDEN_AT_FIRST = ("clip", "log")
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
DEFAULT_AREAS = {
    "source": LEFT,
    "charts": LEFT,
    "models": RIGHT,
    "attack": RIGHT,
    "curve": BOTTOM,
    "timeline": BOTTOM,
    "clip": RIGHT,
    "log": BOTTOM,
}
"""Docks in their order."""


@dataclass
class Parts:
    """One of each."""

    grid: PaneGrid = field(default_factory=PaneGrid)
    strip: LayerStrip = field(default_factory=LayerStrip)
    banners: Banners = field(default_factory=Banners)
    source: SourcePanel = field(default_factory=SourcePanel)
    models: ModelsPanel = field(default_factory=ModelsPanel)
    attack: AttackPanel = field(default_factory=AttackPanel)
    bars: ClassBars = field(default_factory=ClassBars)
    confusion: ConfusionView = field(default_factory=ConfusionView)
    curve: StepCurve = field(default_factory=StepCurve)
    timeline: Timeline = field(default_factory=Timeline)
    clip: ClipPanel = field(default_factory=ClipPanel)
    clip_bars: ClassBars = field(default_factory=lambda: ClassBars("Whole clip: not attacked yet"))
    log: LogPanel = field(default_factory=LogPanel)
    status: Status = field(default_factory=Status)
    charts: QTabWidget = field(default_factory=QTabWidget)
    docks: dict[str, QDockWidget] = field(default_factory=dict)


def lay_out(window: QMainWindow, parts: Parts) -> None:
    """Put the parts into a window: panes in the middle, panels and charts around them."""
    middle = QWidget()
    column = QVBoxLayout(middle)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(parts.banners)
    column.addWidget(parts.grid, 1)
    column.addWidget(parts.strip)
    window.setCentralWidget(middle)
    window.setStatusBar(parts.status)
    parts.charts.addTab(parts.bars, "Classes")
    parts.charts.addTab(parts.confusion, "Confusion")
    parts.charts.addTab(parts.clip_bars, "Clip")
    parts.charts.setDocumentMode(True)
    window.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
    window.setCorner(Qt.Corner.BottomRightCorner, RIGHT)
    for name, title, widget in (
        ("source", "Source", PanelArea(parts.source)),
        ("charts", "Charts", parts.charts),
        ("models", "Models", PanelArea(parts.models)),
        ("attack", "Attack", PanelArea(parts.attack)),
        ("curve", "Steps", parts.curve),
        ("timeline", "Timeline", parts.timeline),
        ("clip", "Attack on the range", PanelArea(parts.clip)),
        ("log", "Log", parts.log),
    ):
        dock = QDockWidget(title, window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        parts.docks[name] = dock
    for panel in (parts.source, parts.models, parts.attack, parts.clip):
        leave_keyboard(panel)


class PanelArea(QScrollArea):
    """A panel that can be scrolled where the window is low, and is never narrower than it needs."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self._panel = panel
        self.setWidget(panel)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # else each click within would take the keys
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(panel.accessibleName() or "Panel")

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """The panel's width and its scroll bar's; hardly any height."""
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self._panel.minimumSizeHint().width() + bar, 60)

    def sizeHint(self) -> QSize:  # noqa: N802
        """All of the panel."""
        hint = self._panel.sizeHint()
        return QSize(max(hint.width(), self.minimumSizeHint().width()), hint.height())


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
        self._place_docks()

    def begin(self) -> None:
        """Give the docks their places, the default ones where none are kept; the window is shown."""
        if self._settings is not None:
            self._kept = self._window.restoreState(self._settings.docks)
        self._sizes.start()  # the window has to be laid out first

    def fill_menu(self, menu: QMenu) -> None:
        """Add a menu that shows and hides each dock, and brings the default places back."""
        panels = menu.addMenu("Panels")
        for dock in self._parts.docks.values():
            panels.addAction(dock.toggleViewAction())
        panels.addSeparator()
        panels.addAction("Usual layout").triggered.connect(self.restore)

    def restore(self) -> None:
        """Give the docks their default places and sizes again."""
        self._kept = False
        self._place_docks()
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
            self._give_default_sizes()
        if not self._placed:
            self._placed = True
            self.placed.emit()

    def _place_docks(self) -> None:
        """Put the docks where they are by default, and hide those that are not for everybody."""
        for name, area in DEFAULT_AREAS.items():
            dock = self._parts.docks[name]
            dock.setFloating(False)
            self._window.addDockWidget(area, dock)
            dock.setVisible(name not in HIDDEN_AT_FIRST)

    def _give_default_sizes(self) -> None:
        """Give the docks their share of the window."""
        window, docks = self._window, self._parts.docks
        narrow = min(max(260, window.width() // 5), 380)
        low = max(130, window.height() // 6)
        window.resizeDocks([docks["source"], docks["attack"]], [narrow, narrow], _ACROSS)
        window.resizeDocks([docks["curve"], docks["timeline"]], [low, low], _DOWN)
        for upper, lower in (("source", "charts"), ("models", "attack")):
            wanted = docks[upper].sizeHint().height() + _TITLE
            heights = [wanted, window.height() - wanted]
            window.resizeDocks([docks[upper], docks[lower]], heights, _DOWN)
