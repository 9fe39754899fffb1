"""What a form asks for, read from the signature and the docstring of any callable.

A form is a plain value that the worker sends to the window.
"""

import inspect
import re
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, NoneType
from typing import Any, Literal

from art_segplugin.docstrings import arguments, first_line
from art_segplugin.errors import InputError

Kind = Literal["float", "integer", "boolean", "choice", "numbers", "optional-float", "schedule"]
"""How a value is entered. "schedule" is one of the choices, or a number; "numbers" are several."""


@dataclass(frozen=True)
class Field:
    """One parameter.

    Attributes:
        name: as the callable names it.
        kind: how it is entered.
        default: the callable's own default; the norm by its name in `choices`.
        choices: values of a "choice" and words of a "schedule".
        help: what the callable's docstring says about it.
        low: smallest number.
        high: largest number.
        step: what an arrow key adds.
        unit: of the number, such as "px"; empty for none.
        label: what people call it; empty for the name in plain words.
    """

    name: str
    kind: Kind
    default: Any = None
    choices: tuple[str, ...] = ()
    help: str = ""
    low: float = 0.0
    high: float = 1e6
    step: float = 1.0
    unit: str = ""
    label: str = ""

    def shown(self, value: Any) -> Any:
        """What an editor can show of a value that was read: the nearest number in its range.

        The default stands for what is no number where one is asked for; the attack refuses that itself.
        """
        if self.kind == "numbers":
            whole = isinstance(value, list | tuple) and all(map(_is_number, value))
            return value if whole else self.default
        if self.kind in ("boolean", "choice"):
            return value
        if _is_number(value):
            return min(max(value, self.low), self.high)
        return value if value is None or self.kind == "schedule" else self.default

    @property
    def caption(self) -> str:
        """The parameter for people, with its unit."""
        words = self.label or self.name.replace("_", " ").capitalize()
        return f"{words} ({self.unit})" if self.unit else words


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


@dataclass(frozen=True)
class ParameterForm:
    """One callable and all that can be chosen about it.

    Attributes:
        name: as its registry calls it.
        title: as people write it.
        summary: one sentence on what it does.
        reference: the paper it is from, one line.
        fields: in the order of the signature.
        basic: names of the fields that are always in sight, in this order; None for all.
    """

    name: str
    title: str
    summary: str = ""
    reference: str = ""
    fields: tuple[Field, ...] = ()
    basic: tuple[str, ...] | None = None

    def field(self, name: str) -> Field | None:
        """The parameter of that name; None where there is none."""
        return next((field for field in self.fields if field.name == name), None)

    def known(self, options: dict[str, Any]) -> dict[str, Any]:
        """Those of some options that it has, without those that are its defaults."""
        return {
            field.name: options[field.name]
            for field in self.fields
            if field.name in options and options[field.name] != field.default
        }


@dataclass(frozen=True)
class Hint:
    """What neither signature nor docstring say about a parameter.

    Attributes:
        range: smallest value, largest value and step; None to guess them from the default.
        unit: of the number.
        label: what people call it; empty for the name in plain words.
        words: further choices.
    """

    range: tuple[float, float, float] | None = None
    unit: str = ""
    label: str = ""
    words: tuple[str, ...] = ()


NO_HINTS: Mapping[str, Hint] = MappingProxyType({})


def parameter_form(
    factory: Callable[..., Any],
    name: str,
    title: str = "",
    leave_out: Collection[str] = (),
    hints: Mapping[str, Hint] = NO_HINTS,
) -> ParameterForm:
    """The form of any callable whose parameters have defaults.

    What no form can ask for is left out and so keeps the callable's default. A parameter called
    `norm` is a choice of norms. Choices are those that the callable takes: each is tried.

    Args:
        factory: annotated; its docstring has a section "Args:", and the first line of its module's
            docstring is the reference.
        name: what its registry calls it.
        title: as people write it; empty for the name in plain words.
        leave_out: parameters that are not asked for.
        hints: about parameters, by name.
    """
    module = inspect.getmodule(factory)
    reference = first_line(module.__doc__ if module else None)
    explained = arguments(factory.__doc__)
    fields = [
        _field(factory, parameter, explained.get(key, ""), hints.get(key, Hint()))
        for key, parameter in inspect.signature(factory).parameters.items()
        if key not in leave_out
    ]
    return ParameterForm(
        name,
        title or name.replace("-", " ").replace("_", " ").capitalize(),
        first_line(factory.__doc__),
        reference,
        tuple(field for field in fields if field is not None),
    )


def norm_name(norm: object) -> str:
    """The name of a norm however it is written: `math.inf`, "inf" and "linf" are "Linf"."""
    text = str(norm).lower().removeprefix("l").removesuffix(".0")
    return f"L{text}"


def _field(
    factory: Callable[..., Any], parameter: inspect.Parameter, help: str, hint: Hint
) -> Field | None:
    """What to ask for a parameter; None for what no form can ask for."""
    default = None if parameter.default is parameter.empty else parameter.default
    types = _types(factory, parameter)
    kind = _kind(parameter, types)
    if kind is None:
        return None
    choices: tuple[str, ...] = ()
    if parameter.name == "norm":
        names = ("Linf", "L2", "L1")
        choices = tuple(one for one in names if _accepts(factory, "norm", one)) or names
        default = norm_name(default)
    elif kind in ("choice", "schedule"):
        choices = _words(factory, parameter, types, help, hint)
    elif kind == "numbers":
        default = tuple(default or ())
    low, high, step = hint.range or _range(default)
    return Field(
        parameter.name, kind, default, choices, help, low, high, step, hint.unit, hint.label
    )


def _types(factory: Callable[..., Any], parameter: inspect.Parameter) -> tuple[Any, ...]:
    """The alternatives of an annotation; the type of the default where there is none."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        try:
            annotation = typing.get_type_hints(factory)[parameter.name]
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


def _words(
    factory: Callable[..., Any],
    parameter: inspect.Parameter,
    types: tuple[Any, ...],
    help: str,
    hint: Hint,
) -> tuple[str, ...]:
    """The words that a parameter may be: of its type, its docstring or the hint."""
    literal = [
        str(word)
        for kind in types
        if typing.get_origin(kind) is typing.Literal
        for word in typing.get_args(kind)
    ]
    found = [*(literal or re.findall(r'"([^"\s]+)"', help)), *hint.words]
    if isinstance(parameter.default, str):
        found.insert(0, parameter.default)
    known = [word for word in found if _accepts(factory, parameter.name, word)]
    return tuple(dict.fromkeys(known or found))


def _accepts(factory: Callable[..., Any], name: str, value: Any) -> bool:
    try:
        factory(**{name: value})
    except InputError:
        return False
    except TypeError:  # it has required parameters, and cannot be tried
        return True
    return True


def _range(default: Any) -> tuple[float, float, float]:
    """A range for a number of which nothing but its default is known."""
    whole = isinstance(default, int)
    positive = not isinstance(default, int | float) or default >= 0
    return (0.0 if positive else -1e6, 1e6, 1.0 if whole else 0.1)
