"""The sheet of keys (F1), and the dialog that changes them."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
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


def shown_keys(keys: tuple[str, ...], hold: bool = False) -> str:
    """Keys as people read them, such as "hold X" or "A or Left"."""
    text = " or ".join(QKeySequence(key).toString(NATIVE) for key in keys)
    return f"hold {text}" if hold and text else text or "none"


class ShortcutSheet(QDialog):
    """All actions by menu, with their keys as they are now and what they do.

    Args:
        actions: of the window.
        parent: owner.
    """

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self._actions = actions
        self.keys: dict[str, QLabel] = {}
        grid = _Grid()
        for menu in MENUS:
            grid.heading(menu)
            for row in ACTIONS:
                if row.menu == menu:
                    self.keys[row.id] = QLabel()
                    self.keys[row.id].setTextFormat(Qt.TextFormat.PlainText)
                    tip = QLabel(row.tip)
                    tip.setWordWrap(True)
                    grid.add(QLabel(row.plain), self.keys[row.id], tip)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(grid.scrolled("Keys of all actions"))
        layout.addWidget(buttons)
        self.resize(self.sizeHint().expandedTo(self.minimumSizeHint()))
        self._refresh()
        actions.keys_changed.connect(self._refresh)

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
        layout.addWidget(grid.scrolled("Keys of all actions"), 1)
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
        label = QLabel(text)
        font = label.font()
        font.setBold(True)
        label.setFont(font)
        self._grid.addWidget(label, self._grid.rowCount(), 0, 1, 3)

    def add(self, *widgets: QWidget) -> None:
        row = self._grid.rowCount()
        for column, widget in enumerate(widgets):
            self._grid.addWidget(widget, row, column)

    def scrolled(self, name: str) -> QWidget:
        """This grid in an area that scrolls up and down only."""
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self)
        area.setAccessibleName(name)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = area.verticalScrollBar().sizeHint().width()
        area.setMinimumWidth(self.minimumSizeHint().width() + bar + 2 * area.frameWidth())
        area.setMinimumHeight(360)
        return area
