"""The one training loop, as a generator of states."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from art_segplugin.core.iterate import Attack
from art_segplugin.core.types import Images, Labels
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.models.checkpoint import save_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.batches import Batch, BatchMaker
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.randomness import derived_generator, derived_seed
from art_segplugin.training.schedules import warmup_cosine
from art_segplugin.training.state import Progress, describe_run, load_state, save_state
from art_segplugin.training.supervised import CrossEntropy, class_weights
from art_segplugin.training.validation import validation_scores

STATE_FILE = "last.pt"
BEST_FILE = "best.safetensors"


class Objective(Protocol):
    """What a step minimises; adversarial trainings differ in this alone."""

    @property
    def name(self) -> str:
        """Name under which a run is recorded; another name refuses to resume it."""
        ...

    @property
    def attack(self) -> Attack | None:
        """What the best checkpoint shall withstand; None chooses it by its clean score."""
        ...

    def __call__(
        self, model: Segmenter, images: Images, labels: Labels, generator: Generator, /
    ) -> Tensor:
        """Return the scalar loss of one batch; all random numbers come from ``generator``."""
        ...


ObjectiveMaker = Callable[[Tensor | None], Objective]
"""Class weights (c,), or None -> the objective that uses them."""


@dataclass(frozen=True)
class TrainingStep:
    """One finished step.

    Attributes:
        step: Steps done, from 1 to ``steps``.
        steps: Steps of the whole run.
        loss: Loss of this step's batch, before the update.
        lr: Learning rate of this step.
        scores: At steps that validate, the validation scores in 0..1 by name, see
            `art_segplugin.training.validation`; else None. The last one chooses the best checkpoint.
        best: Best such score so far, None before the first.
    """

    step: int
    steps: int
    loss: float
    lr: float
    scores: Mapping[str, float] | None = None
    best: float | None = None


def train(
    model: Segmenter,
    training: Dataset,
    validation: Dataset,
    directory: str | Path,
    options: TrainingOptions,
    *,
    info: CheckpointInfo,
    objective: ObjectiveMaker | None = None,
    resume: bool = False,
) -> Iterator[TrainingStep]:
    """Train a model, one yielded state per step; stop by leaving the loop.

    The directory receives ``last.pt``, from which an interrupted run goes on to the identical result
    (on the CPU bit for bit), and ``best.safetensors``, the checkpoint of the best validation score:
    mIoU, or the accuracy of a classifier, under the objective's attack if it has one. Data order, augmentation and random layers depend on the seed and the step only.

    Args:
        model: What is trained, on the device where it shall be trained.
        training: Labelled samples to learn from.
        validation: Labelled samples to choose the best checkpoint by.
        directory: Folder of this run.
        options: Options of this run.
        info: Description that goes into the checkpoint; normalisation, training options and scores
            are filled in.
        objective: Makes what is minimised from the class weights, which ``options.class_weighting``
            chose and which are None for none; None is `CrossEntropy`.
        resume: Go on from ``last.pt`` where there is one.

    Returns:
        Generator of the steps that are still to be done: none where the run is finished.

    Raises:
        InputError: The data sets are empty or name other classes than ``info``, there is nothing to
            train, or the directory holds a run and ``resume`` is False. While iterating: the saved
            run had other options or data, samples lack labels, the validation data have void pixels
            only, or the loss is not finite.
    """
    for name, dataset in (("training", training), ("validation", validation)):
        if len(dataset) == 0:
            raise InputError(f"the {name} data set is empty.")
        if tuple(dataset.palette.classes) != tuple(info.classes):
            raise InputError(
                f"the {name} data have the classes {', '.join(dataset.palette.classes)}, "
                f"not those of the model: {', '.join(info.classes)}."
            )
        if dataset.palette.ignore_index != model.ignore_index:
            raise InputError(
                f"void is {dataset.palette.ignore_index} in the {name} data and "
                f"{model.ignore_index} in the model: set Segmenter(ignore_index=...)."
            )
    if model.classes != len(info.classes):
        raise InputError(
            f"the model is said to have {model.classes} classes and the data have "
            f"{len(info.classes)}: set Segmenter(classes={len(info.classes)})."
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError("the model has no parameters to train.")
    state = Path(directory) / STATE_FILE
    if state.exists() and not resume:
        raise InputError(f"{state.parent} holds a run already: resume it or choose another folder.")
    info = replace(model.describe(info), training=asdict(options))
    make_objective = objective or partial(CrossEntropy, model.ignore_index)
    return _steps(model, training, validation, state, options, info, make_objective)


def _steps(
    model: Segmenter,
    training: Dataset,
    validation: Dataset,
    state: Path,
    options: TrainingOptions,
    info: CheckpointInfo,
    make_objective: ObjectiveMaker,
) -> Iterator[TrainingStep]:
    train_samples = SampleCache(training, options.cache_bytes)
    val_samples = SampleCache(validation, options.cache_bytes)
    optimiser = _optimiser(model, options)
    # One thread makes all samples: a renderer's graphics context belongs to the thread it began in.
    with ThreadPoolExecutor(1, thread_name_prefix="samples") as maker:
        weights = maker.submit(class_weights, train_samples, options.class_weighting).result()
        objective = make_objective(weights)
        run = maker.submit(
            describe_run, options, objective.name, info, train_samples, val_samples
        ).result()
        progress = load_state(state, run, model, optimiser) if state.exists() else Progress()
        batches = BatchMaker(train_samples, options).batches(progress.step, maker)
        for step, batch in enumerate(batches, start=progress.step):
            lr = warmup_cosine(step, options.steps, options.lr, options.warmup)
            loss = _update(model, optimiser, objective, batch, lr, options, step)
            done, scores, best = step + 1, None, progress.best
            if done == options.steps or done % options.validate_every == 0:
                scores = validation_scores(
                    model, val_samples, maker, options.batch_size, objective.attack
                )
                score = tuple(
                    reversed(scores.values())
                )  # of equal robust ones the better clean one
                if best is None or score > best:
                    best = score
                    described = replace(info, scores={**info.scores, **scores})
                    save_checkpoint(state.with_name(BEST_FILE), model, described)
            progress = Progress(done, best)
            if scores is not None or done % options.save_every == 0:
                save_state(state, run, progress, model, optimiser)
            yield TrainingStep(done, options.steps, loss, lr, scores, best[0] if best else None)


def _update(
    model: Segmenter,
    optimiser: torch.optim.Optimizer,
    objective: Objective,
    batch: Batch,
    lr: float,
    options: TrainingOptions,
    step: int,
) -> float:
    """Make one optimiser step and return the loss before it."""
    device = next(model.parameters()).device
    images, labels = (tensor.to(device, non_blocking=True) for tensor in batch)
    for group in optimiser.param_groups:
        group["lr"] = lr
    model.train()
    # Layers such as dropout draw from torch's global generator, which belongs to the caller.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(derived_seed(options.seed, "layers", step))
        generator = derived_generator(options.seed, "objective", step)
        half = options.precision == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            loss = objective(model, images, labels, generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
    value = loss.item()
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"the loss is {value} at step {step + 1}: lower lr (now {lr:.3g}).")
    optimiser.step()
    return value


def _optimiser(model: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW that spares biases and normalisation layers from weight decay."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=options.lr)
