"""The parameters that attacks have in common, written once: defaults, meaning and what becomes of them."""

import functools
import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real
from typing import Any, Concatenate, ParamSpec, TypeVar

from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.selectors import SmallestDistance
from art_segplugin.core.steps import AnnealedStep, MomentumStep, SteepestStep, StepRule
from art_segplugin.core.threat_model import NORMS, ThreatModel
from art_segplugin.core.types import PerImage
from art_segplugin.docstrings import arguments, described
from art_segplugin.errors import InputError

ORDER = (
    "eps", "step_size", "steps", "norm", "random_start", "restarts", "targeted", "ignore_index",
    "bounds", "decay", "step_schedule",
)  # fmt: skip
"""Of the parameters that most attacks have, in a signature; others come after them."""


@dataclass(frozen=True, eq=False)
class Budget:
    """What every attack within a budget is given.

    Args:
        eps: radius, in the unit of the images; a tensor (n,) for one per image.
        norm: 1, 2 or inf.
        random_start: begin at a uniform draw from the ball, else at the image.
        restarts: independent runs; per image the lowest pixel accuracy wins.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.

    Raises:
        InputError: a value outside its range.
    """

    eps: float | PerImage = 8 / 255
    norm: float | str = math.inf
    random_start: bool = True
    restarts: int = 1
    targeted: bool = False
    ignore_index: int = 255
    bounds: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        _ = self.threat_model  # first: eps may have chosen the step size

    @cached_property
    def threat_model(self) -> ThreatModel:
        """What may be changed."""
        return ThreatModel(self.eps, self.norm, self.bounds)

    def in_steps(self, step: StepRule, steps: int, **parts: Any) -> GradientAttack:
        """The gradient attack with this budget; `parts` are fields of `GradientAttack`."""
        return GradientAttack(
            self.threat_model,
            step,
            steps,
            random_start=self.random_start,
            restarts=self.restarts,
            targeted=self.targeted,
            ignore_index=self.ignore_index,
            **parts,
        )


@dataclass(frozen=True, eq=False)
class Iterations(Budget):
    """What an attack that finds its step size itself is given besides.

    Args:
        steps: gradient steps of one restart.
    """

    steps: int = 20


@dataclass(frozen=True, eq=False)
class SizedIterations(Iterations):
    """What an attack with steps of a given size is given besides.

    Args:
        step_size: length of the first step in the norm, and of all where the schedule is "constant";
            a tensor (n,) for one per image. None for twice the radius where it falls, in Linf at most
            the range of the images, else for a quarter of the radius, in Linf at most 2/255 of it.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        step_schedule: "constant", or "cosine" or "linear" for steps that fall to 0 over the run.
    """

    step_size: float | PerImage | None = None
    decay: float | None = None
    step_schedule: str = "constant"

    def attack(self, **parts: Any) -> GradientAttack:
        """Steps of that size; `parts` are fields of `GradientAttack`."""
        size = self.step_size
        if size is None:
            size = default_step_size(self.eps, self.norm, self.bounds, self.step_schedule)
        rule = SteepestStep(size) if self.decay is None else MomentumStep(size, self.decay)
        step = rule if self.step_schedule == "constant" else AnnealedStep(rule, self.step_schedule)
        return self.in_steps(step, self.steps, **parts)


def default_step_size(
    eps: Any, norm: Any, bounds: Sequence[float] = (0.0, 1.0), step_schedule: str = "constant"
) -> Any:
    """Length of the first step where none is given, see `SizedIterations`.

    Args:
        eps: radius, a number, or a tensor or array (n,) with one per image, as the answer then is.
        norm: 1, 2 or inf, as `ThreatModel` takes it.
        bounds: smallest and largest pixel value.
        step_schedule: a name in `art_segplugin.core.steps.STEP_SCHEDULES`.
    """
    share, of_range = (1 / 4, 2 / 255) if step_schedule == "constant" else (2, 1)
    most = of_range * (bounds[1] - bounds[0]) if NORMS[norm] == math.inf else math.inf
    size = share * eps
    return size.clip(max=most) if hasattr(size, "clip") else min(size, most)


@dataclass(frozen=True, eq=False)
class MinimumNorm:
    """What every attack that looks for the smallest perturbation is given; it has no eps.

    Args:
        steps: gradient steps.
        norm: what is to be small: 1, 2 or inf.
        targeted: labels are what the adversary wants.
        ignore_index: label of void pixels, or of void images if negative.
        bounds: smallest and largest pixel value.
        share: of the valid pixels of an image that have to be fooled, in (0, 1]; of the points that
            fool as many, the nearest is the answer, and where there is none, the one that fools most.

    Raises:
        InputError: a value outside its range.
    """

    steps: int = 500
    norm: float | str = math.inf
    targeted: bool = False
    ignore_index: int = 255
    bounds: tuple[float, float] = (0.0, 1.0)
    share: float = 0.99

    @cached_property
    def threat_model(self) -> ThreatModel:
        """What may be changed: all, within the bounds."""
        return ThreatModel(None, self.norm, self.bounds)

    def in_steps(self, step: StepRule, **parts: Any) -> GradientAttack:
        """The gradient attack that begins at the image; `parts` are fields of `GradientAttack`."""
        nearest = SmallestDistance(self.share)
        return GradientAttack(
            self.threat_model,
            step,
            self.steps,
            random_start=False,
            targeted=self.targeted,
            ignore_index=self.ignore_index,
            select=nearest,
            compare=nearest,
            **parts,
        )

    def only(self, attack: str, *norms: float) -> None:
        """Refuse norms that an attack is not made for.

        Raises:
            InputError: the norm is none of `norms`.
        """
        if self.threat_model.p not in norms:
            known = " and ".join(f"{norm:g}" for norm in norms)
            raise InputError(f"norm is {self.norm!r}; {attack} is made for {known}.")


def check_numbers(**allowed: tuple[Any, float, float]) -> None:
    """Refuse values outside their ranges.

    Args:
        **allowed: by name, the value, and the smallest and largest number that it may be.

    Raises:
        InputError: one is no number, or outside its range.
    """
    for name, (value, low, high) in allowed.items():
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not (number and low <= float(value) <= high):
            upper = "" if high == math.inf else f" to {high:g}"
            raise InputError(f"{name} is {value!r}; give a number from {low:g}{upper}.")


Own = ParamSpec("Own")
Common = TypeVar("Common", bound=Budget | MinimumNorm)
Built = TypeVar("Built")


def takes(
    common: type[Common], **defaults: Any
) -> Callable[[Callable[Concatenate[Common, Own], Built]], Callable[..., Built]]:
    """Make an attack factory of a function of common parameters and its own.

    The factory takes all of them by their names, in ORDER, the own ones last; its signature and the
    "Args:" of its docstring show all of them. What the function's docstring says about a common
    parameter wins.

    Args:
        common: the common parameters that the function takes as its first argument.
        **defaults: other default values for some of them.
    """
    wanted = {field.name: field for field in fields(common)}
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=defaults.get(name, wanted[name].default),
            annotation=wanted[name].type,
        )
        for name in (*ORDER, *(name for name in wanted if name not in ORDER))
        if name in wanted
    ]

    def made(function: Callable[Concatenate[Common, Own], Built]) -> Callable[..., Built]:
        _, *own = inspect.signature(function).parameters.values()
        signature = inspect.signature(function).replace(parameters=[*shared, *own])

        def factory(*args: Any, **kwargs: Any) -> Built:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given = {name: bound.arguments.pop(name) for name in wanted}
            return function(common(**given), **bound.arguments)  # type: ignore[call-arg]

        functools.update_wrapper(factory, function)
        factory.__signature__ = signature  # type: ignore[attr-defined]
        factory.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        factory.__annotations__["return"] = signature.return_annotation
        explained: dict[str, str] = {}
        for documented in (*reversed(common.__mro__[:-1]), function):
            explained |= arguments(documented.__doc__)
        factory.__doc__ = _documented(
            function.__doc__ or "", {name: explained[name] for name in signature.parameters}
        )
        return factory

    return made


def _documented(docstring: str, arguments: dict[str, str]) -> str:
    """A docstring whose "Args:" section, which it may lack, is all of these."""
    paragraphs = re.split(r"\n\n(?=    \S)", docstring.rstrip())
    kept = [one for one in paragraphs if not one.lstrip().startswith("Args:")]
    raises = next(
        (i for i, one in enumerate(kept) if one.lstrip().startswith("Raises:")), len(kept)
    )
    parts = [*kept[:raises], described(arguments), *kept[raises:]]
    if raises == len(kept):
        parts.append("    Raises:\n        InputError: a value outside its range.")
    return "\n\n".join(parts) + "\n    "
