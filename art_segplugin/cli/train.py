"""`art-segplugin train`: supervised or adversarial training of a small net."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from art_segplugin.cli import options
from art_segplugin.cli.console import output, progress_bar

EXAMPLES = """
[bold]Examples[/]: art-segplugin train --out runs/scenes |
art-segplugin train --data CamVid --scale 0.5 --steps 3000 --out runs/camvid |
art-segplugin train --data cifar10 --steps 3000 --batch-size 128 --zoom 0.85-1.15 --out runs/plain |
art-segplugin train --data cifar10 --objective pgd-at --attack pgd-7 --batch-size 128 --out runs/at |
art-segplugin train --out runs/scenes --resume
"""

NAMES = {
    "miou": "mIoU",
    "accuracy": "accuracy",
    "robust_miou": "mIoU under attack",
    "robust_accuracy": "accuracy under attack",
}


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run: last.pt, best.safetensors.")],
    data: options.Data = "scenes",
    palette: options.Palette = None,
    scale: options.Scale = 1.0,
    count: Annotated[int | None, typer.Option(help="Training scenes or images.", min=1)] = None,
    val_count: Annotated[int | None, typer.Option(help="Validation ones.", min=1)] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="small or small:width=48 for label maps, resnet or "
            "resnet:width=64,blocks=2,stem_stride=1 for images of one class."
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="Start from these weights: a shipped name or a checkpoint.")
    ] = None,
    objective: Annotated[str, typer.Option(help="cross-entropy or pgd-at.")] = "cross-entropy",
    attack: Annotated[
        str | None, typer.Option(help="pgd-at: the attack, name-steps; default: pgd-7.")
    ] = None,
    eps: options.Eps = None,
    step_size: Annotated[
        str | None, typer.Option(help="pgd-at; default: twice eps over the steps, at most eps.")
    ] = None,
    class_robustness: Annotated[
        Path | None,
        typer.Option(
            help="pgd-at: diagnosis.json of held-out data; classes that fall there weigh more."
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(help="How much more: weights exp(-strength x robust accuracy); default: 1."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 2000,
    batch_size: options.BatchSize = 8,
    crop: Annotated[
        str | None, typer.Option(help="Size of the training crops, HxW; default: the images'.")
    ] = None,
    zoom: Annotated[str, typer.Option(help="Range of random enlargement, LOW-HIGH.")] = "0.75-1.75",
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 3e-3,
    flip: Annotated[
        bool | None,
        typer.Option(help="Mirror half of the images; default: unless they are digits."),
    ] = None,
    class_weighting: Annotated[str, typer.Option(help="none, sqrt or median.")] = "sqrt",
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
    seed: Annotated[
        int,
        typer.Option(
            help="Seed of weights, order and augmentation.", min=0, max=options.LARGEST_SEED
        ),
    ] = 0,
    validate_every: Annotated[int, typer.Option(help="Steps between validations.")] = 200,
    device: options.Device = "auto",
    resume: options.Resume = False,
) -> None:
    """Train a small net, plainly or adversarially; an interrupted run goes on with --resume."""
    import torch

    from art_segplugin.cli.class_robustness import measured_weights
    from art_segplugin.cli.objectives import make_objective
    from art_segplugin.cli.training_start import start
    from art_segplugin.data.catalog import known_palette, open_dataset
    from art_segplugin.errors import InputError
    from art_segplugin.training import TrainingOptions
    from art_segplugin.training import train as training_steps

    chosen = known_palette(palette)
    training = open_dataset(data, "train", count=count, scale=scale, palette=chosen)
    validation = open_dataset(data, "val", count=val_count, scale=scale, palette=chosen)
    torch.manual_seed(seed)
    model, info = start(network, init, training, len(validation))
    run = TrainingOptions(
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        scale=options.span(zoom),
        crop=None if crop is None else options.size(crop),
        flip=data != "digits" if flip is None else flip,
        class_weighting=class_weighting,
        precision=precision,
        seed=seed,
        validate_every=validate_every,
    )
    measured = None
    if class_robustness is not None:
        strength = 1.0 if strength is None else strength
        measured = measured_weights(class_robustness, info.classes, strength)
    elif strength is not None:
        raise InputError("strength is that of --class-robustness; give a diagnosis.json too.")
    make = make_objective(objective, attack, eps, step_size, info.ignore_index, measured)
    best = None
    with progress_bar() as bar:
        task = bar.add_task("training", total=steps)
        for step in training_steps(
            model.to(options.device(device)),
            training,
            validation,
            out,
            run,
            info=info,
            objective=make,
            resume=resume,
        ):
            bar.update(task, completed=step.step, description=f"loss {step.loss:.3f}")
            if step.scores is not None:
                best = step
                bar.console.print(
                    f"step {step.step}: loss {step.loss:.3f}, validation {_text(step.scores)}"
                )
    if best is None or best.best is None or best.scores is None:
        output().print(f"The run in {out} is finished already.", markup=False)
    else:
        name = NAMES[list(best.scores)[-1]]
        output().print(
            f"Best validation {name} {100 * best.best:.1f} %: {out / 'best.safetensors'}",
            markup=False,
        )


def _text(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{NAMES[name]} {100 * score:.1f} %" for name, score in scores.items())
