"""From the kind of a parameter to its editor."""

from art_segplugin_gui.qt.forms.editor import Editor
from art_segplugin_gui.qt.forms.editors import (
    BooleanEditor,
    ChoiceEditor,
    FloatEditor,
    IntegerEditor,
    NormEditor,
    NumbersEditor,
)
from art_segplugin_gui.qt.forms.schedule_editor import ScheduleEditor
from art_segplugin_gui.qt.forms.size_editor import SIZES, SizeEditor
from art_segplugin_gui.session.recipe_form import Field, Kind

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
    if field.name in SIZES and field.kind == "float":
        return SizeEditor(field)
    return NormEditor(field) if field.name == "norm" else EDITORS[field.kind](field)
