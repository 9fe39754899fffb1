"""An editor for a radius or a step size: a slider, and a field for what the slider cannot say."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider

from art_segplugin_gui.qt.forms.editor import Editor
from art_segplugin_gui.qt.forms.number_spin import NumberSpin
from art_segplugin_gui.qt.forms.scales import USUAL_VALUES, Scale, in_levels, scale
from art_segplugin_gui.session.recipe_form import Field

SIZES = ("eps", "step_size")
"""Parameters that are entered so."""


class SizeEditor(Editor):
    """A radius or a step size; each norm remembers its own.

    Signals:
        dragging: True while the slider is held.
    """

    dragging = Signal(bool)

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._norm = "Linf"
        self._values = USUAL_VALUES
        self._kept: dict[str, float] = {}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = NumberSpin()
        self.named(self.spin)
        self.named(self.slider, "slider")
        self.levels = QLabel()
        self.levels.setToolTip("What it is for each of the picture's numbers, in grey levels")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.slider, 0, 0)
        layout.addWidget(self.spin, 0, 1)
        layout.addWidget(self.levels, 1, 0, 1, 2, Qt.AlignmentFlag.AlignRight)
        self.set_norm("Linf")
        self.show_value(field.default)
        self.slider.valueChanged.connect(self._slide)
        self.slider.sliderPressed.connect(lambda: self.dragging.emit(True))
        self.slider.sliderReleased.connect(lambda: self.dragging.emit(False))
        self.spin.edited.connect(self._type)
        self.spin.refused.connect(self.refused)
        self.spin.accepted.connect(self.accepted)

    @property
    def value(self) -> float:
        """The size, in the unit of the images."""
        return self.spin.value

    @property
    def scale(self) -> Scale:
        """How it is entered now."""
        return scale(self.field.name, self._norm, self._values)

    def set_norm(self, norm: str) -> None:
        """Enter it in another norm, from the value that this norm had last; no signal.

        A norm that had none begins with what changes the picture as much as the recipe's own.
        """
        self._kept[self._norm] = self.spin.value
        self._norm = norm
        self._arrange()
        self.show_value(self._kept.get(norm, (self.field.default or 0.0) * self.scale.unit))

    def set_values(self, count: int) -> None:
        """Enter it for pictures of so many numbers; the value stays as it is, without a signal."""
        if count == self._values:
            return
        self._values = count
        self._kept = {norm: size for norm, size in self._kept.items() if norm == "Linf"}
        self._arrange()
        self._place()

    def _arrange(self) -> None:
        fits = self.scale
        self.spin.set_range(self.field.low, fits.high, fits.tick, self._norm == "Linf")
        self.slider.blockSignals(True)
        self.slider.setRange(0, fits.ticks)
        self.slider.setPageStep(max(1, fits.ticks // 8))
        self.slider.blockSignals(False)

    def show_value(self, value: Any) -> None:
        """Show a size without a signal."""
        self.spin.show_value(float(value or 0.0))
        self._place()

    def nudge(self, steps: int) -> None:
        """Add or take away so many steps of the slider, as if by hand."""
        self.spin.stepBy(steps)

    def _slide(self, place: int) -> None:
        value = place * self.scale.tick
        if self._norm == "Linf":
            value = place * round(self.scale.tick * 510) / 510  # n / 255 to the last bit
        self.spin.show_value(value)
        self._say_levels()
        self.changed.emit()

    def _type(self) -> None:
        self._place()
        self.changed.emit()

    def _place(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(self.spin.value / self.scale.tick))
        self.slider.blockSignals(False)
        self._say_levels()

    def _say_levels(self) -> None:
        words = in_levels(self.spin.value, self._norm, self._values)
        self.levels.setText(words)
        self.levels.setHidden(not words)
