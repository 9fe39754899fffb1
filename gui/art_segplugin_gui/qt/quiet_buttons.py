"""Lets buttons be clicked without taking the keyboard away from where it is."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QWidget


def leave_keyboard(panel: QWidget) -> None:
    """A click on a button of a panel moves no focus, so that the space bar still plays.

    By Tab the buttons are reached as before.
    """
    for button in panel.findChildren(QAbstractButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
