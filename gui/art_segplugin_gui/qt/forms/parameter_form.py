"""The form for the parameters of one callable, such as an attack factory."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from art_segplugin_gui.qt.forms.editors import (
    BooleanEditor,
    Editor,
    NormEditor,
    SizeEditor,
    make_editor,
)
from art_segplugin_gui.qt.wrapped_label import WrappedLabel
from art_segplugin_gui.session.forms import Field, ParameterForm


class ParameterFormWidget(QWidget):
    """Shows and changes the values of parameters; those that are not basic are under "More".

    Signals:
        changed: the user chose another value; those that are not the defaults, by name.
        dragging: True while a slider is held: a quick look is wanted, the whole run after it.

    Args:
        form: what can be chosen.
    """

    changed = Signal(object)
    dragging = Signal(bool)

    def __init__(self, form: ParameterForm) -> None:
        super().__init__()
        self.form = form
        self.editors: dict[str, Editor] = {}
        self._refused: dict[str, str] = {}
        self._more = QWidget()
        self.more_button = QToolButton()
        self._message = WrappedLabel()
        self._message.hide()
        basic, further = QFormLayout(), QFormLayout(self._more)
        for layout in (basic, further):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
            layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fields = {field.name: field for field in form.fields}
        first = fields if form.basic is None else form.basic
        rest = [name for name in fields if name not in first]
        for name in first:
            self._add(fields[name], basic)
        for name in rest:
            self._add(fields[name], further)
        if form.reference:
            further.addRow(WrappedLabel(form.reference))
        self._make_more(bool(rest or form.reference))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(basic)
        outer.addWidget(self._message)
        outer.addWidget(self.more_button)
        outer.addWidget(self._more)
        if "norm" in self.editors:
            self.editors["norm"].changed.connect(self._follow_norm)
        for editor in self.editors.values():
            editor.changed.connect(self._changed)

    @property
    def options(self) -> dict[str, Any]:
        """The values that are not the defaults, by name."""
        return self.form.known({name: editor.value for name, editor in self.editors.items()})

    @property
    def message(self) -> str:
        """What is wrong with what was typed; empty where nothing is."""
        return next(iter(self._refused.values()), "")

    def show_options(self, options: Mapping[str, Any]) -> None:
        """Show values without a signal; those left out are the defaults."""
        if "norm" in self.editors:
            norm = self.editors["norm"]
            norm.show_value(options.get("norm", norm.field.default))
            self._follow_norm()
        for name, editor in self.editors.items():
            if name != "norm":
                editor.show_value(editor.field.shown(options.get(name, editor.field.default)))
        self._refused.clear()
        self._say()

    def nudge(self, name: str, steps: int) -> None:
        """Move a slider by so many places, as if by hand; nothing where there is no such slider."""
        editor = self.editors.get(name)
        if isinstance(editor, SizeEditor):
            editor.nudge(steps)

    def set_values(self, count: int) -> None:
        """Say how many numbers the image has: radii in L2 and L1 are chosen for it; no signal.

        Args:
            count: 3 for each pixel.
        """
        for editor in self.editors.values():
            if isinstance(editor, SizeEditor):
                editor.set_values(count)

    def _add(self, field: Field, layout: QFormLayout) -> None:
        editor = make_editor(field)
        self.editors[field.name] = editor
        editor.refused.connect(lambda text: self._refuse(field, text))
        editor.accepted.connect(lambda: self._accept(field))
        if isinstance(editor, SizeEditor):
            editor.dragging.connect(self.dragging)
        if isinstance(editor, BooleanEditor):  # says itself what it is
            layout.addRow(editor)
            return
        caption = QLabel(field.caption)
        caption.setToolTip(field.help)
        caption.setBuddy(editor)
        layout.addRow(caption, editor)

    def _make_more(self, needed: bool) -> None:
        button = self.more_button
        button.setText("More")
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setArrowType(Qt.ArrowType.RightArrow)
        if not needed:
            button.hide()  # setVisible(True) would open a window: it has no parent yet
        button.setAccessibleName(f"More parameters of {self.form.title}")
        button.toggled.connect(self._open)
        self._more.hide()

    def _open(self, shown: bool) -> None:
        self._more.setVisible(shown)
        arrow = Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow
        self.more_button.setArrowType(arrow)

    def _follow_norm(self) -> None:
        norm = self.editors["norm"]
        assert isinstance(norm, NormEditor)
        for editor in self.editors.values():
            if isinstance(editor, SizeEditor):
                editor.set_norm(norm.value)

    def _changed(self) -> None:
        self.changed.emit(self.options)

    def _refuse(self, field: Field, text: str) -> None:
        self._refused[field.name] = f"{field.caption}: {text}"
        self._say()

    def _accept(self, field: Field) -> None:
        if self._refused.pop(field.name, None) is not None:
            self._say()

    def _say(self) -> None:
        self._message.say(self.message, "error")
        self._message.setVisible(bool(self.message))
