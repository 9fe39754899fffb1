"""Editors of one parameter's value, by its kind: number, numbers, choice, size, norm, yes or no."""

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.forms.numbers import (
    DEFAULT_VALUES,
    NumberSpin,
    Scale,
    as_text,
    in_levels,
    mark_text,
    parse_number,
    scale,
)
from art_segplugin_gui.session.forms import Field, Kind, norm_name

SIGNS = {"Linf": "L\u221e"}
"""Norms that have a sign of their own."""
SIZES = ("eps", "step_size")
"""Parameters that are entered by a slider, in the unit of the norm."""
CONSTANT = "constant"
NONE = "none"


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
        """What is chosen, as the callable takes it."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value without a signal."""
        raise NotImplementedError

    def fill(self, *controls: QWidget, wide: QWidget | None = None) -> None:
        """Lay controls out from left to right; the wide one gets what room is left, or nothing."""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for control in controls:
            layout.addWidget(control, int(control is wide))
        if wide is None:
            layout.addStretch(1)

    def named(self, control: QWidget, what: str = "") -> None:
        """Give a control its accessible name and help, and the focus of this editor."""
        control.setAccessibleName(f"{self.field.caption} {what}".strip())
        control.setAccessibleDescription(self.field.help)
        control.setToolTip(self.field.help)
        if self.focusProxy() is None:
            self.setFocusProxy(control)

    def hear(self, spin: NumberSpin) -> None:
        """Pass on what is typed into a field for a number."""
        spin.edited.connect(self.changed)
        spin.refused.connect(self.refused)
        spin.accepted.connect(self.accepted)


class IntegerEditor(Editor):
    """A whole number."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.spin = QSpinBox()
        self.spin.setRange(int(field.low), int(field.high))
        self.spin.setSingleStep(max(1, int(field.step)))
        self.spin.setKeyboardTracking(False)
        self.named(self.spin)
        self.fill(self.spin, wide=self.spin)
        self.show_value(field.default)
        self.spin.valueChanged.connect(self.changed)

    @property
    def value(self) -> int:
        """The number."""
        return self.spin.value()

    def show_value(self, value: Any) -> None:
        """Show a number without a signal."""
        with QSignalBlocker(self.spin):
            self.spin.setValue(int(value if value is not None else self.field.low))


class FloatEditor(Editor):
    """A number, or none where None is allowed."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.spin = NumberSpin(field.low, field.high, field.step)
        self.check = QCheckBox("use")
        self.fill(self.check, self.spin, wide=self.spin)
        if field.kind == "optional-float":
            self.named(self.check)
        else:
            self.check.hide()
        self.named(self.spin)
        self.show_value(field.default)
        self.check.toggled.connect(self._toggle)
        self.hear(self.spin)

    @property
    def value(self) -> float | None:
        """The number; None for none."""
        optional = self.field.kind == "optional-float"
        return None if optional and not self.check.isChecked() else self.spin.value

    def show_value(self, value: Any) -> None:
        """Show a number or None without a signal."""
        with QSignalBlocker(self.check):
            self.check.setChecked(value is not None)
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
        self.fill(self.edit, wide=self.edit)
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
        mark_text(self.edit, bad=False)

    def _read(self) -> None:
        parts = [part for part in self.edit.text().split(",") if part.strip()]
        try:
            if not parts and self.field.default:  # else none is what the attack begins with
                raise InputError("there is no number; give one or more, such as 5, 1, 0.2.")
            found = tuple(parse_number(part, self.field.low, self.field.high) for part in parts)
        except InputError as error:
            mark_text(self.edit, bad=True)
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
        self.fill(self.combo, wide=self.combo)
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
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QRadioButton] = {}
        for name in field.choices:
            button = QRadioButton(SIGNS.get(name, name))
            self.named(button, name)
            self.buttons[name] = button
            self._group.addButton(button)
        self.fill(*self.buttons.values())
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
        self.check = QCheckBox(field.caption)
        self.named(self.check)
        self.check.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.fill(self.check)
        self.show_value(field.default)
        self.check.clicked.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> bool:
        """Whether it is on."""
        return self.check.isChecked()

    def show_value(self, value: Any) -> None:
        """Show a state without a signal."""
        self.check.setChecked(bool(value))


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
        self.fill(self.combo, self.spin, wide=self.combo)
        self.show_value(field.default)
        self.combo.activated.connect(self._choose)
        self.hear(self.spin)

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


class SizeEditor(Editor):
    """A radius or a step size; each norm remembers its own.

    One that may be None has a box for that: the attack then chooses it.

    Signals:
        dragging: True while the slider is held.
    """

    dragging = Signal(bool)

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._norm = "Linf"
        self._values = DEFAULT_VALUES
        self._kept: dict[str, float] = {}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = NumberSpin()
        self.named(self.spin)
        self.named(self.slider, "slider")
        self.automatic = QCheckBox("automatic")
        self.automatic.setToolTip("Let the attack choose it")
        self.levels = QLabel()
        self.levels.setToolTip("What it is for each of the image's numbers, in grey levels")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.slider, 0, 0)
        layout.addWidget(self.spin, 0, 1)
        layout.addWidget(self.automatic, 1, 0, Qt.AlignmentFlag.AlignLeft)
        self.automatic.setHidden(not self.optional)  # only now: without a parent it is a window
        layout.addWidget(self.levels, 1, 0, 1, 2, Qt.AlignmentFlag.AlignRight)
        self._usual = float(2 * field.step if field.default is None else field.default)
        self._arrange()
        self._show_number(self._usual)
        self.show_value(field.default)
        self.slider.valueChanged.connect(self._slide)
        self.slider.sliderPressed.connect(lambda: self.dragging.emit(True))
        self.slider.sliderReleased.connect(lambda: self.dragging.emit(False))
        self.spin.edited.connect(self._place)
        self.hear(self.spin)
        self.automatic.toggled.connect(self._let_choose)

    @property
    def optional(self) -> bool:
        """Whether the attack can choose it."""
        return self.field.kind == "optional-float"

    @property
    def value(self) -> float | None:
        """The size, in the unit of the images; None for what the attack chooses."""
        return None if self.automatic.isChecked() else self.spin.value

    @property
    def scale(self) -> Scale:
        """How it is entered now."""
        return scale(self.field.name, self._norm, self._values)

    def set_norm(self, norm: str) -> None:
        """Enter it in another norm, from the value that this norm had last; no signal.

        A norm that had none begins with what changes the image as much as the attack's default.
        """
        self._kept[self._norm] = self.spin.value
        self._norm = norm
        self._arrange()
        self._show_number(self._kept.get(norm, self._usual * self.scale.unit))

    def set_values(self, count: int) -> None:
        """Enter it for images of so many numbers; the value stays as it is, without a signal."""
        if count == self._values:
            return
        self._values = count
        self._kept = {norm: size for norm, size in self._kept.items() if norm == "Linf"}
        self._arrange()
        self._place()

    def _arrange(self) -> None:
        fits = self.scale
        self.spin.set_range(self.field.low, fits.high, fits.tick, self._norm == "Linf")
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, fits.ticks)
            self.slider.setPageStep(max(1, fits.ticks // 8))

    def show_value(self, value: Any) -> None:
        """Show a size, or None, without a signal."""
        with QSignalBlocker(self.automatic):
            self.automatic.setChecked(self.optional and value is None)
        if value is not None:
            self._show_number(value)
        self._enable()

    def _show_number(self, value: float) -> None:
        self.spin.show_value(float(value))
        self._place()

    def _let_choose(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        for control in (self.slider, self.spin):
            control.setDisabled(self.automatic.isChecked())

    def nudge(self, steps: int) -> None:
        """Add or take away so many steps of the slider, as if by hand."""
        self.spin.stepBy(steps)

    def _slide(self, place: int) -> None:
        value = place * self.scale.tick
        if self._norm == "Linf":
            value = place * round(self.scale.tick * 510) / 510  # n / 255 to the last bit
        self.spin.show_value(value)
        self._say_levels()
        with QSignalBlocker(self.automatic):
            self.automatic.setChecked(False)
        self._enable()
        self.changed.emit()

    def _place(self) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(self.spin.value / self.scale.tick))
        self._say_levels()

    def _say_levels(self) -> None:
        words = in_levels(self.spin.value, self._norm, self._values)
        self.levels.setText(words)
        self.levels.setHidden(not words)


EDITORS: dict[Kind, type[Editor]] = {
    "float": FloatEditor,
    "optional-float": FloatEditor,
    "integer": IntegerEditor,
    "boolean": BooleanEditor,
    "choice": ChoiceEditor,
    "numbers": NumbersEditor,
    "schedule": ScheduleEditor,
}


def make_editor(field: Field) -> Editor:
    """The editor of a parameter: sliders for sizes, radio buttons for the norm."""
    if field.name in SIZES and field.kind in ("float", "optional-float"):
        return SizeEditor(field)
    return NormEditor(field) if field.name == "norm" else EDITORS[field.kind](field)
