"""`art-segplugin train`: supervised or adversarial training of a small net."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli.options import (
    DATA_HELP,
    DATA_NAMES,
    LABEL_MAP_HELP,
    LABEL_SUFFIX_HELP,
    LABELS_AS_HELP,
    LABELS_HELP,
    LARGEST_SEED,
    PALETTE_HELP,
    REDUCE_HELP,
    VOID_HELP,
    WHITE_HELP,
    command,
)
from art_segplugin.errors import InputError

EXAMPLES = """
[bold]Examples[/]: art-segplugin train --out runs/scenes |
art-segplugin train --data CamVid --scale 0.5 --steps 3000 --out runs/camvid |
art-segplugin train --data CamVid --scale 0.5 --objective segpgd-at --eps 0.03 --he
--init runs/camvid/best.safetensors --out runs/camvid-robust |
art-segplugin train --data cifar10 --objective trades --attack pgd-10 --val-attack pgd-20
--schedule steps --ema 0.999 --patience 10 --batch-size 128 --out runs/trades |
art-segplugin train --data cifar10 --objective free-at --he --batch-size 128 --out runs/free |
art-segplugin train --out runs/scenes --resume |
torchrun --nproc-per-node 2 -m art_segplugin train --objective pgd-at --out runs/two
"""
MILESTONES = "0.5,0.75"

_data = partial(typer.Option, rich_help_panel="Data")
_network = partial(typer.Option, rich_help_panel="Network")
_objective = partial(typer.Option, rich_help_panel="Objective")
_optimisation = partial(typer.Option, rich_help_panel="Optimisation")
_run = partial(typer.Option, rich_help_panel="Run")


@dataclass(frozen=True, kw_only=True)
class TrainArgs:
    """The options of `train` as they were typed, in the order of its help.

    Those that `art_segplugin.training.TrainingOptions` has too go by its names and have its defaults.
    """

    data: Annotated[str, _data(*DATA_NAMES, help=DATA_HELP)] = "scenes"
    labels: Annotated[Path | None, _data(help=LABELS_HELP)] = None
    label_suffix: Annotated[str | None, _data(help=LABEL_SUFFIX_HELP)] = None
    split: Annotated[
        str, _data(help="Training images: train, or a split of the data set's own, train_aug.")
    ] = "train"
    palette: Annotated[str | None, _data(help=PALETTE_HELP)] = None
    label_map: Annotated[str | None, _data(help=LABEL_MAP_HELP)] = None
    void: Annotated[list[int] | None, _data(help=VOID_HELP)] = None
    reduce_zero_label: Annotated[
        bool | None, _data("--reduce-zero-label/--no-reduce-zero-label", help=REDUCE_HELP)
    ] = None
    labels_as: Annotated[str | None, _data(help=LABELS_AS_HELP)] = None
    scale: Annotated[float, _data(help="Factor on the size of the images.", min=0.01, max=4.0)] = (
        1.0
    )
    white: Annotated[float | None, _data(help=WHITE_HELP)] = None
    count: Annotated[int | None, _data(help="Training scenes or images.", min=1)] = None
    val_count: Annotated[int | None, _data(help="Validation scenes or images.", min=1)] = None
    crop: Annotated[
        str | None, _data(help="Size of the training crops, HxW; default: the images'.")
    ] = None
    zoom: Annotated[str, _data(help="Range of random enlargement, LOW-HIGH.")] = "0.75-1.75"
    flip: Annotated[
        bool | None, _data(help="Mirror half of the images; default: unless they are digits.")
    ] = None

    network: Annotated[
        str | None,
        _network(
            help="small or small:width=48 for label maps, resnet or "
            "resnet:width=64,blocks=2,stem_stride=1 for images of one class."
        ),
    ] = None
    init: Annotated[
        str | None, _network(help="Start from these weights: a shipped name or a checkpoint.")
    ] = None
    he: Annotated[
        bool,
        _network(
            "--he",
            help="Hypersphere embedding: the last layer gives cosines, learned with a margin.",
        ),
    ] = False
    he_scale: Annotated[
        float | None,
        _network(help="Logits are the cosines times this; default: 15 (alp: 20, free-at: 10)."),
    ] = None
    he_margin: Annotated[
        float | None,
        _network(
            help="What the true class's cosine must lead by in the loss; default: 0.2 (alp: 0.3)."
        ),
    ] = None
    layer: Annotated[
        str | None, _network(help="Name of the last layer, where --he cannot find it.")
    ] = None

    objective: Annotated[
        str, _objective(help="cross-entropy, pgd-at, segpgd-at, alp, trades, free-at or fast-at.")
    ] = "cross-entropy"
    attack: Annotated[
        str | None,
        _objective(help="What to learn from, name-steps; default: pgd-7, of segpgd-at segpgd-7."),
    ] = None
    eps: Annotated[
        str | None, _objective(help="Radius, images in [0, 1]: 8/255 (default) or 0.03.")
    ] = None
    step_size: Annotated[
        str | None,
        _objective(help="Default: twice eps over the steps, at most eps; fast-at: 1.25 eps."),
    ] = None
    half: Annotated[
        bool, _objective("--half", help="pgd-at, segpgd-at: attack every other image only.")
    ] = False
    weight: Annotated[
        float | None, _objective(help="Of the second term; default: 6 for trades, 0.5 for alp.")
    ] = None
    replays: Annotated[
        int | None, _objective(help="free-at: steps for which a batch is kept; default: 4.")
    ] = None
    class_robustness: Annotated[
        Path | None,
        _objective(
            help="diagnosis.json of held-out data; classes of low robust accuracy weigh more.",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    strength: Annotated[
        float | None,
        _objective(help="How much more: weights exp(-strength x robust accuracy); default: 1."),
    ] = None
    val_attack: Annotated[
        str | None,
        _objective(
            help="Under which the best checkpoint is chosen, such as pgd-10; default: what is "
            "learned from, pgd-7 for free-at and fast-at, none for cross-entropy."
        ),
    ] = None

    steps: Annotated[int, _optimisation(help="Optimiser steps.")] = 2000
    batch_size: Annotated[int, _optimisation(help="Images a step, of each process.", min=1)] = 8
    accumulate: Annotated[
        int,
        _optimisation(
            help="Parts in which a step's images go through the network, to save memory."
        ),
    ] = 1
    lr: Annotated[float, _optimisation(help="Highest learning rate.")] = 3e-3
    schedule: Annotated[
        str, _optimisation(help="Learning rate: cosine, or steps (a tenth at each milestone).")
    ] = "cosine"
    milestones: Annotated[
        str | None,
        _optimisation(help=f"Of --schedule steps, in shares of the steps; default: {MILESTONES}."),
    ] = None
    warmup: Annotated[
        float, _optimisation(help="Share of the steps over which the learning rate rises.")
    ] = 0.1
    eps_warmup: Annotated[
        float,
        _optimisation(
            help="Share of the steps over which the radius of the attack that is learned from "
            "rises."
        ),
    ] = 0.0
    ema: Annotated[
        float,
        _optimisation(
            help="Decay of a moving average of the weights, such as 0.999, which is validated and "
            "saved; 0: none."
        ),
    ] = 0.0
    patience: Annotated[
        int,
        _optimisation(help="Stop after so many validations without a better score; 0: never."),
    ] = 0
    class_weighting: Annotated[
        str, _optimisation(help="Rare classes weigh more: none, sqrt or median.")
    ] = "sqrt"
    precision: Annotated[
        str, _optimisation(help="Arithmetic of the network: float32, bfloat16 or float16.")
    ] = "float32"

    out: Annotated[
        Path, _run(help="Folder of the run: last.pt, best.safetensors, log.csv, report.html.")
    ]
    resume: Annotated[bool, _run("--resume", help="Resume the run in --out.")] = False
    validate_every: Annotated[int, _run(help="Steps between validations.")] = 200
    keep_every: Annotated[
        int, _run(help="Steps between checkpoints that are kept on the way; 0: none.")
    ] = 0
    seed: Annotated[
        int,
        _run(
            help="Seed of weights, order, augmentation and random starts.",
            min=0,
            max=LARGEST_SEED,
        ),
    ] = 0
    device: Annotated[
        str,
        _run(help="cpu, cuda, cuda:1, ...; auto takes CUDA if there is one, each process its own."),
    ] = "auto"
    against: Annotated[
        str | None,
        _run(help="Undefended model to compare with in the report; default: that of --init."),
    ] = None
    report_count: Annotated[
        int | None,
        _run(
            help="Validation images in the report; default: 50 label maps or 500 images of one "
            "class; 0: no report.",
            min=0,
        ),
    ] = None


@command(TrainArgs)
def train(args: TrainArgs) -> None:
    """Train a small net, plainly or adversarially; resume an interrupted run with --resume."""
    with _reported_once():
        from art_segplugin.cli.training import run

        run(args)


_PATIENCE = 10.0  # seconds


@contextmanager
def _reported_once() -> Iterator[None]:
    """Let the first process of a machine say what is wrong with the options of all of them."""
    try:
        yield
    except InputError:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            time.sleep(_PATIENCE)  # torchrun ends the others with the first one to fail
        raise
