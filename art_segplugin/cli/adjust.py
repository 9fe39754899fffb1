"""`art-segplugin adjust`: constants on the logits that spare the classes which fall first."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from art_segplugin.cli import options
from art_segplugin.cli.console import output, progress_bar

if TYPE_CHECKING:
    from torch import Tensor

    from art_segplugin.data.palettes import Palette
    from art_segplugin.report.fitted import FittedTable
    from art_segplugin.training.adjustment import AdjustmentRound

EXAMPLES = """
[bold]Examples[/]: art-segplugin adjust --model runs/at/best.safetensors --data cifar10
--attack pgd-20 --count 2000 --out runs/adjusted.safetensors
"""


def adjust(
    out: Annotated[Path, typer.Option(help="Checkpoint to write (.safetensors).")],
    model: options.Model = "small-scenes",
    data: options.Data = "scenes",
    labels: options.LabelFolder = None,
    label_suffix: options.LabelSuffix = None,
    split: Annotated[str, typer.Option(help="Held-out data: train, val or test.")] = "val",
    palette: options.Palette = None,
    label_map: options.LabelMap = None,
    void: options.Void = None,
    reduce_zero_label: options.ReduceZero = None,
    labels_as: options.LabelsAs = None,
    count: options.Count = None,
    scale: options.Scale = 1.0,
    white: options.White = None,
    attack: Annotated[str, typer.Option(help="What the classes shall withstand.")] = "pgd-20",
    eps: options.Eps = None,
    step_size: options.StepSize = None,
    step_schedule: options.StepSchedule = None,
    norm: options.Norm = "inf",
    strength: Annotated[
        float, typer.Option(help="How much the weakest class counts; large: it alone.")
    ] = 10.0,
    rounds: Annotated[int, typer.Option(help="Searches, each answered by a new attack.")] = 3,
    seed: options.Seed = 0,
    batch_size: options.BatchSize = 8,
    device: options.Device = "auto",
) -> None:
    """Fit per-class logit offsets on held-out data under attack, and write the adjusted checkpoint.

    Weak classes gain what others lose: judge both by `art-segplugin diagnose` on other data.
    """
    from art_segplugin.attacks import named
    from art_segplugin.cli.evaluation import command, pixel_rule
    from art_segplugin.cli.training import load_own
    from art_segplugin.errors import InputError
    from art_segplugin.evaluation.class_names import palette_of, reported_palette
    from art_segplugin.heads import add_to_logits, hypersphere_head
    from art_segplugin.models import save_checkpoint
    from art_segplugin.training.adjustment import fit_offsets

    if out.exists():
        raise InputError(f"{out} exists already; choose another file.")
    named_attack = named(attack, **options.threat_model(norm, eps, step_size, step_schedule))
    net, earlier = load_own(model)
    if hypersphere_head(net) is not None:
        raise InputError(
            f"{model} has a hypersphere head, which has no bias to put offsets into; adjust a model "
            "with an ordinary last layer."
        )
    net = net.to(options.device(device)).eval()
    rule, default_rule = options.label_rule(label_map, void, reduce_zero_label, labels_as, net)
    held_out, _ = options.open_data(
        data,
        split,
        count=count,
        scale=scale,
        palette=palette_of(net, palette),
        rule=rule,
        default_rule=default_rule,
        labels=labels,
        label_suffix=label_suffix,
        unlabelled=False,
        pixels=pixel_rule(net, white),
    )
    classes = reported_palette(net, held_out.palette)
    states = fit_offsets(
        net,
        held_out,
        named_attack.build(ignore_index=net.ignore_index),
        strength=strength,
        rounds=rounds,
        batch_size=batch_size,
        seed=seed,
    )
    found: list[AdjustmentRound] = []
    with progress_bar() as bar:
        task = bar.add_task(f"{named_attack.name} on the model as it is", total=rounds + 1)
        for state in states:
            found.append(state)
            text = f"weakest class {100 * state.accuracy[~state.accuracy.isnan()].min():.1f} %"
            bar.update(task, completed=state.round + 1, description=text)
    best = max(found, key=lambda state: state.soft_minimum)
    add_to_logits(net, best.offsets)
    training = {**earlier.training, "logit_offsets": best.offsets.tolist()}
    info = replace(earlier, command=command(), training=training, scores={}, version="")
    save_checkpoint(out, net, info)
    output().print(_table(classes, found[0].accuracy, best, named_attack.name))
    if best.round == 0:
        output().print("No offsets helped: what is written is the model as it was.")
    output().print(f"Adjusted model: {out}", markup=False)


def _table(
    classes: "Palette", before: "Tensor", best: "AdjustmentRound", attack: str
) -> "FittedTable":
    from art_segplugin.report.tables import table

    columns = zip(
        classes.classes, before.tolist(), best.accuracy.tolist(), best.offsets.tolist(), strict=True
    )
    return table(
        f"Class accuracy under {attack} on the data of the fit [%]",
        ["class", "before", "adjusted", "offset"],
        [[name, f"{100 * a:.1f}", f"{100 * b:.1f}", f"{c:+.2f}"] for name, a, b, c in columns],
    )
