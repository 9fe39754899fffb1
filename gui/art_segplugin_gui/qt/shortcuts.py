"""Menus and keys: the actions of the window, who hears a key, the sheet of keys (F1) and its editor."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QChildEvent, QEvent, QMargins, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDockWidget,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTabBar,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.action_table import ACTIONS, BY_ID, MENUS, Action
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.wrapped_label import WrappedLabel

NATIVE = QKeySequence.SequenceFormat.NativeText
_MOST_OF_A_SCREEN = 0.85
_TYPED = (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QKeySequenceEdit)
_MOVED = (QAbstractSlider, QComboBox, QAbstractItemView, QTabBar)
_PRESSED = (QAbstractButton, QComboBox, QAbstractItemView)
_ARROWS = {Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down}
_ENDS = {Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}
_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


class Actions(QObject):
    """All actions of one window.

    Keys go to a text field, a slider or a button that has the focus and uses them; else they are
    shortcuts.

    Signals:
        triggered: id of what the user chose; of a checkable one, `action(id).isChecked()` is new.
        held: id of a hold action, and whether its key went down or up. Its menu entry holds it
            until it is chosen again.
        keys_changed: the user chose other keys.

    Args:
        window: where the keys are heard.
        settings: where other keys are kept; None for nowhere.
    """

    triggered = Signal(str)
    held = Signal(str, bool)
    keys_changed = Signal()

    def __init__(self, window: QWidget, settings: Settings | None = None) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self._keys = {one.id: one.keys for one in ACTIONS}
        self.menus: dict[str, QMenu] = {}
        self._actions: dict[str, QAction] = {}
        self._shortcuts: dict[str, QShortcut] = {}
        self._down: dict[str, Qt.Key | None] = {}  # None for any key
        for row in ACTIONS:
            action = QAction(row.text, window)
            action.setObjectName(row.id)
            action.setToolTip(row.tip)
            action.setStatusTip(row.tip)
            action.setCheckable(row.checkable or row.hold)
            if row.hold:
                action.toggled.connect(lambda on, name=row.id: self.held.emit(name, on))
                shortcut = QShortcut(window)
                shortcut.setAutoRepeat(False)
                shortcut.activated.connect(lambda name=row.id: self._press(name))
                self._shortcuts[row.id] = shortcut
            else:
                action.triggered.connect(lambda _, name=row.id: self.triggered.emit(name))
            window.addAction(action)
            self._actions[row.id] = action
        self._load()
        window.installEventFilter(self)
        for dock in window.findChildren(QDockWidget):
            dock.installEventFilter(self)  # once it floats, its keys end there, not at the window

    def action(self, name: str) -> QAction:
        """The action of that id."""
        return self._actions[name]

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of an action as they are now."""
        return self._keys[name]

    def fill(self, bar: QMenuBar) -> None:
        """Add a menu for each part of the table to a menu bar."""
        for menu in MENUS:
            entry = self.menus[menu] = bar.addMenu(f"&{menu}")
            entry.setToolTipsVisible(True)
            entry.addActions([self._actions[row.id] for row in ACTIONS if row.menu == menu])

    def show_checked(self, name: str, on: bool) -> None:
        """Show whether a checkable action is on, without a signal; not for hold actions."""
        self._actions[name].setChecked(on)  # `triggered` is for the user only

    def show_enabled(self, name: str, on: bool) -> None:
        """Show whether something can be done now; its keys follow."""
        self._actions[name].setEnabled(on)
        if name in self._shortcuts:
            self._shortcuts[name].setEnabled(on)

    def conflict(self, name: str, keys: Sequence[str]) -> str:
        """Why an action cannot have these keys, as a sentence; empty if it can."""
        for key in keys:
            sequence = QKeySequence(key)
            if _key(sequence) is None:
                return f"{key!r} is no key; give one key with or without Ctrl, Alt and Shift."
            for other, taken in self._keys.items():
                if other != name and any(QKeySequence(one) == sequence for one in taken):
                    shown = sequence.toString(NATIVE)
                    return (
                        f"{shown} is already the key of \u201c{BY_ID[other].plain}\u201d; "
                        "give that another key first."
                    )
        return ""

    def rebind(self, name: str, keys: Sequence[str]) -> None:
        """Give an action other keys, or none, and keep them.

        Raises:
            InputError: a key that is none, or is another action's; nothing is changed.
        """
        if problem := self.conflict(name, keys):
            raise InputError(problem)
        self._bind(name, tuple(QKeySequence(key).toString() for key in keys))
        self._save()

    def reset(self) -> None:
        """Give all actions the keys of the table again."""
        for row in ACTIONS:
            self._bind(row.id, row.keys)
        self._save()

    def _bind(self, name: str, keys: tuple[str, ...]) -> None:
        self._keys[name] = keys
        sequences = [QKeySequence(key) for key in keys]
        action = self._actions[name]
        if name in self._shortcuts:
            self._shortcuts[name].setKeys(sequences)
            # The key is heard elsewhere; here it is only shown, in the menu's column of keys.
            native = [key.toString(NATIVE) for key in sequences]
            action.setText("\t".join([BY_ID[name].text, *native[:1]]))
        else:
            action.setShortcuts(sequences)

    def _load(self) -> None:
        kept: Mapping[str, tuple[str, ...]] = self._settings.shortcuts if self._settings else {}
        for row in ACTIONS:
            self._bind(row.id, row.keys)
        for name in kept:
            if name in BY_ID:
                self._bind(name, ())  # free first: two may have been swapped
        for name, keys in kept.items():
            if name in BY_ID and not self.conflict(name, keys):
                self._bind(name, keys)

    def _save(self) -> None:
        if self._settings is not None:
            self._settings.shortcuts = {
                row.id: self._keys[row.id] for row in ACTIONS if self._keys[row.id] != row.keys
            }
        self.keys_changed.emit()

    def _press(self, name: str) -> None:
        if name in self._down or self._actions[name].isChecked():
            return
        codes = {_key(QKeySequence(key)) for key in self._keys[name]}
        self._down[name] = codes.pop() if len(codes) == 1 else None
        # Only while something is held: the release may come in any window of the program.
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        self.held.emit(name, True)

    def _release(self, names: Sequence[str]) -> None:
        for name in names:
            del self._down[name]
            self.held.emit(name, False)
        if not self._down:
            QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Leave keys to widgets that use them, and see when a held key goes up."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            ours = watched is self._window or isinstance(watched, QDockWidget)
            if ours and wants_key(QApplication.focusWidget(), event):
                event.accept()
                return True
        elif kind == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            if watched is self._window and isinstance(event.child(), QDockWidget):
                event.child().installEventFilter(self)
        elif self._down:
            if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
                if not event.isAutoRepeat():
                    up = (None, event.key())
                    self._release([name for name, key in self._down.items() if key in up])
            elif kind == QEvent.Type.ApplicationDeactivate or (
                kind == QEvent.Type.WindowDeactivate and watched is self._window
            ):
                self._release(list(self._down))  # the release would go to another program
        return False


def _key(sequence: QKeySequence) -> Qt.Key | None:
    """The key of a shortcut of one key; None for others."""
    if sequence.count() != 1:
        return None
    key: Qt.Key = sequence[0].key()  # type: ignore[index]  # its stubs lack this
    return None if key == Qt.Key.Key_unknown else key


def wants_key(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether the widget with the focus uses the key itself.

    Letters belong to text fields, arrows to sliders and lists, and the space bar to buttons, so that
    all of the window can be used without a mouse.

    Args:
        widget: what has the focus.
        event: the key.
    """
    if widget is None or event.modifiers() & _COMMANDS:
        return False
    key = event.key()
    if isinstance(widget, _TYPED) or (isinstance(widget, QComboBox) and widget.isEditable()):
        return key in _ARROWS | _ENDS or bool(event.text() and event.text().isprintable())
    if key in _ARROWS | _ENDS and isinstance(widget, (*_MOVED, QAbstractButton)):
        return True
    return key == Qt.Key.Key_Space and isinstance(widget, _PRESSED)


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
