"""What a form for an attack asks for, as plain values that the worker sends to the window."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["float", "integer", "boolean", "choice", "numbers", "optional-float", "schedule"]
"""How a value is entered. "schedule" is one of the choices, or a number; "numbers" are several."""


@dataclass(frozen=True)
class Field:
    """One parameter of a recipe.

    Attributes:
        name: as the recipe calls it.
        kind: how it is entered.
        default: the recipe's own value; the norm by its name in `choices`.
        choices: values of a "choice" and words of a "schedule".
        help: what the recipe's docstring says about it.
        low: smallest number.
        high: largest number.
        step: what an arrow key adds.
    """

    name: str
    kind: Kind
    default: Any = None
    choices: tuple[str, ...] = ()
    help: str = ""
    low: float = 0.0
    high: float = 1e6
    step: float = 1.0


@dataclass(frozen=True)
class RecipeForm:
    """One recipe and all that can be chosen about it.

    Attributes:
        name: as the registry calls it.
        title: as people write it.
        summary: one sentence on what it does.
        reference: the paper it is from, one line.
        fields: in the recipe's order.
    """

    name: str
    title: str
    summary: str = ""
    reference: str = ""
    fields: tuple[Field, ...] = ()

    def field(self, name: str) -> Field | None:
        """The parameter of that name; None where the recipe has none."""
        return next((field for field in self.fields if field.name == name), None)

    def known(self, options: dict[str, Any]) -> dict[str, Any]:
        """Those of some options that this recipe has, without its own values."""
        return {
            field.name: options[field.name]
            for field in self.fields
            if field.name in options and options[field.name] != field.default
        }


def norm_name(norm: object) -> str:
    """The name of a norm however it is written: `math.inf`, "inf" and "linf" are "Linf"."""
    text = str(norm).lower().removeprefix("l").removesuffix(".0")
    return f"L{text}"
