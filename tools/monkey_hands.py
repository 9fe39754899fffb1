"""What the monkey does: keys, clicks, drags, the wheel, sizes, drops and menus, at random."""

import random
from collections.abc import Callable

from monkey_files import make_files
from monkey_home import HOME
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QWidget
from shiboken6 import isValid

from art_segplugin_gui.qt.action_table import ACTIONS
from art_segplugin_gui.qt.window import MainWindow

KEYS = [Qt.Key(Qt.Key.Key_A + n) for n in range(26)] + [
    *(Qt.Key(Qt.Key.Key_0 + n) for n in range(10)),
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home,
    Qt.Key.Key_End, Qt.Key.Key_Tab, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Space,
    Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    Qt.Key.Key_Minus, Qt.Key.Key_Equal, Qt.Key.Key_Period, Qt.Key.Key_BracketLeft,
    Qt.Key.Key_BracketRight, Qt.Key.Key_F1, Qt.Key.Key_F11,
]  # fmt: skip
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CTRL, COPY = Qt.KeyboardModifier.ControlModifier, Qt.DropAction.CopyAction
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton  # fmt: skip


class Hands:
    """Act on one window.

    Args:
        window: the window.
        chance: of what they do.
    """

    def __init__(self, window: MainWindow, chance: random.Random) -> None:
        self.window, self.random = window, chance
        self.files = make_files()
        self.controls: list[QWidget] = []
        self.notes: list[str] = []

    def act(self) -> None:
        """Do one thing."""
        what = self.random.choices(list(HABITS.values()), [weight for weight, _ in HABITS])[0]
        self._note(what.__name__)
        what(self)

    def key(self) -> None:
        """Press a key, at times with a modifier."""
        modifier = self.random.choices((NONE, SHIFT, CTRL), (10, 1, 1))[0]
        key = self.random.choice(KEYS)
        if (key, modifier) != (Qt.Key.Key_Q, CTRL):
            modal = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            target = modal or QApplication.focusWidget() or self.window
            QTest.keyClick(target, key, modifier)

    def hold(self) -> None:
        """Hold a key for a while."""
        key = self.random.choice((Qt.Key.Key_X, Qt.Key.Key_O))
        QTest.keyPress(self.window, key)
        QTimer.singleShot(self.random.randrange(300), lambda: QTest.keyRelease(self.window, key))

    def click(self) -> None:
        """Click on something."""
        widget = self._widget()
        button = self.random.choices((LEFT, RIGHT, MIDDLE), (12, 2, 1))[0]
        act = QTest.mouseDClick if self.random.random() < 0.1 else QTest.mouseClick
        act(widget, button, NONE, self._point(widget))

    def drag(self) -> None:
        """Press, move and let go."""
        widget = self._widget()
        button = self.random.choices((LEFT, RIGHT, MIDDLE), (8, 1, 1))[0]
        QTest.mousePress(widget, button, NONE, self._point(widget))
        for _ in range(self.random.randrange(1, 8)):
            if isValid(widget):
                QTest.mouseMove(widget, self._point(widget))
        if isValid(widget):
            QTest.mouseRelease(widget, button, NONE, self._point(widget))

    def wheel(self) -> None:
        """Turn the wheel."""
        widget = self._widget()
        at = QPointF(self._point(widget))
        turn = QPoint(0, self.random.choice((-240, -120, 120, 240)))
        spot = QPointF(widget.mapToGlobal(at.toPoint()))
        event = QWheelEvent(
            at, spot, QPoint(), turn, Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def resize(self) -> None:
        """Give the window another size."""
        self.window.resize(self.random.randrange(640, 1920), self.random.randrange(480, 1200))

    def drop(self) -> None:
        """Drop one or two files."""
        data = QMimeData()
        paths = self.random.choices(self.files, k=self.random.choice((1, 1, 2)))
        data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        QApplication.sendEvent(self.window, QDragEnterEvent(QPoint(9, 9), COPY, data, LEFT, NONE))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(9, 9), COPY, data, LEFT, NONE))

    def menu(self) -> None:
        """Choose something of a menu."""
        name = self.random.choice([one.id for one in ACTIONS if one.id != "quit"])
        self.window.actions_table.action(name).trigger()

    def undo(self) -> None:
        """Take some changes back, or do them again."""
        name = self.random.choice(("undo", "undo", "redo"))
        for _ in range(self.random.randrange(1, 6)):
            self.window.actions_table.action(name).trigger()

    def home(self) -> None:
        """Bring back what was closed, and something to play with."""
        self.tidy()
        self._look_around()
        source = self.random.choice(("scenes:test", "drive:0", self.files[-2]))
        self.window.files.open_dropped("source", source)

    def tidy(self) -> None:
        """Leave demo mode and put every dock in its place."""
        demo = self.window.actions_table.action("demo")
        if demo.isChecked():
            demo.trigger()
        for dock in self.window.parts.docks.values():
            dock.setFloating(False)
            dock.show()

    def path(self) -> str:
        """What the user chooses in a file dialog, or nothing."""
        return self.random.choice([*self.files, "", str(HOME / "written" / "new.segstudio.json")])

    def _look_around(self) -> None:
        parts = self.window.parts
        self.controls = [
            one
            for part in (parts.source, parts.models, parts.attack, parts.charts, parts.curve,
                         parts.timeline, parts.clip, parts.log, parts.grid, self.window.menuBar())
            for one in (part, *part.findChildren(QWidget))
        ]  # fmt: skip
        for one in (self.window, *self.controls):  # menus that Qt makes and deletes
            if one is self.window or isinstance(one, QLineEdit | QAbstractSpinBox | QPlainTextEdit):
                one.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def _note(self, text: str) -> None:
        """Keep the newest actions in a file, for the case that the process dies of one."""
        self.notes = [*self.notes[-30:], text]
        (HOME / "last-actions.txt").write_text("\n".join(self.notes))

    def _widget(self) -> QWidget:
        """Something visible that lives as long as the window, or was made by Python.

        PySide is not told when Qt deletes what Qt has made, such as the buttons of a dialog's box,
        and would give what was freed for what is now in its place: then this process crashes, not
        because of the app.
        """
        top = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if top is not None:
            values = vars(top).values()
            parts = [*values, *(v for d in values if isinstance(d, dict) for v in d.values())]
            inside = [one for one in parts if isinstance(one, QWidget) and isValid(one)]
            return self.random.choice([top, *inside])
        shown = [one for one in self.controls if isValid(one) and one.isVisible()]
        chosen = self.random.choice([*shown, self.window])
        self._note(f"  on {type(chosen).__name__} {chosen.accessibleName()!r}")
        return chosen

    def _point(self, widget: QWidget) -> QPoint:
        return QPoint(
            self.random.randrange(max(widget.width(), 1)),
            self.random.randrange(max(widget.height(), 1)),
        )


HABITS: dict[tuple[float, str], Callable[[Hands], None]] = {
    (20, "key"): Hands.key,
    (1, "hold"): Hands.hold,
    (30, "click"): Hands.click,
    (14, "drag"): Hands.drag,
    (8, "wheel"): Hands.wheel,
    (0.7, "resize"): Hands.resize,
    (1, "drop"): Hands.drop,
    (4, "menu"): Hands.menu,
    (2, "undo"): Hands.undo,
    (0.5, "home"): Hands.home,
}
