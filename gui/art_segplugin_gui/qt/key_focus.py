"""Which keys belong to the widget that has the focus, rather than to a shortcut."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

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
