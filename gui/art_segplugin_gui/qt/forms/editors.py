"""Editors of plain values: a number, a list of numbers, a choice, yes or no."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.forms.editor import Editor, label
from art_segplugin_gui.qt.forms.fractions import as_text, parse_number
from art_segplugin_gui.qt.forms.number_spin import NumberSpin
from art_segplugin_gui.qt.theme import semantic
from art_segplugin_gui.session.recipe_form import Field, norm_name

SIGNS = {"Linf": "L\u221e"}
"""Norms that have a sign of their own."""


def row(owner: QWidget) -> QHBoxLayout:
    """A layout without margins that fills its owner from left to right."""
    layout = QHBoxLayout(owner)
    layout.setContentsMargins(0, 0, 0, 0)
    return layout


class IntegerEditor(Editor):
    """A whole number."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.spin = QSpinBox()
        self.spin.setRange(int(field.low), int(field.high))
        self.spin.setSingleStep(max(1, int(field.step)))
        self.spin.setKeyboardTracking(False)
        self.named(self.spin)
        row(self).addWidget(self.spin)
        self.show_value(field.default)
        self.spin.valueChanged.connect(self.changed)

    @property
    def value(self) -> int:
        """The number."""
        return self.spin.value()

    def show_value(self, value: Any) -> None:
        """Show a number without a signal."""
        self.spin.blockSignals(True)
        self.spin.setValue(int(value if value is not None else self.field.low))
        self.spin.blockSignals(False)


class FloatEditor(Editor):
    """A number, or none where the recipe allows it."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.spin = NumberSpin(field.low, field.high, field.step)
        self.check = QCheckBox("use")
        if field.kind != "optional-float":
            self.check.hide()  # never setVisible(True) without a parent: that opens a window
        layout = row(self)
        layout.addWidget(self.check)
        layout.addWidget(self.spin, 1)
        self.named(self.check if field.kind == "optional-float" else self.spin)
        self.named(self.spin)
        self.show_value(field.default)
        self.check.toggled.connect(self._toggle)
        self.spin.edited.connect(self.changed)
        self.spin.refused.connect(self.refused)
        self.spin.accepted.connect(self.accepted)

    @property
    def value(self) -> float | None:
        """The number; None for none."""
        optional = self.field.kind == "optional-float"
        return None if optional and not self.check.isChecked() else self.spin.value

    def show_value(self, value: Any) -> None:
        """Show a number or None without a signal."""
        self.check.blockSignals(True)
        self.check.setChecked(value is not None)
        self.check.blockSignals(False)
        if value is not None:
            self.spin.show_value(value)
        elif self.spin.value <= self.field.low:
            self.spin.show_value(min(1.0, self.field.high))
        self.spin.setEnabled(self.field.kind == "float" or value is not None)

    def _toggle(self, on: bool) -> None:
        self.spin.setEnabled(on)
        self.changed.emit()


class NumbersEditor(Editor):
    """Several numbers, with commas between them."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("numbers, with commas")
        self.named(self.edit)
        row(self).addWidget(self.edit)
        self._value: tuple[float, ...] = ()
        self.show_value(field.default)
        self.edit.editingFinished.connect(self._read)

    @property
    def value(self) -> tuple[float, ...]:
        """The numbers; the last good ones while something else is typed."""
        return self._value

    def show_value(self, value: Any) -> None:
        """Show numbers without a signal."""
        self._value = tuple(value or ())
        self.edit.setText(", ".join(as_text(one) for one in self._value))
        self.edit.setCursorPosition(0)
        self.edit.setPalette(QPalette())

    def _read(self) -> None:
        parts = [part for part in self.edit.text().split(",") if part.strip()]
        try:
            if not parts:
                raise InputError("there is no number; give one or more, such as 5, 1, 0.2.")
            found = tuple(parse_number(part, self.field.low, self.field.high) for part in parts)
        except InputError as error:
            palette = self.palette()
            palette.setColor(QPalette.ColorRole.Text, semantic(palette).error)
            self.edit.setPalette(palette)
            self.refused.emit(str(error))
            return
        changed = found != self._value
        self.show_value(found)
        self.accepted.emit()
        if changed:
            self.changed.emit()


class ChoiceEditor(Editor):
    """One of some words."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.combo = QComboBox()
        self.combo.addItems(list(field.choices))
        self.named(self.combo)
        row(self).addWidget(self.combo)
        self.show_value(field.default)
        self.combo.activated.connect(self.changed)

    @property
    def value(self) -> str:
        """The word."""
        return self.combo.currentText()

    def show_value(self, value: Any) -> None:
        """Show a word without a signal."""
        self.combo.setCurrentIndex(max(0, self.combo.findText(str(value))))


class NormEditor(Editor):
    """The norm, as radio buttons: the choice is always in sight."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        layout = row(self)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QRadioButton] = {}
        for name in field.choices:
            button = QRadioButton(SIGNS.get(name, name))
            self.named(button, name)
            self.buttons[name] = button
            self._group.addButton(button)
            layout.addWidget(button)
        layout.addStretch(1)
        self.show_value(field.default)
        self._group.buttonClicked.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> str:
        """The name of the norm."""
        return next((name for name, b in self.buttons.items() if b.isChecked()), "Linf")

    def show_value(self, value: Any) -> None:
        """Show a norm, however it is written, without a signal."""
        button = self.buttons.get(norm_name(value))
        if button is not None:
            button.setChecked(True)


class BooleanEditor(Editor):
    """Yes or no."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.check = QCheckBox(label(field.name))
        self.named(self.check)
        row(self).addWidget(self.check, 0, Qt.AlignmentFlag.AlignLeft)
        self.check.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.show_value(field.default)
        self.check.clicked.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> bool:
        """Whether it is on."""
        return self.check.isChecked()

    def show_value(self, value: Any) -> None:
        """Show a state without a signal."""
        self.check.setChecked(bool(value))
