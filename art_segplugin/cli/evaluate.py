"""`art-segplugin evaluate`: a data set and several attacks."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin evaluate --count 20 | art-segplugin evaluate --attack strong-300 |
art-segplugin evaluate --data CamVid --scale 0.5 --model runs/camvid/best.safetensors
--attack pgd-20 --attack segpgd-20 --eps 2/255 --eps 8/255 --seeds 3 |
art-segplugin evaluate --attack temperature-pgd-20 --temperature 0.1 --temperature 2
"""


def evaluate(
    model: options.Model = "small-scenes",
    data: options.Data = "scenes",
    labels: options.LabelFolder = None,
    label_suffix: options.LabelSuffix = None,
    split: options.Split = "val",
    palette: options.Palette = None,
    label_map: options.LabelMap = None,
    void: options.Void = None,
    reduce_zero_label: options.ReduceZero = None,
    labels_as: options.LabelsAs = None,
    unlabelled: Annotated[
        bool,
        typer.Option(
            "--unlabelled",
            help="Take images without a label map too, scored against the model's own clean "
            "prediction.",
        ),
    ] = False,
    count: options.Count = None,
    skip: options.Skip = 0,
    scale: options.Scale = 1.0,
    white: options.White = None,
    attack: options.Attacks = ["strong"],  # noqa: B006
    eps: Annotated[
        list[str] | None,
        typer.Option(help="Radius, images in [0, 1]; repeatable. Default: 8/255."),
    ] = None,
    temperature: options.Temperatures = None,
    step_size: options.StepSize = None,
    step_schedule: options.StepSchedule = None,
    steps: options.Steps = None,
    norm: options.Norm = "inf",
    restarts: options.Restarts = 1,
    preset: options.Preset = "default",
    seeds: Annotated[int, typer.Option(help="Runs of every attack: seeds 0, 1, ...", min=1)] = 1,
    batch_size: options.BatchSizeOrAuto = "4",
    fast: options.Fast = False,
    pictures: Annotated[int, typer.Option(help="Images to draw.", min=0)] = 4,
    device: options.Device = "auto",
    out: options.Out = Path("evaluation"),
    resume: options.Resume = False,
) -> None:
    """Score a model on clean and attacked images: accuracy, mIoU, MisRatio, IoU per class."""
    from art_segplugin.cli.evaluation import pixel_rule, run
    from art_segplugin.evaluation.class_names import palette_of
    from art_segplugin.models import load_model

    attacks = []
    if attack != ["none"]:
        attacks = options.attacks(
            attack,
            preset,
            norm=norm,
            radii=eps or [None],
            step_size=step_size,
            step_schedule=step_schedule,
            temperatures=temperature,
            steps=steps,
            restarts=restarts,
        )
    segmenter = load_model(model).to(options.device(device)).eval()
    classes = palette_of(segmenter, palette)
    rule, default_rule = options.label_rule(
        label_map, void, reduce_zero_label, labels_as, segmenter
    )
    samples, data_name = options.open_data(
        data,
        split,
        count=count,
        skip=skip,
        scale=scale,
        palette=classes,
        rule=rule,
        default_rule=default_rule,
        labels=labels,
        label_suffix=label_suffix,
        unlabelled=unlabelled,
        pixels=pixel_rule(segmenter, white),
    )
    run(
        segmenter,
        model,
        samples,
        data_name,
        attacks,
        out,
        seeds=range(seeds),
        batch_size=options.batch_size(batch_size),
        fast=fast,
        pictures=pictures,
        resume=resume,
    )
