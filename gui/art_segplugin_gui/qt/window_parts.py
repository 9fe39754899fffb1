"""The widgets of the main window and their places."""

from dataclasses import dataclass, field

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

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
from art_segplugin_gui.qt.status import Status

LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
HIDDEN_AT_FIRST = ("clip", "log")
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
USUAL_AREAS = {
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
    place_docks(window, parts)
    for panel in (parts.source, parts.models, parts.attack, parts.clip):
        leave_keyboard(panel)


def place_docks(window: QMainWindow, parts: Parts) -> None:
    """Put the docks where they usually are, and hide those that are not for everybody."""
    for name, area in USUAL_AREAS.items():
        dock = parts.docks[name]
        dock.setFloating(False)
        window.addDockWidget(area, dock)
        dock.setVisible(name not in HIDDEN_AT_FIRST)


def usual_sizes(window: QMainWindow, parts: Parts) -> None:
    """Give the docks their usual share of the window."""
    docks = parts.docks
    narrow = min(max(260, window.width() // 5), 380)
    low = max(130, window.height() // 6)
    window.resizeDocks([docks["source"], docks["attack"]], [narrow, narrow], _ACROSS)
    window.resizeDocks([docks["curve"], docks["timeline"]], [low, low], _DOWN)
    for upper, lower in (("source", "charts"), ("models", "attack")):
        wanted = docks[upper].sizeHint().height() + _TITLE
        window.resizeDocks([docks[upper], docks[lower]], [wanted, window.height() - wanted], _DOWN)


_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_TITLE = 30


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
