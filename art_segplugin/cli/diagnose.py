"""`art-segplugin diagnose`: which classes fall first, into which others, and under which attack."""

from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options

EXAMPLES = """
[bold]Examples[/]: art-segplugin diagnose --count 20 |
art-segplugin diagnose --model runs/a/best.safetensors --model runs/b/best.safetensors --data CamVid
--scale 0.5 --background sky --background road |
art-segplugin diagnose --attack pgd-20 --attack temperature-pgd-20 --temperature 0.1 --eps 4/255
"""

TEMPERATURES = (0.1, 0.5, 2.0, 5.0)


def diagnose(
    model: Annotated[
        list[str],
        typer.Option(help=f"{options.MODEL_HELP} Repeat to compare several."),
    ] = ["small-scenes"],  # noqa: B006
    data: options.Data = "scenes",
    labels: options.LabelFolder = None,
    label_suffix: options.LabelSuffix = None,
    split: options.Split = "val",
    palette: options.Palette = None,
    label_map: options.LabelMap = None,
    void: options.Void = None,
    reduce_zero_label: options.ReduceZero = None,
    labels_as: options.LabelsAs = None,
    count: options.Count = None,
    skip: options.Skip = 0,
    scale: options.Scale = 1.0,
    white: options.White = None,
    attack: Annotated[
        list[str],
        typer.Option(help="Name or name-steps; the others are compared with the first."),
    ] = ["pgd-20", "temperature-pgd-20"],  # noqa: B006
    temperature: Annotated[
        list[float] | None,
        typer.Option(
            help="Of attacks that have one; repeat for several. Default: 0.1, 0.5, 2 and 5."
        ),
    ] = None,
    eps: options.Eps = None,
    step_size: options.StepSize = None,
    step_schedule: options.StepSchedule = None,
    steps: options.Steps = None,
    norm: options.Norm = "inf",
    restarts: options.Restarts = 1,
    preset: options.Preset = "default",
    seed: options.Seed = 0,
    batch_size: options.BatchSize = 4,
    background: Annotated[
        list[str] | None,
        typer.Option(help="Class that is no object, by name or index; repeat for several."),
    ] = None,
    small_objects: Annotated[
        float, typer.Option(help="Objects below this share of the image are small.")
    ] = 0.005,
    device: options.Device = "auto",
    out: options.Out = Path("diagnosis"),
    resume: options.Resume = False,
) -> None:
    """Show per-class robustness: what each class is taken for, and which attack hurts it most.

    Needs labels. Attacks are compared on the same images from the same random starts.
    """
    from art_segplugin.cli.diagnosis import Subject, regions_of, run
    from art_segplugin.cli.evaluation import pixel_rule
    from art_segplugin.errors import InputError
    from art_segplugin.evaluation.class_names import palette_of
    from art_segplugin.models import load_model

    names = list(dict.fromkeys(model))
    if len(names) < len(model):
        raise InputError("a model is named twice; name each once.")
    attacks = options.attacks(
        attack,
        preset,
        norm=norm,
        radii=[eps],
        step_size=step_size,
        step_schedule=step_schedule,
        temperatures=temperature,
        usual_temperatures=TEMPERATURES,
        steps=steps,
        restarts=restarts,
    )
    place = options.device(device)
    subjects = [Subject(name, load_model(name).to(place).eval()) for name in names]
    if reduce_zero_label is None:
        trained = {one.model.info is not None and one.model.info.reduce_labels for one in subjects}
        if len(trained) > 1:
            raise InputError(
                "some of the models were trained with 0 as void and others were not; say how these "
                "labels are stored with --reduce-zero-label or --no-reduce-zero-label."
            )
    rule, default_rule = options.label_rule(
        label_map, void, reduce_zero_label, labels_as, subjects[0].model
    )
    samples, data_name = options.open_data(
        data,
        split,
        count=count,
        skip=skip,
        scale=scale,
        palette=palette_of(subjects[0].model, palette),
        rule=rule,
        default_rule=default_rule,
        labels=labels,
        label_suffix=label_suffix,
        unlabelled=False,
        pixels=pixel_rule(subjects[0].model, white),
    )
    run(
        subjects,
        samples,
        data_name,
        attacks,
        regions_of(samples, background or (), small_objects),
        out,
        seed=seed,
        batch_size=batch_size,
        resume=resume,
    )
