"""Options that several commands share, and how their values are read."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.errors import InputError


def number(text: str) -> float:
    """A number or a fraction such as 8/255.

    Raises:
        InputError: it is neither.
    """
    try:
        numerator, _, denominator = text.partition("/")
        return float(numerator) / (float(denominator) if denominator else 1.0)
    except (ValueError, ZeroDivisionError):
        raise InputError(f"{text!r} is no number; write 0.03 or 8/255.") from None


def radius(text: str) -> float:
    """An eps for images in [0, 1]; a value above 1 is surely meant in 255ths, so it is refused."""
    eps = number(text)
    if eps > 1:
        raise InputError(
            f"eps is {text}, but images lie in [0, 1]; did you mean {text}/255? "
            "(For norms 1 and 2 use the Python interface.)"
        )
    return eps


def size(text: str) -> tuple[int, int]:
    """Height and width from "HxW".

    Raises:
        InputError: it is not of that form.
    """
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise InputError(f"{text!r} is no size; write height x width, such as 240x320.")
    return int(height), int(width)


def span(text: str) -> tuple[float, float]:
    """Two numbers from "LOW-HIGH".

    Raises:
        InputError: it is not of that form.
    """
    low, dash, high = text.partition("-")
    if not dash:
        raise InputError(f"{text!r} is no range; write LOW-HIGH, such as 0.75-1.75.")
    return number(low), number(high)


def norm(text: str) -> float | str:
    """A norm as the recipes take it; they refuse what they do not know."""
    return text if text in ("1", "2", "inf", "L1", "L2", "Linf") else number(text)


Model = Annotated[
    str,
    typer.Option(
        help="Shipped name, checkpoint (.safetensors), torchvision:NAME, hf:NAME, "
        "smp:FOLDER, or file.py:function (runs that code)."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for everything that is written.")]
Device = Annotated[
    str, typer.Option(help="cpu, cuda, cuda:1, ...; auto takes CUDA if there is one.")
]
Eps = Annotated[str, typer.Option(help="Radius, images in [0, 1]: 8/255 or 0.03.")]
StepSize = Annotated[str, typer.Option(help="Step size, likewise.")]
Steps = Annotated[int, typer.Option(help="Steps of attacks named without a number.")]
Norm = Annotated[str, typer.Option(help="1, 2 or inf.")]
Restarts = Annotated[int, typer.Option(help="Independent random starts; the worst result counts.")]
Preset = Annotated[str, typer.Option(help="default, or paper (eps 0.03, step size 0.01).")]
Seed = Annotated[int, typer.Option(help="Seed of the random starts.")]
BatchSize = Annotated[int, typer.Option(help="Images at a time.", min=1)]
Scale = Annotated[float, typer.Option(help="Factor on the size of the images.", min=0.01, max=4.0)]


def device(name: str) -> str:
    """The device to use.

    Raises:
        InputError: torch knows no such device, or it is not there.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError):
        raise InputError(f"device {name!r} is not to be had here; use cpu or auto.") from None
    return name
