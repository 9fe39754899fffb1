"""An editor for a value that is one of some words, or a constant number."""

from typing import Any

from PySide6.QtWidgets import QComboBox, QHBoxLayout

from art_segplugin_gui.qt.forms.editor import Editor
from art_segplugin_gui.qt.forms.number_spin import NumberSpin
from art_segplugin_gui.session.recipe_form import Field

CONSTANT = "constant"
NONE = "none"


class ScheduleEditor(Editor):
    """A list of words that ends with "constant", and the number beside it."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.combo = QComboBox()
        if field.default is None:
            self.combo.addItem(NONE)
        self.combo.addItems([*field.choices, CONSTANT])
        self.spin = NumberSpin(field.low, field.high, field.step)
        self.named(self.combo)
        self.named(self.spin, CONSTANT)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.combo, 1)
        layout.addWidget(self.spin)
        self.show_value(field.default)
        self.combo.activated.connect(self._choose)
        self.spin.edited.connect(self.changed)
        self.spin.refused.connect(self.refused)
        self.spin.accepted.connect(self.accepted)

    @property
    def value(self) -> str | float | None:
        """The word, the constant, or None."""
        word = self.combo.currentText()
        if word == CONSTANT:
            return self.spin.value
        return None if word == NONE and self.field.default is None else word

    def show_value(self, value: Any) -> None:
        """Show a word, a number or None without a signal."""
        if isinstance(value, int | float):
            self.spin.show_value(value)
            word = CONSTANT
        else:
            word = NONE if value is None else str(value)
        self.combo.setCurrentIndex(max(0, self.combo.findText(word)))
        self.spin.setVisible(self.combo.currentText() == CONSTANT)

    def _choose(self) -> None:
        self.spin.setVisible(self.combo.currentText() == CONSTANT)
        self.changed.emit()
