"""The sheet of keys (F1), and the dialog that changes them."""

from collections.abc import Sequence

from PySide6.QtCore import QMargins, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.action_table import ACTIONS, MENUS, Action
from art_segplugin_gui.qt.actions import Actions
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

NATIVE = QKeySequence.SequenceFormat.NativeText
_MOST_OF_A_SCREEN = 0.85


def shown_keys(keys: tuple[str, ...], hold: bool = False) -> str:
    """Keys as people read them, such as "hold X" or "A or Left"."""
    text = " or ".join(QKeySequence(key).toString(NATIVE) for key in keys)
    return f"hold {text}" if hold and text else text or "none"


class ShortcutSheet(QDialog):
    """All actions by menu, with their keys as they are now; what they do is in their tool tips.

    Args:
        actions: of the window.
        parent: owner.
    """

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self._actions = actions
        self.keys: dict[str, QLabel] = {}
        halves = QWidget()
        beside = QHBoxLayout(halves)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(36)
        for menus in _in_halves():
            beside.addWidget(self._half(menus), 1, Qt.AlignmentFlag.AlignTop)
        self._refresh()  # before it is measured
        area = _Scrolled(halves, "Keys of all actions")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        layout.addWidget(buttons)
        whole = halves.sizeHint().grownBy(QMargins(24, 24, 24, 16 + buttons.sizeHint().height()))
        self.resize(whole.boundedTo(self.screen().availableSize() * _MOST_OF_A_SCREEN))
        actions.keys_changed.connect(self._refresh)

    def _half(self, menus: Sequence[str]) -> QWidget:
        half = QWidget()
        grid = QGridLayout(half)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for menu in menus:
            grid.addWidget(_heading(menu), grid.rowCount(), 0, 1, 2)
            for row in (row for row in ACTIONS if row.menu == menu):
                key, words = QLabel(), QLabel(row.plain)
                for label in (key, words):
                    label.setTextFormat(Qt.TextFormat.PlainText)
                    label.setToolTip(row.tip)
                words.setAccessibleDescription(row.tip)
                self.keys[row.id] = key
                place = grid.rowCount()
                grid.addWidget(key, place, 0)
                grid.addWidget(words, place, 1)
        return half

    def _refresh(self) -> None:
        for row in ACTIONS:
            self.keys[row.id].setText(shown_keys(self._actions.keys(row.id), row.hold))


class ShortcutEditor(QDialog):
    """One field of keys for each action; a key that another action has is refused with a sentence.

    Args:
        actions: of the window.
        parent: owner.
    """

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self._actions = actions
        self.edits: dict[str, QKeySequenceEdit] = {}
        self.message = WrappedLabel("Click on a key, then press another. Changes are kept at once.")
        grid = _Grid()
        for menu in MENUS:
            grid.heading(menu)
            for row in ACTIONS:
                if row.menu == menu:
                    self._row(row, grid)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.reset_button = QPushButton("Reset to defaults")
        buttons.addButton(self.reset_button, QDialogButtonBox.ButtonRole.ResetRole)
        buttons.rejected.connect(self.reject)
        self.reset_button.clicked.connect(self._reset)
        for button in buttons.buttons():
            button.setAutoDefault(False)  # type: ignore[attr-defined]  # Return may be a key
        layout = QVBoxLayout(self)
        layout.addWidget(self.message)
        layout.addWidget(_Scrolled(grid, "Keys of all actions"), 1)
        layout.addWidget(buttons)
        self.resize(self.sizeHint().expandedTo(self.minimumSizeHint()))
        self._refresh()

    def _row(self, row: Action, grid: "_Grid") -> None:
        edit = QKeySequenceEdit()
        edit.setMaximumSequenceLength(1)
        edit.setFinishingKeyCombinations([])
        edit.setAccessibleName(f"Key of {row.plain}")
        edit.editingFinished.connect(lambda: self._edited(row))
        clear = QPushButton("No key")
        clear.setAutoDefault(False)
        clear.setAccessibleName(f"No key for {row.plain}")
        clear.clicked.connect(lambda: self._rebind(row, ()))
        caption = QLabel(f"{row.plain} (hold)" if row.hold else row.plain)
        caption.setBuddy(edit)
        self.edits[row.id] = edit
        grid.add(caption, edit, clear)

    def _edited(self, row: Action) -> None:
        first = self.edits[row.id].keySequence().toString()
        if first == "".join(self._actions.keys(row.id)[:1]):
            return
        others = self._actions.keys(row.id)[1:]
        self._rebind(row, (first, *(key for key in others if key != first)) if first else others)

    def _rebind(self, row: Action, keys: tuple[str, ...]) -> None:
        try:
            self._actions.rebind(row.id, keys)
        except InputError as error:
            self._say(str(error), bad=True)
        else:
            self._say(f"{row.plain}: {shown_keys(keys, row.hold)}.")
        self._refresh()

    def _reset(self) -> None:
        self._actions.reset()
        self._say("All keys are the usual ones again.")
        self._refresh()

    def _say(self, text: str, bad: bool = False) -> None:
        self.message.say(text, "error" if bad else "")

    def _refresh(self) -> None:
        for name, edit in self.edits.items():
            edit.blockSignals(True)
            edit.setKeySequence(QKeySequence("".join(self._actions.keys(name)[:1])))
            edit.blockSignals(False)


class _Grid(QWidget):
    """Three columns with headings, in which the last takes the room that is left."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setColumnStretch(2, 1)
        self._grid.setHorizontalSpacing(18)

    def heading(self, text: str) -> None:
        self._grid.addWidget(_heading(text), self._grid.rowCount(), 0, 1, 3)

    def add(self, *widgets: QWidget) -> None:
        row = self._grid.rowCount()
        for column, widget in enumerate(widgets):
            self._grid.addWidget(widget, row, column)


class _Scrolled(QScrollArea):
    """An area that scrolls up and down only, where there is too little room."""

    def __init__(self, inside: QWidget, name: str) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setWidget(inside)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(inside.minimumSizeHint().width() + bar)
        self.setMinimumHeight(360)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def _in_halves() -> tuple[list[str], list[str]]:
    """The menus in two columns of about the same height, each in the order of the menu bar."""
    rows = {menu: 1 + sum(row.menu == menu for row in ACTIONS) for menu in MENUS}
    halves: tuple[list[str], list[str]] = ([], [])
    for menu in sorted(MENUS, key=lambda menu: -rows[menu]):
        min(halves, key=lambda half: sum(rows[one] for one in half)).append(menu)
    first, second = (sorted(half, key=MENUS.index) for half in halves)
    return (first, second) if MENUS[0] in first else (second, first)
