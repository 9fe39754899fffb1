"""Options that several commands share, and how their values are read."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from art_segplugin.errors import InputError
from art_segplugin.files import printable
from art_segplugin.units import check_sizes

if TYPE_CHECKING:  # torch takes seconds to load, which --help shall not
    from art_segplugin.attacks import NamedAttack
    from art_segplugin.data.labels import LabelRule
    from art_segplugin.data.sample import Dataset
    from art_segplugin.models import Segmenter

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


def has_radius(name: str) -> bool:
    """Whether an attack, as `art_segplugin.attacks.named` takes its name, has an eps.

    Raises:
        InputError: an unknown attack.
    """
    from art_segplugin.attacks import named
    from art_segplugin.attacks.registry import parameters

    return "eps" in parameters(named(name).recipe)


def threat_model(
    norm: str,
    eps: str | None,
    step_size: str | None,
    step_schedule: str | None = None,
    *,
    radius: bool = True,
) -> dict[str, Any]:
    """Norm, radius and steps as attacks take them; all but the norm only where they are given.

    Args:
        norm: 1, 2 or inf.
        eps: a number or a fraction.
        step_size: likewise.
        step_schedule: how steps change on the way.
        radius: whether any of the attacks has one, see `has_radius`.

    Raises:
        InputError: a value that is no number; for norms 1 and 2 no eps; for Linf a size above 1; an
            eps where no attack has one.
    """
    values: dict[str, Any] = {"norm": norm}
    bounded = norm.lower() in ("inf", "linf")
    if eps is not None and not radius:
        raise InputError(
            f"--eps is {eps} and the attacks look for the smallest perturbation; leave --eps out."
        )
    if eps is None and radius and not bounded:
        raise InputError(f"the norm is {norm}; give --eps in that norm, images lie in [0, 1].")
    if eps is not None:
        values["eps"] = number(eps)
    if step_size is not None:
        values["step_size"] = number(step_size)
    if step_schedule is not None:
        values["step_schedule"] = step_schedule
    for name in ("eps", "step_size") if bounded else ():
        option, value = f"--{name.replace('_', '-')}", values.get(name, 0.0)
        check_sizes(option, value, value, (0.0, 1.0), math.inf, setting=None)
    return values


def attacks(
    names: Sequence[str],
    preset: str = "default",
    *,
    norm: str,
    radii: Sequence[str | None],
    step_size: str | None,
    step_schedule: str | None = None,
    temperatures: Sequence[float] | None = None,
    usual_temperatures: Sequence[float] = (),
    **values: Any,
) -> "list[NamedAttack]":
    """Every attack at every radius, if it has one; those with a temperature at every temperature.

    Args:
        names: as `art_segplugin.attacks.named` takes them.
        preset: likewise.
        norm: norm of the threat model.
        radii: numbers or fractions; None for the recipes' own.
        step_size: likewise.
        step_schedule: how steps change on the way; None for the attacks' own.
        temperatures: what was asked for; attacks without a temperature are left as they are.
        usual_temperatures: used where nothing was asked for; none for the recipes' own.
        **values: other options of the recipes; None for their own.

    Raises:
        InputError: no attack, an attack twice, temperatures for none that has one, or a bad value.
    """
    from art_segplugin.attacks import named
    from art_segplugin.attacks.registry import parameters

    found, sweep = [], temperatures or usual_temperatures
    with_radius = [has_radius(name) for name in names]
    asked = {name: value for name, value in values.items() if value is not None}
    for radius in radii:
        steps = threat_model(
            norm, radius, step_size, step_schedule, radius=any(with_radius) or not names
        )
        given = asked | steps
        for name, within in zip(names, with_radius, strict=True):
            if not within and radius is not radii[0]:
                continue
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
    values_of = [(one.name, one.described()) for one in found]
    if any(one in values_of[:i] for i, one in enumerate(values_of)):
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


MODEL_HELP = (
    "Name (a shipped name, selfie), FILE.safetensors, FILE.pt (TorchScript), FILE.pt2, FILE.onnx, "
    "torchvision:NAME, hf:FOLDER, smp:FOLDER, hub:FOLDER:ENTRY or file.py:FUNCTION, see "
    "`art-segplugin models`; programs (.pt, .pt2, hub, .py) are run."
)
Model = Annotated[
    str,
    typer.Option(
        help=MODEL_HELP,
    ),
]
DATA_NAMES = ("--data", "--images")
DATA_HELP = (
    "'scenes', 'digits', hf-data:NAME, or a folder (or zip of class folders); with --labels, the "
    "folder of the images."
)
LABELS_HELP = "Folder of the label maps, where they are not found by themselves."
LABEL_SUFFIX_HELP = "What the name of a label map adds to that of its image, such as _mask."
Data = Annotated[str, typer.Option(*DATA_NAMES, help=DATA_HELP)]
LabelFolder = Annotated[Path | None, typer.Option("--labels", help=LABELS_HELP)]
LabelSuffix = Annotated[str | None, typer.Option(help=LABEL_SUFFIX_HELP)]
Split = Annotated[
    str, typer.Option(help="train, val, test, or a split of the data set's own such as trainval.")
]
PALETTE_HELP = (
    "Names and colours of the classes of the label PNGs: scenes, camvid, cityscapes, voc, ade20k or "
    "loveda; default: those of the data set or the model."
)
Palette = Annotated[str | None, typer.Option(help=PALETTE_HELP)]
LABEL_MAP_HELP = "What values of label PNGs are, such as 255=1,7=void; or cityscapes-ids, ade20k, loveda, camvid."
VOID_HELP = "Value of label PNGs that does not count; repeat for several."
REDUCE_HELP = "In label PNGs 0 is void and class k is stored as k + 1; default: as the data set or the model says."
LABELS_AS_HELP = "What counts in label PNGs with a colour table: indices or colours."
LabelMap = Annotated[str | None, typer.Option(help=LABEL_MAP_HELP)]
Void = Annotated[list[int] | None, typer.Option(help=VOID_HELP)]
ReduceZero = Annotated[
    bool | None, typer.Option("--reduce-zero-label/--no-reduce-zero-label", help=REDUCE_HELP)
]
LabelsAs = Annotated[str | None, typer.Option(help=LABELS_AS_HELP)]
Count = Annotated[int | None, typer.Option(help="Number of images.", min=1)]
Skip = Annotated[
    int,
    typer.Option(help="Skip the first so many, such as those that chose the model.", min=0),
]
Attacks = Annotated[
    list[str],
    typer.Option(help="Name or name-steps; repeat for several; none for clean scores alone."),
]
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
    str | None,
    typer.Option(
        help="Length of the first step. Default: a quarter of eps, at most 2/255 for Linf; twice eps "
        "where steps fall."
    ),
]
StepSchedule = Annotated[
    str | None,
    typer.Option(help="constant; cosine or linear: steps fall to 0. Default: the attack's own."),
]
STEPS_HELP = (
    "Steps of attacks named without a number. Default: 20, or what the attack is made with."
)
Steps = Annotated[int | None, typer.Option(help=STEPS_HELP)]
Norm = Annotated[str, typer.Option(help="1, 2 or inf.")]
Restarts = Annotated[int, typer.Option(help="Independent random starts; the worst result counts.")]
Preset = Annotated[str, typer.Option(help="default, or paper (eps 0.03, step size 0.01).")]
LARGEST_SEED = 2**31 - 1
Seed = Annotated[int, typer.Option(help="Seed of the random starts.", min=0, max=LARGEST_SEED)]
BatchSize = Annotated[int, typer.Option(help="Images at a time.", min=1)]
BatchSizeOrAuto = Annotated[
    str, typer.Option("--batch-size", help="Images at a time; auto for as many as pay.")
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast", help="Attack the fastest proven copy of the model; scores are the model's own."
    ),
]
Scale = Annotated[float, typer.Option(help="Factor on the size of the images.", min=0.01, max=4.0)]

WHITE_HELP = "Value that is white in images of more than 8 bits: 65535, or 2047 for 11 bits."
White = Annotated[float | None, typer.Option(help=WHITE_HELP)]


def batch_size(text: str) -> int:
    """A number of images; 0 for "auto".

    Raises:
        InputError: it is neither a whole number of at least 1 nor "auto".
    """
    if text == "auto":
        return 0
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise InputError(f"--batch-size is {text!r}; give a whole number of at least 1, or auto.")


def label_rule(
    label_map: str | None,
    void: Sequence[int] | None,
    reduce_zero: bool | None,
    labels_as: str | None,
    model: "Segmenter | None" = None,
) -> "tuple[LabelRule | None, LabelRule]":
    """The rule that was asked for, if any, and the one for data that have none of their own.

    The first changes the rule of the data, see `art_segplugin.data.labels.refined`. What a model says of
    the labels it was trained on is the second; where an option says otherwise, that is printed.

    Raises:
        InputError: a value that is none.
    """
    from art_segplugin.cli.console import errors
    from art_segplugin.data.labels import INDICES_OR_COLOURS, RULES, label_mapping, refined

    reduces = model is not None and model.info is not None and model.info.reduce_labels
    default = (
        replace(INDICES_OR_COLOURS, name="the model's rule", reduce_zero=True)
        if reduces
        else INDICES_OR_COLOURS
    )
    if label_map is None and not void and reduce_zero is None and labels_as is None:
        return None, default
    named = RULES.get(label_map or "")
    mapping = label_mapping(label_map) if label_map and named is None else ()
    mapping += tuple((value, None) for value in void or ())
    if reduce_zero is None and any(value == 0 and label is not None for value, label in mapping):
        reduce_zero = False  # 0 is a class
    rule = named or INDICES_OR_COLOURS
    rule = replace(
        rule,
        mapping=rule.mapping + mapping,
        reduce_zero=rule.reduce_zero if reduce_zero is None else reduce_zero,
        source=labels_as or rule.source,
    )
    if reduces and not refined(rule, default).reduce_zero:
        errors().print(
            "The model was trained with 0 as void; the options for labels go before that."
        )
    return rule, default


def open_data(
    data: str, split: str, *, skip: int = 0, scale: float = 1.0, **asked: Any
) -> "tuple[Dataset, str]":
    """Open a data set, print what was recognised, and return what reports say of it.

    Args:
        data: as `art_segplugin.data.datasets.open_dataset` takes it, like all others.
        split: likewise.
        skip: likewise.
        scale: likewise.
        **asked: likewise.

    Raises:
        InputError: there is no such data set.
    """
    from art_segplugin.cli.console import errors
    from art_segplugin.data.datasets import described, open_dataset, split_of

    samples = open_dataset(data, split, skip=skip, scale=scale, **asked)
    first = f" after the first {skip}" if skip else ""
    name = (
        f"{printable(data)} {split_of(samples) or split}, {len(samples)} images{first} "
        f"at scale {scale:g}"
    )
    if found := described(samples):
        errors().print(found, markup=False, highlight=False, soft_wrap=True)
        name += f" ({printable(found)})"
    return samples, name


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
    raise InputError(f"device {name!r} is not available; use cpu or auto.")
