"""What the attack is after, and where it may change the image."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QToolButton,
    QWidget,
)

from art_segplugin_gui.qt.controls import narrow_combo
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.state import GOALS, REGIONS, Attack

GOAL_TEXTS = {"any": "Any wrong class", "class": "One class for another"}
REGION_TEXTS = {"everywhere": "Everywhere", "class": "Pixels of a class", "painted": "Painted"}
ALL_CLASSES = "All classes"
HINT = "Paint where the picture may be changed; nothing is painted yet."


class GoalBox(QWidget):
    """Goal, its classes, region, and the brush that paints it.

    Signals:
        changed: the user chose something else; see `applied`.
        painting: the brush is taken up or put down.
        brush_size: its diameter in pixels of the image.
        clear_mask: what was painted shall go.
    """

    changed = Signal()
    painting = Signal(bool)
    brush_size = Signal(int)
    clear_mask = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._painted = False
        self.goal = narrow_combo("Goal")
        for key in GOALS:
            self.goal.addItem(GOAL_TEXTS.get(key, key), key)
        self.from_class = narrow_combo("From class")
        self.to_class = narrow_combo("To class")
        self.region = narrow_combo("Region")
        for key in REGIONS:
            self.region.addItem(REGION_TEXTS.get(key, key), key)
        self.region_class = narrow_combo("Class of the region")
        self.paint = _tool("Paint")
        self.paint.setCheckable(True)
        self.paint.setToolTip("Paint with the mouse where the image may be changed")
        self.brush = QSpinBox()
        self.brush.setRange(1, 400)
        self.brush.setValue(40)
        self.brush.setSuffix(" px")
        self.brush.setAccessibleName("Brush size")
        self.brush.setToolTip("Diameter of the brush, in pixels of the image")
        self.clear = _tool("Clear")
        self.clear.setToolTip("Take away all that was painted")
        self.hint = WrappedLabel(HINT)
        self.brush_row = QWidget()
        brush_layout = QHBoxLayout(self.brush_row)
        brush_layout.setContentsMargins(0, 0, 0, 0)
        brush_layout.addWidget(self.paint)
        brush_layout.addWidget(self.brush, 1)
        brush_layout.addWidget(self.clear)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for text, field in (
            ("Goal", self.goal),
            ("From", self.from_class),
            ("To", self.to_class),
            ("Region", self.region),
            ("Class", self.region_class),
            ("Brush", self.brush_row),
        ):
            label = QLabel(text)
            label.setBuddy(self.brush if field is self.brush_row else field)
            self._form.addRow(label, field)
        self._form.addRow(self.hint)
        self._arrange()
        for combo in (self.goal, self.from_class, self.to_class, self.region, self.region_class):
            combo.activated.connect(self._chosen)
        self.region.activated.connect(self._take_brush)
        self.paint.clicked.connect(self.painting)
        self.brush.valueChanged.connect(self.brush_size)
        self.clear.clicked.connect(lambda: self.clear_mask.emit())

    def set_classes(self, names: Sequence[str]) -> None:
        """Offer these classes; choices stay at their numbers. No signal."""
        for combo, first in (
            (self.from_class, [ALL_CLASSES]),
            (self.to_class, []),
            (self.region_class, []),
        ):
            chosen = combo.currentIndex()
            combo.clear()
            combo.addItems([*first, *names])
            combo.setCurrentIndex(max(0, min(chosen, combo.count() - 1)))

    def show_attack(self, attack: Attack) -> None:
        """Show the goal and the region of an attack without a signal."""
        self.goal.setCurrentIndex(max(0, self.goal.findData(attack.goal)))
        self.from_class.setCurrentIndex(
            0 if attack.from_class is None else _within(self.from_class, attack.from_class + 1)
        )
        self.to_class.setCurrentIndex(_within(self.to_class, attack.to_class))
        self.region.setCurrentIndex(max(0, self.region.findData(attack.region)))
        self.region_class.setCurrentIndex(_within(self.region_class, attack.region_class))
        self._arrange()

    def applied(self, attack: Attack) -> Attack:
        """The attack with the goal and the region that are chosen here."""
        chosen = self.from_class.currentIndex()
        return replace(
            attack,
            goal=self.goal.currentData(),
            from_class=chosen - 1 if chosen > 0 else None,
            to_class=max(0, self.to_class.currentIndex()),
            region=self.region.currentData(),
            region_class=max(0, self.region_class.currentIndex()),
        )

    def show_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Leave the hint out once something is painted.

        Args:
            mask: painted pixels, bool (h, w); None for none.
        """
        self._painted = mask is not None
        self._arrange()

    def _take_brush(self) -> None:
        """Who chooses to paint has the brush at once."""
        if self.region.currentData() == "painted" and not self.paint.isChecked():
            self.paint.setChecked(True)
            self.painting.emit(True)

    def _chosen(self) -> None:
        self._arrange()
        self.changed.emit()

    def _arrange(self) -> None:
        goal, region = self.goal.currentData(), self.region.currentData()
        for field, shown in (
            (self.from_class, goal == "class"),
            (self.to_class, goal == "class"),
            (self.region_class, region == "class"),
            (self.brush_row, region == "painted"),
            (self.hint, region == "painted" and not self._painted),
        ):
            self._form.setRowVisible(field, shown)
        if region != "painted" and self.paint.isChecked():
            self.paint.setChecked(False)
            self.painting.emit(False)


def _tool(text: str) -> QToolButton:
    button = QToolButton()  # narrower than a push button
    button.setText(text)
    return button


def _within(combo: QComboBox, index: int) -> int:
    return index if index < combo.count() else combo.count() - 1
