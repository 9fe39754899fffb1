"""The panel of the attack: method, its parameters, goal, region, running it, and how strongly it is shown."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from art_segplugin_gui.qt.controls import leave_keyboard, narrow_combo
from art_segplugin_gui.qt.forms.numbers import DEFAULT_VALUES
from art_segplugin_gui.qt.forms.parameter_form import ParameterFormWidget
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.figures import duration
from art_segplugin_gui.session.forms import ParameterForm
from art_segplugin_gui.session.state import FADE_LIMIT, GOALS, REGIONS, Attack

GOAL_TEXTS = {"any": "Any wrong class", "class": "One class for another"}
REGION_TEXTS = {"everywhere": "Everywhere", "class": "Pixels of a class", "painted": "Painted"}
ALL_CLASSES = "All classes"
HINT = "Paint where the picture may be changed; nothing is painted yet."
NOT_RUN = "not run yet"


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
        self.keep = QCheckBox("Keep the rest")
        self.keep.setToolTip(
            "The prediction shall stay as it is for all pixels but those predicted as the class that "
            "is to be mistaken. Reached is the share of these that become the target, collateral the "
            "share of the others that change"
        )
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
            ("", self.keep),
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
        self.keep.clicked.connect(self._chosen)
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
        self.keep.setChecked(attack.keep)
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
            keep=self.keep.isChecked(),
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
            (self.keep, goal == "class"),
            (self.region_class, region == "class"),
            (self.brush_row, region == "painted"),
            (self.hint, region == "painted" and not self._painted),
        ):
            self._form.setRowVisible(field, shown)
        self.keep.setEnabled(self.from_class.currentIndex() > 0)
        if region != "painted" and self.paint.isChecked():
            self.paint.setChecked(False)
            self.painting.emit(False)


def _tool(text: str) -> QToolButton:
    button = QToolButton()  # narrower than a push button
    button.setText(text)
    return button


def _within(combo: QComboBox, index: int) -> int:
    return index if index < combo.count() else combo.count() - 1


def progress_text(number: int, total: int, seconds: float) -> str:
    """How far an attack is, such as "7/20, 92 ms/step, about 1.2 s left".

    Args:
        number: steps done.
        total: steps of the attack.
        seconds: time per step; 0 where it is not known yet.
    """
    if number == 0 or seconds <= 0:
        return f"{number}/{total}"
    pace = f"{seconds * 1000:.0f} ms/step" if seconds < 1 else f"{seconds:.1f} s/step"
    if number >= total:
        return f"{number}/{total}, {pace}, done"
    return f"{number}/{total}, {pace}, about {duration((total - number) * seconds)} left"


class RunBox(QWidget):
    """Run, one step, run to a step, stop; progress; fade; attack after each change; seed.

    Signals:
        run: run the whole attack.
        step: do one step.
        run_to: go to that step.
        stop: stop what runs.
        fade_changed: strength of the perturbation, 0..FADE_LIMIT.
        auto_changed: whether to attack after each change.
        seed_changed: seed of the random start.
    """

    run = Signal()
    step = Signal()
    run_to = Signal(int)
    stop = Signal()
    fade_changed = Signal(float)
    auto_changed = Signal(bool)
    seed_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.run_button = _button("Run", "Attack the picture, all steps")
        self.step_button = _button("Step", "Do one step of the attack")
        self.to_button = _button("Run to", "Run the attack to the step beside this button")
        self.stop_button = _button("Stop", "Stop what is running")
        self.stop_button.setEnabled(False)
        self.to_spin = QSpinBox()
        self.to_spin.setRange(1, 1000)
        self.to_spin.setValue(5)
        self.to_spin.setAccessibleName("Step to run to")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the attack")
        self.progress.setRange(0, 1)
        self._at: tuple[int, int] | None = None  # the newest point of the run and its last
        self._attacks = False
        self.progress_label = WrappedLabel(NOT_RUN)
        self.fade = QSlider(Qt.Orientation.Horizontal)
        self.fade.setRange(0, round(FADE_LIMIT * 100))
        self.fade.setValue(100)
        self.fade.setPageStep(10)
        self.fade.setAccessibleName("Fade: strength of the perturbation, percent")
        self.fade_label = QLabel()
        self.fade_note = QLabel("beyond eps")
        kept = self.fade_note.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # nothing may jump while the slider is dragged
        self.fade_note.setSizePolicy(kept)
        self.auto = QCheckBox("Attack after each change")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setKeyboardTracking(False)
        self.seed.setAccessibleName("Seed of the random start")
        self._lay_out()
        self.show_fade(1.0)
        self.run_button.clicked.connect(lambda: self.run.emit())
        self.step_button.clicked.connect(lambda: self.step.emit())
        self.to_button.clicked.connect(lambda: self.run_to.emit(self.to_spin.value()))
        self.stop_button.clicked.connect(lambda: self.stop.emit())
        self.fade.valueChanged.connect(self._fade)
        self.auto.clicked.connect(self.auto_changed)
        self.seed.valueChanged.connect(self.seed_changed)

    def show_choice(self, auto: bool, seed: int) -> None:
        """Show both without a signal."""
        self.auto.setChecked(auto)
        self.seed.blockSignals(True)
        self.seed.setValue(seed)
        self.seed.blockSignals(False)

    def show_progress(self, number: int, total: int, seconds: float) -> None:
        """Show how far the attack is; see `progress_text`."""
        self._at = (number, total)
        self.progress.setUpdatesEnabled(False)  # else Qt paints at once, not with all the rest
        self.progress.setRange(0, max(1, total))
        self.progress.setValue(number)
        self.progress.setUpdatesEnabled(True)
        self.progress_label.say(progress_text(number, total, seconds))

    def begin(self, attacks: bool) -> None:
        """Another run begins; one that only predicts leaves nothing of the attack before it.

        What an attack before it came to is shown until its own first point.
        """
        self._at, self._attacks = None, attacks
        if not attacks:
            self._clear(NOT_RUN)

    def rest(self, waits: bool) -> None:
        """Nothing more comes: say so where that is not the end of the attack.

        Args:
            waits: it can be gone on with.
        """
        if not self._attacks:
            return
        if self._at is None:
            self._clear("stopped before the first step")
        elif self._at[0] < self._at[1]:
            number, total = self._at
            self.progress_label.say(f"{'waits' if waits else 'stopped'} at {number}/{total}")

    def _clear(self, text: str) -> None:
        self.progress.setRange(0, 1)
        self.progress.setValue(0)
        self.progress_label.say(text)

    def set_running(self, running: bool) -> None:
        """Whether there is something to stop."""
        self.stop_button.setEnabled(running)

    def show_fade(self, share: float) -> None:
        """Show a strength without a signal."""
        self.fade.blockSignals(True)
        self.fade.setValue(round(share * 100))
        self.fade.blockSignals(False)
        self._say_fade()

    def _fade(self, percent: int) -> None:
        self._say_fade()
        self.fade_changed.emit(percent / 100)

    def _say_fade(self) -> None:
        percent = self.fade.value()
        self.fade_label.setText(f"{percent} %")
        self.fade_note.setVisible(percent > 100)

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        for column, button in enumerate((self.run_button, self.step_button, self.stop_button)):
            buttons.addWidget(button, 0, column)
            buttons.setColumnStretch(column, 1)
        buttons.addWidget(self.to_button, 1, 0)
        buttons.addWidget(self.to_spin, 1, 1, 1, 2)
        self.fade_label.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 2)
        self.fade_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        fade_caption, seed_caption = QLabel("Fade"), QLabel("Seed")
        fade_caption.setBuddy(self.fade)
        seed_caption.setBuddy(self.seed)
        fade = QHBoxLayout()
        fade.addWidget(fade_caption)
        fade.addWidget(self.fade, 1)
        fade.addWidget(self.fade_label)
        seed = QHBoxLayout()
        seed.addWidget(seed_caption)
        seed.addWidget(self.seed, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.progress_label)
        layout.addLayout(fade)
        layout.addWidget(self.fade_note, 0, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.auto)
        layout.addLayout(seed)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleDescription(tip)
    return button


class AttackPanel(QWidget):
    """Shows an attack and says how the user changed it.

    Signals:
        attack_changed: an `Attack`.
        dragging: True while a slider of the attack is held; False starts the whole attack.
        run: run it to its end.
        step: do one step.
        run_to: go to that step.
        stop: stop what runs.
        fade_changed: strength of the perturbation, 0..FADE_LIMIT.
        painting: the brush is taken up or put down.
        brush_size: its diameter in pixels of the image.
        clear_mask: what was painted shall go.
    """

    attack_changed = Signal(object)
    dragging = Signal(bool)
    run = Signal()
    step = Signal()
    run_to = Signal(int)
    stop = Signal()
    fade_changed = Signal(float)
    painting = Signal(bool)
    brush_size = Signal(int)
    clear_mask = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._attack = Attack()
        self._values = DEFAULT_VALUES
        self._forms: dict[str, ParameterForm] = {}
        self._widgets: dict[str, ParameterFormWidget] = {}
        self.method = narrow_combo("Method")
        self.summary = WrappedLabel()
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        self.goal = GoalBox()
        self.buttons = RunBox()
        caption = QLabel("Method")
        caption.setBuddy(self.method)
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow(caption, self.method)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.summary)
        layout.addLayout(self._place)
        layout.addWidget(self.goal)
        layout.addWidget(self.buttons)
        layout.addStretch(1)
        self.method.activated.connect(self._choose_method)
        self.goal.changed.connect(lambda: self._change(self.goal.applied(self._attack)))
        self.goal.painting.connect(self.painting)
        self.goal.brush_size.connect(self.brush_size)
        self.goal.clear_mask.connect(self.clear_mask)
        box = self.buttons
        box.auto_changed.connect(lambda on: self._change(replace(self._attack, auto=on)))
        box.seed_changed.connect(lambda seed: self._change(replace(self._attack, seed=seed)))
        for mine, its in (
            (self.run, box.run),
            (self.step, box.step),
            (self.run_to, box.run_to),
            (self.stop, box.stop),
            (self.fade_changed, box.fade_changed),
        ):
            its.connect(mine)

    @property
    def attack(self) -> Attack:
        """What is shown."""
        return self._attack

    @property
    def form(self) -> ParameterFormWidget | None:
        """The form of the method that is shown; None before `set_recipes`."""
        return self._widgets.get(self._attack.recipe)

    def set_recipes(self, forms: Sequence[ParameterForm]) -> None:
        """Offer these methods; no signal."""
        for widget in self._widgets.values():
            self._place.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._widgets.clear()
        self._forms = {form.name: form for form in forms}
        self.method.clear()
        for form in forms:
            self.method.addItem(form.title, form.name)
        self._show(self._attack)

    def set_classes(self, names: Sequence[str]) -> None:
        """Offer these classes; no signal."""
        self.goal.set_classes(names)
        self.goal.show_attack(self._attack)

    def show_attack(self, attack: Attack) -> None:
        """Show an attack without a signal; what is being typed stays where nothing changed."""
        if attack != self._attack:
            self._show(attack)

    def _show(self, attack: Attack) -> None:
        self._attack = attack
        self.goal.show_attack(attack)
        self.buttons.show_choice(attack.auto, attack.seed)
        form = self._forms.get(attack.recipe)
        self.method.setCurrentIndex(self.method.findData(attack.recipe))
        self.summary.say(form.summary if form else "")
        self.summary.setVisible(form is not None)
        if form is not None:
            if form.name not in self._widgets:
                self._make(form)
            self._widgets[form.name].show_options(attack.options)
        for name, widget in self._widgets.items():
            widget.setVisible(form is not None and name == form.name)

    def set_values(self, count: int) -> None:
        """Say how many numbers the picture has: radii in L2 and L1 depend on it."""
        self._values = count
        for widget in self._widgets.values():
            widget.set_values(count)

    def show_progress(self, number: int, total: int, seconds_per_step: float) -> None:
        """Show how far the attack is."""
        self.buttons.show_progress(number, total, seconds_per_step)

    def set_running(self, running: bool) -> None:
        """Whether there is something to stop."""
        self.buttons.set_running(running)

    def show_fade(self, share: float) -> None:
        """Show the strength of the perturbation without a signal."""
        self.buttons.show_fade(share)

    def nudge_eps(self, steps: int) -> None:
        """Change the radius by so many places of its slider, as if by hand: 1/255 for Linf."""
        if self.form is not None:
            self.form.nudge("eps", steps)

    def _make(self, form: ParameterForm) -> None:
        widget = ParameterFormWidget(form)
        widget.set_values(self._values)
        widget.changed.connect(self._choose_options)
        widget.dragging.connect(self.dragging)
        self._widgets[form.name] = widget
        self._place.addWidget(widget)
        leave_keyboard(widget)

    def _choose_method(self) -> None:
        form = self._forms[self.method.currentData()]
        options = MappingProxyType(form.known(dict(self._attack.options)))
        self._change(replace(self._attack, recipe=form.name, options=options))
        self._show(self._attack)

    def _choose_options(self, options: dict[str, object]) -> None:
        self._change(replace(self._attack, options=MappingProxyType(options)))

    def _change(self, attack: Attack) -> None:
        self._attack = attack
        self.attack_changed.emit(attack)
