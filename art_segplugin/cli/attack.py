"""`art-segplugin attack`: pictures and videos in, adversarial ones out."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin attack street.png --out attacked |
art-segplugin attack photos/ drive.mp4 --attack cospgd-40 --eps 4/255 --step-schedule cosine |
art-segplugin attack street.png --target sky --float |
art-segplugin attack street.png --from car --target vegetation --keep
"""


def attack(
    inputs: Annotated[list[Path], typer.Argument(help="Images, folders of images, videos.")],
    model: options.Model = "small-scenes",
    attack: Annotated[
        str | None,
        typer.Option(
            help="Name or name-steps; see `attacks`. Default: segpgd; with --keep keep-pgd-50."
        ),
    ] = None,
    eps: options.Eps = None,
    step_size: options.StepSize = None,
    step_schedule: options.StepSchedule = None,
    steps: options.Steps = None,
    norm: options.Norm = "inf",
    restarts: options.Restarts = 1,
    preset: options.Preset = "default",
    target: Annotated[
        str | None,
        typer.Option(
            help="Class, by name or index, that all pixels, or those of --from, shall become. The "
            "table then has `reached`, the share of them that did, and `collateral`, the share of the "
            "other pixels predicted as another class than before; both by the clean prediction."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Class, by name or index, whose pixels alone are attacked."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Keep the prediction as it is for all pixels but those predicted as --from.",
        ),
    ] = False,
    palette: options.Palette = None,
    labels: options.LabelFolder = None,
    label_suffix: options.LabelSuffix = None,
    label_map: options.LabelMap = None,
    void: options.Void = None,
    reduce_zero_label: options.ReduceZero = None,
    labels_as: options.LabelsAs = None,
    scale: options.Scale = 1.0,
    white: options.White = None,
    frames: Annotated[int | None, typer.Option(help="First frames of each video.", min=1)] = None,
    video_format: Annotated[
        str, typer.Option(help="mkv (FFV1, exact); mp4 or webm (lossy: not for re-evaluation).")
    ] = "mkv",
    save_float: Annotated[
        bool,
        typer.Option("--float", help="Also save exact values: NAME.npy, float32 (channels, h, w)."),
    ] = False,
    seed: options.Seed = 0,
    fast: options.Fast = False,
    device: options.Device = "auto",
    out: options.Out = Path("attacked"),
) -> None:
    """Attack images, folders and videos; what is written is what is scored.

    Label PNGs beside the images are found. Without labels the model's own clean prediction is
    attacked, and the output says so.
    """
    from art_segplugin.attacks import named
    from art_segplugin.cli.attack_files import FileAttack, attack_files
    from art_segplugin.cli.evaluation import pixel_rule
    from art_segplugin.data.video import check_video_suffix
    from art_segplugin.errors import InputError
    from art_segplugin.evaluation.class_names import class_index, palette_of
    from art_segplugin.evaluation.pipeline import Goal
    from art_segplugin.models import load_model

    if keep and (source is None or target is None):
        raise InputError("--keep keeps what is not of a class; give --from and --target with it.")
    name = attack or ("keep-pgd-50" if keep else "segpgd")
    values = options.threat_model(
        norm, eps, step_size, step_schedule, radius=options.has_radius(name)
    )
    if steps is not None:
        values["steps"] = steps
    chosen = named(name, preset, targeted=target is not None, restarts=restarts, **values)
    segmenter = load_model(model).to(options.device(device)).eval()
    classes = palette_of(segmenter, palette)
    goal = Goal(
        None if source is None else class_index(source, classes, "from"),
        None if target is None else class_index(target, classes),
        keep,
    )
    check_video_suffix(f".{video_format}")
    rule, default_rule = options.label_rule(
        label_map, void, reduce_zero_label, labels_as, segmenter
    )
    job = FileAttack(
        segmenter,
        palette,
        chosen,
        goal,
        seed,
        out,
        save_float,
        f".{video_format}",
        frames,
        scale,
        pixel_rule(segmenter, white),
        rule=rule,
        default_rule=default_rule,
        labels=labels,
        label_suffix=label_suffix,
        fast=fast,
    )
    attack_files(job, inputs, model)
