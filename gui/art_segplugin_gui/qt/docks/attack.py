"""The panel of the attack: method, its parameters, goal, region, and running it."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from art_segplugin_gui.qt.controls import leave_keyboard, narrow_combo
from art_segplugin_gui.qt.docks.goal import GoalBox
from art_segplugin_gui.qt.docks.run import RunBox
from art_segplugin_gui.qt.forms.numbers import DEFAULT_VALUES
from art_segplugin_gui.qt.forms.parameter_form import ParameterFormWidget
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.forms import ParameterForm
from art_segplugin_gui.session.state import Attack


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
