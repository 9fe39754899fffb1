"""How the controls of all panels behave: lists fit into a narrow dock, buttons leave the keyboard."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QSizePolicy, QWidget


def narrow_combo(name: str, editable: bool = False) -> QComboBox:
    """A list that is as wide as there is room, however long its entries.

    Args:
        name: accessible name.
        editable: what is not in the list can be typed.
    """
    combo = QComboBox()
    combo.setEditable(editable)
    combo.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setAccessibleName(name)
    return combo


def leave_keyboard(panel: QWidget) -> None:
    """A click on a button of a panel moves no focus, so that the space bar still plays.

    By Tab the buttons are reached as before.
    """
    for button in panel.findChildren(QAbstractButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
