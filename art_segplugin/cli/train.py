"""`art-segplugin train`: supervised or adversarial training of a small net."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from art_segplugin.cli import options
from art_segplugin.cli import training_options as given
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
_PATIENCE = 10.0  # seconds


@contextmanager
def _said_once() -> Iterator[None]:
    """Let the first process of a machine say what is wrong with the options of all of them."""
    try:
        yield
    except InputError:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            time.sleep(_PATIENCE)  # torchrun ends the others with the first one to fail
        raise


@_said_once()
def train(
    *,
    data: given.Data = "scenes",
    palette: given.Palette = None,
    scale: given.Scale = 1.0,
    count: given.Count = None,
    val_count: given.ValCount = None,
    crop: given.Crop = None,
    zoom: given.Zoom = "0.75-1.75",
    flip: given.Flip = None,
    network: given.Network = None,
    init: given.Init = None,
    he: given.He = False,
    he_scale: given.HeScale = None,
    he_margin: given.HeMargin = None,
    layer: given.Layer = None,
    objective: given.Objective = "cross-entropy",
    attack: given.Attack = None,
    eps: given.Eps = None,
    step_size: given.StepSize = None,
    half: given.Half = False,
    weight: given.Weight = None,
    replays: given.Replays = None,
    class_robustness: given.ClassRobustness = None,
    strength: given.Strength = None,
    val_attack: given.ValAttack = None,
    steps: given.Steps = 2000,
    batch_size: given.BatchSize = 8,
    accumulate: given.Accumulate = 1,
    lr: given.Lr = 3e-3,
    schedule: given.Schedule = "cosine",
    milestones: given.Milestones = None,
    warmup: given.Warmup = 0.1,
    eps_warmup: given.EpsWarmup = 0.0,
    ema: given.Ema = 0.0,
    patience: given.Patience = 0,
    class_weighting: given.ClassWeighting = "sqrt",
    precision: given.Precision = "float32",
    out: given.Out,
    resume: given.Resume = False,
    validate_every: given.ValidateEvery = 200,
    keep_every: given.KeepEvery = 0,
    seed: given.Seed = 0,
    device: given.Device = "auto",
    against: given.Against = None,
    report_count: given.ReportCount = None,
) -> None:
    """Train a small net, plainly or adversarially; an interrupted run goes on with --resume."""
    from art_segplugin.cli.hypersphere import HypersphereWords
    from art_segplugin.cli.objectives import ObjectiveWords
    from art_segplugin.cli.training_run import DataWords, Job, run
    from art_segplugin.training import TrainingOptions

    run(
        Job(
            out=out,
            data=DataWords(data, palette, scale, count, val_count),
            network=network,
            init=init,
            hypersphere=HypersphereWords(he, he_scale, he_margin, layer),
            objective=ObjectiveWords(
                objective,
                attack,
                eps,
                step_size,
                half,
                weight,
                replays,
                val_attack,
                class_robustness,
                strength,
            ),
            options=TrainingOptions(
                steps=steps,
                batch_size=batch_size,
                accumulate=accumulate,
                lr=lr,
                schedule=schedule,
                milestones=given.shares(milestones, schedule),
                warmup=warmup,
                eps_warmup=eps_warmup,
                ema=ema,
                patience=patience,
                scale=options.span(zoom),
                crop=None if crop is None else options.size(crop),
                flip=data != "digits" if flip is None else flip,
                class_weighting=class_weighting,
                precision=precision,
                seed=seed,
                validate_every=validate_every,
                keep_every=keep_every,
            ),
            device=device,
            resume=resume,
            against=against,
            report_count=report_count,
        )
    )
