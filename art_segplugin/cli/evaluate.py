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
        "pgd-20",
        "segpgd-20",
    ],
    eps: Annotated[list[str], typer.Option(help="Radius, images in [0, 1]; repeatable.")] = [  # noqa: B006
        "8/255"
    ],
    step_size: Annotated[
        str | None, typer.Option(help="Default: 2/255, or a quarter of eps where that is less.")
    ] = None,
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
    from art_segplugin.models import load_model

    attacks = []
    for radius in [None] if preset != "default" else [options.radius(text) for text in eps]:
        values = {} if radius is None else {"eps": radius, "step_size": min(2 / 255, radius / 4)}
        if step_size is not None:
            values["step_size"] = options.number(step_size)
        shared = {"steps": steps, "norm": options.norm(norm), "restarts": restarts}
        attacks += [named(name, preset, **shared, **values) for name in attack]
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
