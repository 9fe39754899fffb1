"""The actions of the window: menus and keys from the action table, and other keys for them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QChildEvent, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QDockWidget, QMenu, QMenuBar, QWidget

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.action_table import ACTIONS, BY_ID, MENUS
from art_segplugin_gui.qt.key_focus import wants_key
from art_segplugin_gui.qt.settings import Settings


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
                    shown = sequence.toString(QKeySequence.SequenceFormat.NativeText)
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
            native = [key.toString(QKeySequence.SequenceFormat.NativeText) for key in sequences]
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
