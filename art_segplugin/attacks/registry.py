"""All attacks by name: what the command line, the app, the wrappers, docs and contract tests are made from.

An attack is one module of this package whose `SPECS` say what there is to know about its factories;
it is found by looking through the package.
"""

import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from typing import Any, Literal

from art_segplugin.attacks.common import default_step_size
from art_segplugin.core.iterate import Attack
from art_segplugin.core.threat_model import NORMS
from art_segplugin.docstrings import first_line
from art_segplugin.errors import InputError

NORM_NAMES = {1.0: "L1", 2.0: "L2", math.inf: "Linf"}

Factory = Callable[..., Attack]
Kind = Literal[
    "budget",
    "minimum-norm",
    "universal",
    "patch",
    "score-based",
    "decision-based",
    "ensemble",
]
"""What an attack may do and what it is after.

- budget: gradients; the most fooled pixels within a radius.
- minimum-norm: gradients; the smallest perturbation that fools enough pixels, so there is no eps.
- universal: is fitted to many images (`FittedAttack`), then applied to any.
- patch: changes the pixels of a mask as it likes; may be fitted, too.
- score-based, decision-based: asks for logits, or for the predicted classes alone.
- ensemble: several attacks, of which each image keeps the best answer.
"""


@dataclass(frozen=True, eq=False)
class AttackSpec:
    """What there is to know about an attack.

    Args:
        title: as people write it, such as "SegPGD"; in small letters it is the attack's name.
        factory: makes the attack from values of its parameters.
        kind: see `Kind`.
        class_name: of its classes in ART's and torchattacks' manner; by default the title without
            hyphens, and None for no class.
        wrapped: the factory behind these classes, where it takes more than `factory`.
        place: where lists show it; attacks without one come last, by name.
    """

    title: str
    factory: Callable[..., Any]
    kind: Kind = "budget"
    class_name: str | None = ""
    wrapped: Callable[..., Any] | None = None
    place: int = 100

    def __post_init__(self) -> None:
        if self.class_name == "":
            object.__setattr__(self, "class_name", re.sub(r"\W", "", self.title))
        if self.wrapped is None:
            object.__setattr__(self, "wrapped", self.factory)

    @property
    def name(self) -> str:
        """What it is called on the command line and in files, such as "temperature-pgd"."""
        return self.title.lower().replace(" ", "-")

    @cached_property
    def paper(self) -> str:
        """Its paper and equations: the first line of its module."""
        module = inspect.getmodule(self.factory)
        return first_line(module.__doc__ if module else None)

    @property
    def summary(self) -> str:
        """One sentence on what it does."""
        return first_line(self.factory.__doc__)

    @cached_property
    def class_parameters(self) -> Mapping[str, inspect.Parameter]:
        """Those of `wrapped` that are values, which the classes take."""
        found = inspect.signature(self.wrapped or self.factory).parameters.values()
        return {p.name: p for p in found if p.name not in PARTS or isinstance(p.default, str)}

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Its parameters, by name."""
        return inspect.signature(self.factory).parameters


ATTACKS: dict[str, AttackSpec] = {}
"""What there is, by name, in the order of lists."""

RECIPES: dict[str, Factory] = {}
"""The factories of ATTACKS."""


def discover() -> None:
    """Fill ATTACKS and RECIPES with the `SPECS` of all modules of this package."""
    package = __name__.rpartition(".")[0]
    folder = import_module(package).__path__
    modules = (import_module(f"{package}.{one.name}") for one in pkgutil.iter_modules(folder))
    found = [spec for module in modules for spec in getattr(module, "SPECS", ())]
    for spec in sorted(found, key=lambda spec: (spec.place, spec.name)):
        ATTACKS[spec.name] = spec
        RECIPES[spec.name] = spec.factory


PARTS = ("weighting", "loss")
"""Parameters that are no values but parts of an attack, which its name stands for; unless they are
given by name, as the loss of APGD is."""

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
    _built: list[Attack] = field(default_factory=list, init=False, repr=False, compare=False)

    def build(self, **changes: Any) -> Attack:
        """The attack itself, with other values for some of its parameters if wanted.

        Attacks keep nothing of a run, so the one without changes is made once.
        """
        known = parameters(self.recipe)
        present = {name: self.options.get(name, p.default) for name, p in known.items()}
        if any(
            name not in present or not _same(value, present[name])
            for name, value in changes.items()
        ):
            return RECIPES[self.recipe](**self.options | changes)
        if not self._built:
            self._built.append(RECIPES[self.recipe](**self.options))
        return self._built[0]

    def described(self) -> dict[str, Any]:
        """All values of the attack, defaults too, as JSON can hold them; parts are left out.

        Steps of one size have no schedule here, as in files of 0.1, which stay the same runs.
        """
        values = {k: p.default for k, p in parameters(self.recipe).items()} | self.options
        if values.get("step_size", 0) is None:
            chosen = ("eps", "norm", "bounds", "step_schedule")
            given = {name: values[name] for name in chosen if name in values}
            values["step_size"] = default_step_size(**given)
        if values.get("step_schedule") == "constant":
            del values["step_schedule"]
        if "norm" in values:
            values["norm"] = NORM_NAMES[NORMS[values["norm"]]]
        return {
            k: _plain(value)
            for k, value in values.items()
            if k not in PARTS or isinstance(value, str)
        }


def parameters(recipe: str) -> Mapping[str, inspect.Parameter]:
    """Parameters of an attack factory, by name."""
    return _parameters(RECIPES[recipe])


@cache
def _parameters(factory: Factory) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(factory).parameters


def named(name: str, preset: str = "default", **options: Any) -> NamedAttack:
    """The attack called "attack" or "attack-steps", such as "segpgd-20".

    Args:
        name: a name in ATTACKS, optionally with the number of steps.
        preset: a name in PRESETS; `options` win over it.
        **options: values for the attack's parameters; those that only other attacks have are left
            out, so that one set of options can serve several.

    Raises:
        InputError: an unknown attack, preset or option, steps for an attack of one step, or a bad
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


def _same(one: object, other: object) -> bool:
    """Whether two values are the same for certain; True and 1 are not."""
    return one is other or (
        type(one) is type(other) and isinstance(one, int | str) and one == other
    )


def _plain(value: Any) -> Any:
    """Sequences as lists, tensors and NumPy values as Python's own, everything else as it is."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
