"""Options that several commands share, and how their values are read."""

import inspect
import math
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from art_segplugin.errors import InputError

if TYPE_CHECKING:  # torch takes seconds to load, which --help shall not
    from art_segplugin.attacks import NamedAttack

Args = TypeVar("Args")


def command(args: type[Args]) -> Callable[[Callable[[Args], None]], Callable[..., None]]:
    """Make a command of a function of one dataclass: typer sees an option for each of its fields.

    Args:
        args: The dataclass. Fields are annotated as the parameters of a command are, such as
            ``Annotated[int, typer.Option(help="Optimiser steps.")]``; those without a default are
            required. Default factories are not known to typer.
    """

    def decorate(function: Callable[[Args], None]) -> Callable[..., None]:
        @wraps(function)
        def with_options(**values: Any) -> None:
            function(args(**values))

        signature = inspect.signature(args, eval_str=True)
        vars(with_options)["__signature__"] = signature
        with_options.__annotations__ = {
            name: parameter.annotation for name, parameter in signature.parameters.items()
        }
        return with_options

    return decorate


def number(text: str, example: str = "0.03 or 8/255") -> float:
    """A number or a fraction such as 8/255; `example` is what a message shows.

    Raises:
        InputError: it is neither.
    """
    try:
        numerator, _, denominator = text.partition("/")
        return float(numerator) / (float(denominator) if denominator else 1.0)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{text!r} is no number; write {example}.") from None


def threat_model(
    norm: str, eps: str | None, step_size: str | None, preset: str = "default"
) -> dict[str, Any]:
    """Norm, radius and step size as recipes take them; what is given wins over the preset.

    Without a preset, steps are a quarter of a given radius, at most 2/255 for Linf.

    Raises:
        InputError: a value that is no number; for norms 1 and 2 no eps; for Linf a size above 1.
    """
    from art_segplugin.core.checks import check_unit

    values: dict[str, Any] = {"norm": norm}
    bounded = norm.lower() in ("inf", "linf")
    if eps is None and not bounded:
        raise InputError(f"the norm is {norm}; give --eps in that norm, images lie in [0, 1].")
    if eps is not None:
        radius = values["eps"] = number(eps)
        if preset == "default":
            values["step_size"] = min(2 / 255, radius / 4) if bounded else radius / 4
    if step_size is not None:
        values["step_size"] = number(step_size)
    for name in ("eps", "step_size") if bounded else ():
        option = f"--{name.replace('_', '-')}"
        check_unit(option, values.get(name), (0.0, 1.0), math.inf, setting=None)
    return values


def attacks(
    names: Sequence[str],
    preset: str = "default",
    *,
    norm: str,
    radii: Sequence[str | None],
    step_size: str | None,
    temperatures: Sequence[float] | None = None,
    usual_temperatures: Sequence[float] = (),
    **values: Any,
) -> "list[NamedAttack]":
    """Every attack at every radius, those with a temperature at every temperature.

    Args:
        names: as `art_segplugin.attacks.named` takes them.
        preset: likewise.
        norm: norm of the threat model.
        radii: numbers or fractions; None for the recipes' own.
        step_size: likewise.
        temperatures: what was asked for; attacks without a temperature are left as they are.
        usual_temperatures: used where nothing was asked for; none for the recipes' own.
        **values: other options of the recipes.

    Raises:
        InputError: no attack, an attack twice, temperatures for none that has one, or a bad value.
    """
    from art_segplugin.attacks import named
    from art_segplugin.attacks.registry import parameters

    found, sweep = [], temperatures or usual_temperatures
    for radius in radii:
        given = values | threat_model(norm, radius, step_size, preset)
        for name in names:
            plain = named(name, preset, **given)
            if sweep and "temperature" in parameters(plain.recipe):
                found += [named(name, preset, temperature=t, **given) for t in sweep]
            else:
                found.append(plain)
    if not found:
        raise InputError("there is no attack; name one with --attack, see `art-segplugin attacks`.")
    if temperatures and not any("temperature" in one.options for one in found):
        raise InputError(
            "none of the attacks has a temperature; add --attack temperature-pgd-20, or leave "
            "--temperature out."
        )
    if any(one in found[:i] for i, one in enumerate(found)):
        raise InputError("an attack is named twice; name each once.")
    return found


def size(text: str) -> tuple[int, int]:
    """Height and width from "HxW".

    Raises:
        InputError: it is not of that form.
    """
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise InputError(f"{text!r} is no size; write height x width, such as 240x320.")
    return int(height), int(width)


_SPAN = "0.75-1.75"


def span(text: str) -> tuple[float, float]:
    """Two numbers from "LOW-HIGH".

    Raises:
        InputError: it is not of that form.
    """
    low, dash, high = text.partition("-")
    if not dash:
        raise InputError(f"{text!r} is no range; write LOW-HIGH, such as {_SPAN}.")
    return number(low, _SPAN), number(high, _SPAN)


Model = Annotated[
    str,
    typer.Option(
        help="Shipped name, checkpoint (.safetensors), torchvision:NAME, hf:NAME, "
        "smp:FOLDER, or file.py:function (runs that code)."
    ),
]
Data = Annotated[str, typer.Option(help="'scenes', 'digits', or a folder or zip.")]
Split = Annotated[str, typer.Option(help="train, val or test.")]
Palette = Annotated[str | None, typer.Option(help="Classes of a plain folder.")]
Count = Annotated[int | None, typer.Option(help="Number of images.", min=1)]
Skip = Annotated[
    int,
    typer.Option(help="Leave out so many before them, such as those that chose the model.", min=0),
]
Attacks = Annotated[list[str], typer.Option(help="Name or name-steps; repeat for several.")]
Temperatures = Annotated[
    list[float] | None,
    typer.Option("--temperature", help="Of attacks that have one; repeat for several."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the run in --out.")]
Out = Annotated[Path, typer.Option(help="Folder for everything that is written.")]
Device = Annotated[
    str, typer.Option(help="cpu, cuda, cuda:1, ...; auto takes CUDA if there is one.")
]
Eps = Annotated[str | None, typer.Option(help="Radius, images in [0, 1]: 8/255 (default) or 0.03.")]
StepSize = Annotated[
    str | None, typer.Option(help="Default: a quarter of eps, at most 2/255 for Linf.")
]
Steps = Annotated[int, typer.Option(help="Steps of attacks named without a number.")]
Norm = Annotated[str, typer.Option(help="1, 2 or inf.")]
Restarts = Annotated[int, typer.Option(help="Independent random starts; the worst result counts.")]
Preset = Annotated[str, typer.Option(help="default, or paper (eps 0.03, step size 0.01).")]
LARGEST_SEED = 2**31 - 1
Seed = Annotated[int, typer.Option(help="Seed of the random starts.", min=0, max=LARGEST_SEED)]
BatchSize = Annotated[int, typer.Option(help="Images at a time.", min=1)]
Scale = Annotated[float, typer.Option(help="Factor on the size of the images.", min=0.01, max=4.0)]


def data_name(data: str, split: str, images: int, skip: int, scale: float) -> str:
    """What reports say of the images that were used."""
    first = f" after the first {skip}" if skip else ""
    return f"{data} {split}, {images} images{first} at scale {scale:g}"


def device(name: str) -> str:
    """The device to use.

    Raises:
        InputError: torch knows no such device, or it is not there.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.device(name).type in ("cpu", "cuda", "mps"):
            torch.empty(0, device=name)
            return name
    except (RuntimeError, AssertionError):
        pass
    raise InputError(f"device {name!r} is not to be had here; use cpu or auto.")
