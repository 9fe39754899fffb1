"""What all editors of one value have in common."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from art_segplugin_gui.session.recipe_form import Field

LABELS = {"eps": "Radius (eps)", "step_size": "Step size"}
"""Where the name of a parameter is no word; others are written as they are called."""


class Editor(QWidget):
    """A widget for the value of one parameter.

    Signals:
        changed: the user chose another value.
        refused: the user typed what cannot be used; a sentence.
        accepted: what is typed can be used again.

    Args:
        field: the parameter.
    """

    changed = Signal()
    refused = Signal(str)
    accepted = Signal()

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.setToolTip(field.help)

    @property
    def value(self) -> Any:
        """What is chosen, as the recipe takes it."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value without a signal."""
        raise NotImplementedError

    def named(self, control: QWidget, what: str = "") -> None:
        """Give a control its accessible name and help, and the focus of this editor."""
        control.setAccessibleName(f"{label(self.field.name)} {what}".strip())
        control.setAccessibleDescription(self.field.help)
        control.setToolTip(self.field.help)
        if self.focusProxy() is None:
            self.setFocusProxy(control)


def label(name: str) -> str:
    """A parameter's name for people."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()
