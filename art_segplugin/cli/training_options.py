"""Options of `train`, grouped as its help shows them."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli.options import LARGEST_SEED, number
from art_segplugin.errors import InputError

DATA, NETWORK, OBJECTIVE = "Data", "Network", "Objective"
OPTIMISATION, RUN = "Optimisation", "Run"


_MILESTONES = "0.5,0.75"


def shares(milestones: str | None, schedule: str) -> tuple[float, ...]:
    """Numbers from "0.5,0.75"; the usual ones from None.

    Raises:
        InputError: one of them is no number, or the schedule has none.
    """
    if milestones is None:
        milestones = _MILESTONES
    elif schedule == "cosine":
        raise InputError("the schedule cosine has no milestones; give --schedule steps too.")
    if not milestones.strip():
        raise InputError(f"the milestones are empty; write shares, such as {_MILESTONES}.")
    return tuple(number(part, _MILESTONES) for part in milestones.split(","))


Data = Annotated[
    str,
    typer.Option(help="'scenes', 'digits', or a folder or zip.", rich_help_panel=DATA),
]
Palette = Annotated[
    str | None, typer.Option(help="Classes of a plain folder.", rich_help_panel=DATA)
]
Scale = Annotated[
    float,
    typer.Option(help="Factor on the size of the images.", min=0.01, max=4.0, rich_help_panel=DATA),
]
Count = Annotated[
    int | None, typer.Option(help="Training scenes or images.", min=1, rich_help_panel=DATA)
]
ValCount = Annotated[int | None, typer.Option(help="Validation ones.", min=1, rich_help_panel=DATA)]
Crop = Annotated[
    str | None,
    typer.Option(
        help="Size of the training crops, HxW; default: the images'.", rich_help_panel=DATA
    ),
]
Zoom = Annotated[
    str, typer.Option(help="Range of random enlargement, LOW-HIGH.", rich_help_panel=DATA)
]
Flip = Annotated[
    bool | None,
    typer.Option(
        help="Mirror half of the images; default: unless they are digits.", rich_help_panel=DATA
    ),
]

Network = Annotated[
    str | None,
    typer.Option(
        help="small or small:width=48 for label maps, resnet or "
        "resnet:width=64,blocks=2,stem_stride=1 for images of one class.",
        rich_help_panel=NETWORK,
    ),
]
Init = Annotated[
    str | None,
    typer.Option(
        help="Start from these weights: a shipped name or a checkpoint.", rich_help_panel=NETWORK
    ),
]
He = Annotated[
    bool,
    typer.Option(
        "--he",
        help="Hypersphere embedding: the last layer gives cosines, learned with a margin.",
        rich_help_panel=NETWORK,
    ),
]
HeScale = Annotated[
    float | None,
    typer.Option(
        help="Logits are the cosines times this; default: 15 (alp: 20, free-at: 10).",
        rich_help_panel=NETWORK,
    ),
]
HeMargin = Annotated[
    float | None,
    typer.Option(
        help="What the true class's cosine must lead by in the loss; default: 0.2 (alp: 0.3).",
        rich_help_panel=NETWORK,
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        help="Name of the last layer, where --he cannot find it.", rich_help_panel=NETWORK
    ),
]

Objective = Annotated[
    str,
    typer.Option(
        help="cross-entropy, pgd-at, segpgd-at, alp, trades, free-at or fast-at.",
        rich_help_panel=OBJECTIVE,
    ),
]
Attack = Annotated[
    str | None,
    typer.Option(
        help="What to learn from, name-steps; default: pgd-7, of segpgd-at segpgd-7.",
        rich_help_panel=OBJECTIVE,
    ),
]
Eps = Annotated[
    str | None,
    typer.Option(
        help="Radius, images in [0, 1]: 8/255 (default) or 0.03.", rich_help_panel=OBJECTIVE
    ),
]
StepSize = Annotated[
    str | None,
    typer.Option(
        help="Default: twice eps over the steps, at most eps; fast-at: 1.25 eps.",
        rich_help_panel=OBJECTIVE,
    ),
]
Half = Annotated[
    bool,
    typer.Option(
        "--half",
        help="pgd-at, segpgd-at: attack every other image only.",
        rich_help_panel=OBJECTIVE,
    ),
]
Weight = Annotated[
    float | None,
    typer.Option(
        help="Of the second term; default: 6 for trades, 0.5 for alp.", rich_help_panel=OBJECTIVE
    ),
]
Replays = Annotated[
    int | None,
    typer.Option(
        help="free-at: steps for which a batch is kept; default: 4.", rich_help_panel=OBJECTIVE
    ),
]
ClassRobustness = Annotated[
    Path | None,
    typer.Option(
        help="diagnosis.json of held-out data; classes that fall there weigh more.",
        exists=True,
        dir_okay=False,
        rich_help_panel=OBJECTIVE,
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        help="How much more: weights exp(-strength x robust accuracy); default: 1.",
        rich_help_panel=OBJECTIVE,
    ),
]
ValAttack = Annotated[
    str | None,
    typer.Option(
        help="Under which the best checkpoint is chosen, such as pgd-10; default: what is learned "
        "from, pgd-7 for free-at and fast-at, none for cross-entropy.",
        rich_help_panel=OBJECTIVE,
    ),
]

Steps = Annotated[int, typer.Option(help="Optimiser steps.", rich_help_panel=OPTIMISATION)]
BatchSize = Annotated[
    int, typer.Option(help="Images a step, of each process.", min=1, rich_help_panel=OPTIMISATION)
]
Accumulate = Annotated[
    int,
    typer.Option(
        help="Parts in which a step's images go through the network, to save memory.",
        rich_help_panel=OPTIMISATION,
    ),
]
Lr = Annotated[float, typer.Option(help="Highest learning rate.", rich_help_panel=OPTIMISATION)]
Schedule = Annotated[
    str,
    typer.Option(
        help="Learning rate: cosine, or steps (a tenth at each milestone).",
        rich_help_panel=OPTIMISATION,
    ),
]
Milestones = Annotated[
    str | None,
    typer.Option(
        help=f"Of --schedule steps, in shares of the steps; default: {_MILESTONES}.",
        rich_help_panel=OPTIMISATION,
    ),
]
Warmup = Annotated[
    float,
    typer.Option(
        help="Share of the steps over which the learning rate rises.", rich_help_panel=OPTIMISATION
    ),
]
EpsWarmup = Annotated[
    float,
    typer.Option(
        help="Share of the steps over which the radius of the attack that is learned from rises.",
        rich_help_panel=OPTIMISATION,
    ),
]
Ema = Annotated[
    float,
    typer.Option(
        help="Decay of a moving average of the weights, such as 0.999, which is validated and "
        "saved; 0: none.",
        rich_help_panel=OPTIMISATION,
    ),
]
Patience = Annotated[
    int,
    typer.Option(
        help="Stop after so many validations without a better score; 0: never.",
        rich_help_panel=OPTIMISATION,
    ),
]
ClassWeighting = Annotated[
    str,
    typer.Option(
        help="Rare classes weigh more: none, sqrt or median.", rich_help_panel=OPTIMISATION
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        help="Arithmetic of the network: float32, bfloat16 or float16.",
        rich_help_panel=OPTIMISATION,
    ),
]

Out = Annotated[
    Path,
    typer.Option(
        help="Folder of the run: last.pt, best.safetensors, log.csv, report.html.",
        rich_help_panel=RUN,
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in --out.", rich_help_panel=RUN)
]
ValidateEvery = Annotated[int, typer.Option(help="Steps between validations.", rich_help_panel=RUN)]
KeepEvery = Annotated[
    int,
    typer.Option(
        help="Steps between checkpoints that are kept on the way; 0: none.", rich_help_panel=RUN
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        help="Seed of weights, order, augmentation and random starts.",
        min=0,
        max=LARGEST_SEED,
        rich_help_panel=RUN,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, cuda:1, ...; auto takes CUDA if there is one, each process its own.",
        rich_help_panel=RUN,
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        help="Undefended model to compare with in the report; default: that of --init.",
        rich_help_panel=RUN,
    ),
]
ReportCount = Annotated[
    int | None,
    typer.Option(
        help="Validation images in the report; default: 50 label maps or 500 images of one class; "
        "0: no report.",
        min=0,
        rich_help_panel=RUN,
    ),
]
