"""All recipes by name. The command line, the faces and the contract tests iterate over RECIPES."""

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from art_segplugin.attacks.apgd import apgd
from art_segplugin.attacks.fgsm import fgsm
from art_segplugin.attacks.pgd import pgd
from art_segplugin.attacks.segpgd import segfgsm, segpgd
from art_segplugin.attacks.temperature_pgd import temperature_pgd, temperature_sweep
from art_segplugin.core.iterate import Attack
from art_segplugin.core.threat_model import NORMS
from art_segplugin.errors import InputError

NORM_NAMES = {1.0: "L1", 2.0: "L2", math.inf: "Linf"}

Recipe = Callable[..., Attack]

RECIPES: dict[str, Recipe] = {
    "fgsm": fgsm,
    "pgd": pgd,
    "segfgsm": segfgsm,
    "segpgd": segpgd,
    "temperature-pgd": temperature_pgd,
    "temperature-sweep": temperature_sweep,
    "apgd": apgd,
}

PARTS = ("weighting", "loss")
"""Parameters that are no values but parts of an attack, which the recipe's name stands for; unless
they are given by name, as the loss of APGD is."""

PRESETS: dict[str, dict[str, float]] = {
    "default": {},
    "paper": {"eps": 0.03, "step_size": 0.01},  # arXiv:2207.12391, section 5.1
}


@dataclass(frozen=True)
class NamedAttack:
    """An attack and the name it goes by in tables, such as "segpgd-20"."""

    name: str
    recipe: str
    options: dict[str, Any]

    def build(self, **changes: Any) -> Attack:
        """The attack itself, with other values for some of its parameters if wanted."""
        return RECIPES[self.recipe](**self.options | changes)

    def described(self) -> dict[str, Any]:
        """All values of the attack, defaults too, as JSON can hold them; parts are left out."""
        values = {k: p.default for k, p in parameters(self.recipe).items()} | self.options
        values["norm"] = NORM_NAMES[NORMS[values["norm"]]]
        return {
            k: _plain(value)
            for k, value in values.items()
            if k not in PARTS or isinstance(value, str)
        }


def parameters(recipe: str) -> dict[str, inspect.Parameter]:
    """Parameters of a recipe, by name."""
    return dict(inspect.signature(RECIPES[recipe]).parameters)


def named(name: str, preset: str = "default", **options: Any) -> NamedAttack:
    """The attack called "recipe" or "recipe-steps", such as "segpgd-20".

    Args:
        name: a name in RECIPES, optionally with the number of steps.
        preset: a name in PRESETS; `options` win over it.
        **options: values for the recipe's parameters; those that only other recipes have are left
            out, so that one set of options can serve several.

    Raises:
        InputError: an unknown recipe, preset or option, steps for an attack of one step, or a bad
            value.
    """
    recipe, steps = re.fullmatch(r"(.*?)(?:-(\d+))?", name.lower()).groups()  # type: ignore[union-attr]
    if recipe not in RECIPES:
        raise InputError(f"attack {name!r} is unknown; choose from {', '.join(RECIPES)}.")
    if preset not in PRESETS:
        raise InputError(f"preset {preset!r} is unknown; choose from {', '.join(PRESETS)}.")
    for option in options:
        if not any(option in parameters(other) for other in RECIPES):
            raise InputError(f"no attack has an option {option!r}; see `art-segplugin attacks`.")
    known = parameters(recipe)
    values = {k: v for k, v in {**PRESETS[preset], **options}.items() if k in known}
    if steps is not None:
        if "steps" not in known:
            raise InputError(f"attack {name!r} takes one step; write {recipe!r}.")
        values["steps"] = int(steps)
    if "steps" in known:
        recipe_name = f"{recipe}-{values.get('steps', known['steps'].default)}"
    else:
        recipe_name = recipe
    attack = NamedAttack(recipe_name, recipe, values)
    attack.build()  # a bad value is said here, before anything runs
    return attack


def _plain(value: Any) -> Any:
    """Sequences as lists, tensors and NumPy values as Python's own, everything else as it is."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
