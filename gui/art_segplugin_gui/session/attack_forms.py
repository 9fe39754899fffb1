"""The forms of the registered attacks: one that is added to the registry has its form.

Apart from `forms`, which the window imports, because the registry loads torch.
"""

from dataclasses import replace

from art_segplugin.attacks.registry import ATTACKS, PARTS, RECIPES, parameters
from art_segplugin.attacks.segpgd import SCHEDULES
from art_segplugin_gui.session.forms import Hint, ParameterForm, parameter_form

SET_BY_WINDOW = ("targeted", "ignore_index", "bounds")
"""Parameters of attacks that follow from the goal, the labels and the images."""

BASIC = ("norm", "eps", "step_size", "steps")
"""Parameters of attacks that are always in sight."""

ATTACK_HINTS = {
    "eps": Hint((0.0, 1e6, 1 / 255), label="Radius (eps)"),
    "step_size": Hint((0.0, 1e6, 1 / 255)),
    "steps": Hint((1, 1000, 1)),
    "restarts": Hint((1, 100, 1)),
    "decay": Hint((0.0, 2.0, 0.05)),
    "temperature": Hint((0.001, 1000.0, 0.1)),
    "temperatures": Hint((0.001, 1000.0, 0.1)),
    "scale": Hint((0.001, 1000.0, 1.0)),
    "schedule": Hint((0.0, 1.0, 0.05), words=tuple(SCHEDULES)),
}
"""Parameters that mean the same in every attack."""


def attack_forms() -> tuple[ParameterForm, ...]:
    """The forms of all registered attacks, in the registry's order."""
    forms = []
    for name, factory in RECIPES.items():
        parts = {
            part
            for part, parameter in parameters(name).items()
            if part in PARTS and not isinstance(parameter.default, str)
        }
        left_out = {*SET_BY_WINDOW, *parts}
        title = ATTACKS[name].title if name in ATTACKS else ""
        form = parameter_form(factory, name, title, left_out, ATTACK_HINTS)
        forms.append(replace(form, basic=tuple(one for one in BASIC if form.field(one))))
    return tuple(forms)
