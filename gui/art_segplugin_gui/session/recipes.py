"""Reads from the signatures and docstrings of the registered recipes what a form can ask for.

No recipe is named here: one that is added to the registry has its form.
"""

import inspect
import re
import typing
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin_gui.session.recipe_form import Field, Kind, RecipeForm, norm_name

SET_BY_WINDOW = ("targeted", "ignore_index", "bounds")
"""Parameters that follow from the goal, the labels and the images."""

RANGES: dict[str, tuple[float, float, float]] = {
    "eps": (0.0, 1e6, 1 / 255),
    "step_size": (0.0, 1e6, 1 / 255),
    "steps": (1, 1000, 1),
    "restarts": (1, 100, 1),
    "decay": (0.0, 2.0, 0.05),
    "temperature": (0.001, 1000.0, 0.1),
    "temperatures": (0.001, 1000.0, 0.1),
    "scale": (0.001, 1000.0, 1.0),
    "schedule": (0.0, 1.0, 0.05),
}
"""Smallest value, largest value and step of parameters that mean the same in every recipe."""


def recipe_forms() -> tuple[RecipeForm, ...]:
    """The forms of all registered recipes, in the registry's order. Imports torch."""
    from art_segplugin.attacks.registry import RECIPES

    return tuple(_form(name, recipe) for name, recipe in RECIPES.items())


def _form(name: str, recipe: Callable[..., Any]) -> RecipeForm:
    from art_segplugin.attacks.registry import PARTS, parameters

    module = inspect.getmodule(recipe)
    reference = _first_line(module.__doc__ if module else None)
    explained = _arguments(inspect.getdoc(recipe) or "")
    fields = []
    for parameter in parameters(name).values():
        part = parameter.name in PARTS and not isinstance(parameter.default, str)
        if parameter.name in SET_BY_WINDOW or part:
            continue
        field = _field(recipe, parameter, explained.get(parameter.name, ""))
        if field is not None:
            fields.append(field)
    return RecipeForm(
        name, _title(name, reference), _first_line(recipe.__doc__), reference, tuple(fields)
    )


def _field(recipe: Callable[..., Any], parameter: inspect.Parameter, help: str) -> Field | None:
    """What to ask for a parameter; None for what no form can, which keeps the recipe's value."""
    default = None if parameter.default is parameter.empty else parameter.default
    kind = _kind(parameter, _types(recipe, parameter))
    if kind is None:
        return None
    choices: tuple[str, ...] = ()
    if parameter.name == "norm":
        choices, default = _norms(recipe), norm_name(default)
    elif kind in ("choice", "schedule"):
        choices = _words(recipe, parameter, help)
    elif kind == "numbers":
        default = tuple(default or ())
    low, high, step = RANGES.get(parameter.name, _range(default))
    return Field(parameter.name, kind, default, choices, help, low, high, step)


def _types(recipe: Callable[..., Any], parameter: inspect.Parameter) -> tuple[Any, ...]:
    """The alternatives of an annotation; the type of the default where there is none."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        try:
            annotation = typing.get_type_hints(recipe)[parameter.name]
        except (NameError, TypeError):
            annotation = parameter.empty
    if annotation is parameter.empty:
        return (type(parameter.default),)
    if typing.get_origin(annotation) in (typing.Literal, tuple, list, Sequence):
        return (annotation,)
    return typing.get_args(annotation) or (annotation,)


def _kind(parameter: inspect.Parameter, types: tuple[Any, ...]) -> Kind | None:
    plain = {typing.get_origin(one) or one for one in types}
    if parameter.name == "norm" or typing.Literal in plain:
        return "choice"
    if str in plain:
        return "schedule" if plain & {float, int} else "choice"
    if plain & {Sequence, tuple, list}:
        return "numbers"
    if float in plain:
        return "optional-float" if NoneType in plain else "float"
    if bool in plain:
        return "boolean"
    return "integer" if int in plain else None


def _norms(recipe: Callable[..., Any]) -> tuple[str, ...]:
    """The norms that a recipe takes: only it knows, so each is tried."""
    names = ("Linf", "L2", "L1")
    return tuple(name for name in names if _accepts(recipe, "norm", name)) or names


def _words(recipe: Callable[..., Any], parameter: inspect.Parameter, help: str) -> tuple[str, ...]:
    """The words that a parameter may be: of its type, its docstring, or those of a schedule."""
    literal = [
        one
        for kind in _types(recipe, parameter)
        if typing.get_origin(kind) is typing.Literal
        for one in typing.get_args(kind)
    ]
    found = [str(one) for one in literal] or re.findall(r'"([^"\s]+)"', help)
    if parameter.name == "schedule":
        from art_segplugin.attacks.segpgd import SCHEDULES

        found.extend(SCHEDULES)
    if isinstance(parameter.default, str):
        found.insert(0, parameter.default)
    known = [word for word in found if _accepts(recipe, parameter.name, word)]
    return tuple(dict.fromkeys(known or found))


def _accepts(recipe: Callable[..., Any], name: str, value: Any) -> bool:
    try:
        recipe(**{name: value})
    except InputError:
        return False
    except TypeError:  # it has required parameters, and cannot be tried
        return True
    return True


def _range(default: Any) -> tuple[float, float, float]:
    """A range for a number of which nothing but its usual value is known."""
    whole = isinstance(default, int)
    positive = not isinstance(default, int | float) or default >= 0
    return (0.0 if positive else -1e6, 1e6, 1.0 if whole else 0.1)


def _arguments(docstring: str) -> dict[str, str]:
    """The "Args:" section of a docstring: name to text, on one line."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in docstring.splitlines():
        if not line.startswith(" "):
            inside = line == "Args:" or (inside and not line)
            continue
        entry = re.match(r"    (\w+)(?: \(.*?\))?: (.*)", line)
        if inside and entry:
            name = entry[1]
            found[name] = entry[2].strip()
        elif inside and name:
            found[name] += f" {line.strip()}"
    return found


def _title(name: str, reference: str) -> str:
    """The name in the spelling of its reference, such as "SegPGD"; else in plain words."""
    spelled = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", reference, re.IGNORECASE)
    return spelled[0] if spelled else name.replace("-", " ").replace("_", " ").capitalize()


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
