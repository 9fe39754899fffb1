"""`art-segplugin train`: supervised training of the small net."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options
from art_segplugin.cli.console import output, progress_bar

EXAMPLES = """
[bold]Examples[/]: art-segplugin train --out runs/scenes |
art-segplugin train --data CamVid --scale 0.5 --steps 3000 --out runs/camvid |
art-segplugin train --out runs/scenes --resume
"""

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run: last.pt, best.safetensors.")],
    data: Annotated[str, typer.Option(help="'scenes', or a folder (CamVid, or train/ val/).")] = (
        "scenes"
    ),
    palette: Annotated[str | None, typer.Option(help="Classes of a plain folder.")] = None,
    scale: options.Scale = 1.0,
    count: Annotated[int | None, typer.Option(help="Training scenes or images.", min=1)] = None,
    val_count: Annotated[int | None, typer.Option(help="Validation ones.", min=1)] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 2000,
    batch_size: options.BatchSize = 8,
    crop: Annotated[
        str | None, typer.Option(help="Size of the training crops, HxW; default: the images'.")
    ] = None,
    zoom: Annotated[str, typer.Option(help="Range of random enlargement, LOW-HIGH.")] = "0.75-1.75",
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 3e-3,
    class_weighting: Annotated[str, typer.Option(help="none, sqrt or median.")] = "sqrt",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    seed: Annotated[int, typer.Option(help="Seed of weights, order and augmentation.")] = 0,
    validate_every: Annotated[int, typer.Option(help="Steps between validations.")] = 200,
    device: options.Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
) -> None:
    """Train the small segmentation net; an interrupted run goes on with --resume."""
    import torch

    from art_segplugin.data.catalog import known_palette, open_dataset
    from art_segplugin.models import CheckpointInfo, Segmenter, SmallSegNet
    from art_segplugin.training import TrainingOptions
    from art_segplugin.training import train as training_steps

    chosen = known_palette(palette)
    training = open_dataset(data, "train", count=count, scale=scale, palette=chosen)
    validation = open_dataset(data, "val", count=val_count, scale=scale, palette=chosen)
    classes = training.palette
    torch.manual_seed(seed)
    model = Segmenter(
        SmallSegNet(len(classes)),
        classes=len(classes),
        ignore_index=classes.ignore_index,
        mean=MEAN,
        std=STD,
    ).to(options.device(device))
    info = CheckpointInfo(
        architecture="small",
        options={"classes": len(classes)},
        classes=classes.classes,
        colours=classes.colours,
        data=f"{classes.name}: {len(training)} training and {len(validation)} validation images",
        command=shlex.join(["art-segplugin", *sys.argv[1:]]),
        mean=MEAN,
        std=STD,
    )
    run = TrainingOptions(
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        scale=options.span(zoom),
        crop=None if crop is None else options.size(crop),
        class_weighting=class_weighting,
        precision=precision,
        seed=seed,
        validate_every=validate_every,
    )
    best = None
    with progress_bar() as bar:
        task = bar.add_task("training", total=steps)
        for step in training_steps(model, training, validation, out, run, info=info, resume=resume):
            bar.update(task, completed=step.step, description=f"loss {step.loss:.3f}")
            best = step.best_miou
            if step.miou is not None:
                bar.console.print(
                    f"step {step.step}: loss {step.loss:.3f}, validation mIoU {100 * step.miou:.1f} %"
                )
    if best is None:
        output().print(f"The run in {out} is finished already.", markup=False)
    else:
        output().print(
            f"Best validation mIoU {100 * best:.1f} %: {out / 'best.safetensors'}", markup=False
        )
