"""The one training loop, as a generator of states."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from art_segplugin.attacks import NamedAttack
from art_segplugin.data.sample import Dataset
from art_segplugin.distributed import ONE_PROCESS, Processes
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head
from art_segplugin.models.checkpoint import save_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.batches import BatchMaker
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.class_weights import class_weights
from art_segplugin.training.cross_entropy import WeightedCrossEntropy
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import Objective
from art_segplugin.training.optimisation import Optimisation
from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.schedules import attack_strength, learning_rate
from art_segplugin.training.state import Progress, describe_run, load_state, save_state
from art_segplugin.training.supervised import Supervised
from art_segplugin.training.validation import validation_scores

STATE_FILE = "last.pt"
BEST_FILE = "best.safetensors"
KEPT_FILE = "step-{:06}.safetensors"


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
        strength: Share of the full radius that attacks had at this step.
        scores: At steps that validate, the validation scores in 0..1 by name, see
            `art_segplugin.training.validation`; else None. The last one chooses the best checkpoint.
        best: Best such score so far, None before the first.
    """

    step: int
    steps: int
    loss: float
    lr: float
    strength: float = 1.0
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
    withstand: NamedAttack | None = None,
    resume: bool = False,
    processes: Processes = ONE_PROCESS,
) -> Iterator[TrainingStep]:
    """Train a model, one yielded state per step; stop by leaving the loop.

    The directory receives ``last.pt``, from which an interrupted run goes on to the identical result
    (on the CPU bit for bit), and ``best.safetensors``, the checkpoint of the best validation score:
    mIoU, or the accuracy of a classifier, under the attack that it shall withstand. Data order,
    augmentation and random starts depend on the seed and the step only; random layers also on how the
    images of a step are shared among processes and cut into parts. With several processes each calls
    this and begins with the weights of the first, which writes the files, in a folder that all see.

    Args:
        model: What is trained, on the device where it shall be trained.
        training: Labelled samples to learn from.
        validation: Labelled samples to choose the best checkpoint by.
        directory: Folder of this run.
        options: Options of this run.
        info: Description that goes into the checkpoint; normalisation, training options and scores
            are filled in.
        objective: Makes what is minimised from the class weights, which ``options.class_weighting``
            chose and which are None for none; None is `Supervised`, without a margin.
        withstand: Attack under which the best checkpoint is chosen; None chooses by the clean score.
        resume: Go on from ``last.pt`` where there is one.
        processes: Those that train together, see `art_segplugin.distributed`.

    Returns:
        Generator of the steps that are still to be done: none where the run is finished or has run
        out of patience.

    Raises:
        InputError: The data sets are empty or name other classes than ``info``, there is nothing to
            train, ``withstand`` has restarts, or the directory holds a run and ``resume`` is False.
            While iterating: the saved run had other options or data, the objective fits neither the
            head nor the number of images, samples lack labels, all pixels are void, or the loss or
            its gradients are not finite.
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
    if withstand is not None:
        InnerAttack(withstand, model.ignore_index)  # refuses it before the first validation
    state = Path(directory) / STATE_FILE
    if state.exists() and not resume:
        raise InputError(f"{state.parent} holds a run already: resume it or choose another folder.")
    info = replace(model.describe(info), training=asdict(options))
    run = _Run(training, validation, state, options, info, withstand, processes)
    return _steps(model, run, objective or _supervised(model))


def _supervised(model: Segmenter) -> ObjectiveMaker:
    head = hypersphere_head(model)
    scale = 1.0 if head is None else head.scale
    return lambda weights: Supervised(WeightedCrossEntropy(model.ignore_index, weights, scale))


@dataclass(frozen=True)
class _Run:
    """Everything that does not change during a run."""

    training: Dataset
    validation: Dataset
    state: Path
    options: TrainingOptions
    info: CheckpointInfo
    withstand: NamedAttack | None
    processes: Processes


def _steps(model: Segmenter, run: _Run, make_objective: ObjectiveMaker) -> Iterator[TrainingStep]:
    options, processes = run.options, run.processes
    train_samples = SampleCache(run.training, options.cache_bytes)
    val_samples = SampleCache(run.validation, options.cache_bytes)
    first_process = processes.rank == 0
    # One thread makes all samples: a renderer's graphics context belongs to the thread it began in.
    with ThreadPoolExecutor(1, thread_name_prefix="samples") as maker:
        maker.submit(train_samples.check_labelled).result()
        weights = maker.submit(class_weights, train_samples, options.class_weighting).result()
        objective = make_objective(weights)
        optimisation = Optimisation(model, objective, options, processes)
        described = maker.submit(
            describe_run,
            options,
            objective.name,
            run.withstand,
            processes.world,
            model,
            run.info,
            train_samples,
            val_samples,
        ).result()
        taught = {name: described[name] for name in ("objective", "withstand")}
        info = replace(run.info, training={**run.info.training, **taught})
        progress = Progress()
        if run.state.exists():
            progress = load_state(run.state, described, optimisation)
        if progress.out_of_patience(options.patience):
            return
        source = BatchMaker(
            train_samples,
            options,
            repeats=objective.repeats,
            rank=processes.rank,
            world=processes.world,
        )
        for step, batch in enumerate(source.batches(progress.step, maker), start=progress.step):
            loss = optimisation.step(batch, source.places, step)
            done, scores = step + 1, None
            validates = done == options.steps or done % options.validate_every == 0
            saves = validates or done % options.save_every == 0
            if validates:
                scores = validation_scores(
                    optimisation.answer,
                    val_samples,
                    maker,
                    options.batch_size,
                    run.withstand,
                    processes,
                )
                progress = progress.judged(scores)
                if first_process and not progress.waited:
                    best = replace(info, scores={**info.scores, **scores})
                    save_checkpoint(run.state.with_name(BEST_FILE), optimisation.answer, best)
            if first_process and options.keep_every and done % options.keep_every == 0:
                kept = run.state.with_name(KEPT_FILE.format(done))
                save_checkpoint(kept, optimisation.answer, replace(info, scores=scores or {}))
            progress = replace(progress, step=done)
            if saves:
                saved = optimisation.state()
                if first_process:
                    save_state(run.state, described, progress, saved)
                processes.wait()
            yield TrainingStep(
                done,
                options.steps,
                loss,
                learning_rate(step, options),
                attack_strength(step, options),
                scores,
                progress.best[0] if progress.best else None,
            )
            if progress.out_of_patience(options.patience):
                return
