"""An editor for a radius or a step size: a slider, and a field for what the slider cannot say."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider

from art_segplugin_gui.qt.forms.editor import Editor
from art_segplugin_gui.qt.forms.number_spin import NumberSpin
from art_segplugin_gui.session.recipe_form import Field


@dataclass(frozen=True)
class Scale:
    """How a size is entered in one norm.

    Attributes:
        tick: what one place of the slider is.
        ticks: places of the slider; larger values can be typed.
        usual: the value to begin with; None for the recipe's own.
        high: largest value that can be typed.
    """

    tick: float
    ticks: int
    usual: float | None
    high: float


RADII = {
    "Linf": Scale(1 / 255, 32, None, 1.0),
    "L2": Scale(0.5, 100, 5.0, 1e4),
    "L1": Scale(50.0, 400, 1000.0, 1e6),
}
"""For images of some hundred thousand pixels in [0, 1], by norm."""
STEPS = {
    "Linf": Scale(0.5 / 255, 32, None, 1.0),
    "L2": Scale(0.05, 100, 1.25, 1e4),
    "L1": Scale(5.0, 400, 250.0, 1e6),
}
"""Likewise for steps: a quarter of the radius."""
SCALES = {"eps": RADII, "step_size": STEPS}


class SizeEditor(Editor):
    """A radius or a step size; each norm remembers its own.

    Signals:
        dragging: True while the slider is held.
    """

    dragging = Signal(bool)

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._scales = SCALES[field.name]
        self._norm = "Linf"
        self._kept: dict[str, float] = {}
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = NumberSpin()
        self.named(self.spin)
        self.named(self.slider, "slider")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.spin)
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
        return self._scales.get(self._norm, self._scales["L2"])

    def set_norm(self, norm: str) -> None:
        """Enter it in another norm, from the value that this norm had last; no signal."""
        self._kept[self._norm] = self.spin.value
        self._norm = norm
        scale = self.scale
        self.spin.set_range(self.field.low, scale.high, scale.tick, norm == "Linf")
        self.slider.blockSignals(True)
        self.slider.setRange(0, scale.ticks)
        self.slider.setPageStep(max(1, scale.ticks // 8))
        self.slider.blockSignals(False)
        usual = self.field.default if scale.usual is None else scale.usual
        self.show_value(self._kept.get(norm, usual))

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
        self.changed.emit()

    def _type(self) -> None:
        self._place()
        self.changed.emit()

    def _place(self) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(self.spin.value / self.scale.tick))
        self.slider.blockSignals(False)
