"""`art-segplugin evaluate`: a data set and several attacks."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin evaluate --count 20 |
art-segplugin evaluate --data CamVid --scale 0.5 --model runs/camvid/best.safetensors
--attack pgd-20 --attack segpgd-20 --eps 2/255 --eps 8/255 --seeds 3
"""


def evaluate(
    model: options.Model = "small-scenes",
    data: Annotated[str, typer.Option(help="'scenes', or a folder (CamVid, or images).")] = (
        "scenes"
    ),
    split: Annotated[str, typer.Option(help="train, val or test.")] = "val",
    palette: Annotated[str | None, typer.Option(help="Classes of a plain folder.")] = None,
    count: Annotated[int | None, typer.Option(help="Number of images.", min=1)] = None,
    scale: options.Scale = 1.0,
    attack: Annotated[list[str], typer.Option(help="Name or name-steps; repeat for several.")] = [  # noqa: B006
        "fgsm",
        "segfgsm",
        "pgd",
        "segpgd",
    ],
    eps: Annotated[
        list[str] | None,
        typer.Option(help="Radius, images in [0, 1]; repeatable. Default: 8/255."),
    ] = None,
    step_size: options.StepSize = None,
    steps: options.Steps = 20,
    norm: options.Norm = "inf",
    restarts: options.Restarts = 1,
    preset: options.Preset = "default",
    seeds: Annotated[int, typer.Option(help="Runs of every attack: seeds 0, 1, ...", min=1)] = 1,
    batch_size: options.BatchSize = 4,
    pictures: Annotated[int, typer.Option(help="Images to draw.", min=0)] = 4,
    device: options.Device = "auto",
    out: options.Out = Path("evaluation"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
) -> None:
    """Score a model on clean and attacked images: accuracy, mIoU, MisRatio, IoU per class."""
    from art_segplugin.attacks import named
    from art_segplugin.cli.class_names import palette_of
    from art_segplugin.cli.evaluation import run
    from art_segplugin.data.catalog import open_dataset
    from art_segplugin.errors import InputError
    from art_segplugin.models import load_model

    radii: list[str | None] = [*eps] if eps else [None]
    attacks = [
        named(
            name,
            preset,
            steps=steps,
            restarts=restarts,
            **options.threat_model(norm, radius, step_size, preset),
        )
        for radius in radii
        for name in attack
    ]
    if any(one in attacks[:i] for i, one in enumerate(attacks)):
        raise InputError("an attack is named twice; name each once, or use --seeds for repeats.")
    segmenter = load_model(model).to(options.device(device)).eval()
    classes = palette_of(segmenter, palette)
    samples = open_dataset(data, split, count=count, scale=scale, palette=classes)
    run(
        segmenter,
        model,
        samples,
        f"{data} {split}, {len(samples)} images at scale {scale:g}",
        attacks,
        out,
        seeds=range(seeds),
        batch_size=batch_size,
        pictures=pictures,
        resume=resume,
    )
