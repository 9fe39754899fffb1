"""The one training loop, as a generator of states; its validation scores; the state from which it goes on."""

import hashlib
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.attacks import NamedAttack
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.data.sample import Dataset
from art_segplugin.distributed import ONE_PROCESS, Processes
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head
from art_segplugin.metrics import ConfusionMatrix, mean_iou, pixel_accuracy
from art_segplugin.models.checkpoint import save_checkpoint
from art_segplugin.models.classifier import Classifier
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.models.tensors import write_torch
from art_segplugin.training.batches import BatchMaker, SampleCache, derived_seed, ordered_batches
from art_segplugin.training.class_weights import class_weights
from art_segplugin.training.inner_attack import InnerAttack
from art_segplugin.training.objective import (
    Objective,
    Supervised,
    TrainingBatch,
    WeightedCrossEntropy,
)
from art_segplugin.training.optimisation import Optimisation
from art_segplugin.training.options import TrainingOptions, attack_strength, learning_rate

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
            `art_segplugin.training.trainer`; else None. The last one chooses the best checkpoint.
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
                    optimisation.ema_model,
                    val_samples,
                    maker,
                    options.batch_size,
                    run.withstand,
                    processes,
                )
                progress = progress.judged(scores)
                if first_process and not progress.waited:
                    best = replace(info, scores={**info.scores, **scores})
                    save_checkpoint(run.state.with_name(BEST_FILE), optimisation.ema_model, best)
            if first_process and options.keep_every and done % options.keep_every == 0:
                kept = run.state.with_name(KEPT_FILE.format(done))
                save_checkpoint(kept, optimisation.ema_model, replace(info, scores=scores or {}))
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


def validation_scores(
    model: Segmenter,
    samples: SampleCache,
    maker: Executor,
    batch_size: int,
    withstand: NamedAttack | None = None,
    processes: Processes = ONE_PROCESS,
) -> dict[str, float]:
    """Return the scores over a data set, in float32, from counts pooled over all images.

    Args:
        model: Model to judge; its modes are left as they were.
        samples: Labelled samples, judged at their own size.
        maker: Executor on whose thread samples are made.
        batch_size: Images judged together, where they have one size.
        withstand: Also judge the model under this attack, whose random starts belong to the images
            and are the same every time.
        processes: Those that share the images.

    Returns:
        ``miou``, the mean IoU in 0..1 over the classes that occur, or for a classifier ``accuracy``;
        with an attack also ``robust_miou`` or ``robust_accuracy``.

    Raises:
        InputError: Every pixel is void.
    """
    device = model.device
    name, score = ("miou", mean_iou)
    if model.task == Classifier.task:
        name, score = ("accuracy", pixel_accuracy)
    clean, attacked = (
        ConfusionMatrix(len(samples.dataset.palette.classes), model.ignore_index, device)
        for _ in range(2)
    )
    attack = None if withstand is None else InnerAttack(withstand, model.ignore_index)
    indices = processes.share(len(samples))
    judged = 0
    for images, labels in ordered_batches(samples, maker, batch_size, indices):
        places = tuple(indices[judged : judged + len(images)])
        judged += len(images)
        images, labels = images.to(device), labels.to(device)
        clean.update(_predicted(model, images), labels)
        if attack is not None:
            seeds = tuple(derived_seed("validation", place) for place in places)
            x_adv = attack(model, TrainingBatch(images, labels, places, seeds))
            attacked.update(_predicted(model, x_adv), labels)
    counts = processes.sum(clean.counts)
    if not counts.any():
        raise InputError("the validation data hold void pixels only; a score needs labelled ones.")
    scores = {name: score(counts)}
    if attack is not None:
        scores[f"robust_{name}"] = score(processes.sum(attacked.counts))
    return scores


def _predicted(model: Segmenter, images: Tensor) -> Tensor:
    with evaluation_mode(model), torch.no_grad():
        prediction: Tensor = model(images).argmax(1)
    return prediction


# These change how fast a run is, how often it saves and when it ends, not what it computes.
_HARMLESS = ("save_every", "keep_every", "patience", "workers", "cache_bytes")
# What the network answers depends on these too, and the shapes of its weights do not show them.
_OF_THE_MODEL = ("architecture", "mean", "std", "bgr", "channels", "stride")
_SHOWN = 60  # characters of a value in a message
# What looking for our own content in another program's raises.
_FOREIGN = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: Steps done.
        best: Best validation scores so far, None before the first: the score that chooses, then the
            one that breaks ties.
        waited: Validations since the best one.
    """

    step: int = 0
    best: tuple[float, ...] | None = None
    waited: int = 0

    def judged(self, scores: Mapping[str, float]) -> "Progress":
        """Return where it stands after a validation, whose last score chooses."""
        score = tuple(scores.values())[::-1]
        if self.best is None or score > self.best:
            return replace(self, best=score, waited=0)
        return replace(self, waited=self.waited + 1)

    def out_of_patience(self, patience: int) -> bool:
        """Return whether the run should stop; a patience of 0 never ends."""
        return 0 < patience <= self.waited


def describe_run(
    options: TrainingOptions,
    objective: str,
    withstand: NamedAttack | None,
    world: int,
    model: nn.Module,
    info: CheckpointInfo,
    training: SampleCache,
    validation: SampleCache,
) -> dict[str, Any]:
    """Return everything that must be equal for a run to be resumed, as JSON gives it back."""
    settings = {name: value for name, value in asdict(options).items() if name not in _HARMLESS}
    run = {
        **settings,
        "objective": objective,
        "withstand": withstand and [withstand.name, withstand.described()],
        "processes": world,
        **{name: getattr(info, name) for name in _OF_THE_MODEL},
        "architecture options": dict(info.options),
        "hypersphere": _describe_head(model),
        "training data": _describe_data(training),
        "validation data": _describe_data(validation),
    }
    return dict(json.loads(json.dumps(run)))


def save_state(
    path: Path, run: dict[str, Any], progress: Progress, state: Mapping[str, Any]
) -> None:
    """Write the state of `Optimisation`; the file is never half-written.

    Raises:
        InputError: The file cannot be written.
    """
    standing = {
        "run": json.dumps(run),
        "step": progress.step,
        "best": None if progress.best is None else list(progress.best),
        "waited": progress.waited,
    }
    write_torch(path, {**standing, **state})


def load_state(path: Path, run: dict[str, Any], optimisation: Optimisation) -> Progress:
    """Put a saved state into what it was taken from.

    Raises:
        InputError: The file cannot be read, or belongs to a run with other options or data.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved_run = dict(json.loads(state["run"]))
        best = state["best"] and tuple(map(float, state["best"]))
        progress = Progress(int(state["step"]), best, int(state["waited"]))
    except (*_FOREIGN, OSError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"the training state {path} cannot be read: delete it to start again."
        ) from error
    if changed := [name for name in run if saved_run.get(name) != run[name]]:
        differences = [f"{name} {_unlike(saved_run.get(name), run[name])}" for name in changed]
        raise InputError(
            f"{path.parent} holds a run with {'; '.join(differences)}: resume it with its own "
            "options, or choose another directory."
        )
    try:
        optimisation.restore(state)
    except _FOREIGN as error:
        raise InputError(f"{path} holds the weights of another model than this run's.") from error
    return progress


def _describe_data(samples: SampleCache) -> str:
    # Some samples tell apart seeds, sizes and folders without reading everything.
    digest = hashlib.sha256()
    for index in (0, len(samples) // 2, len(samples) - 1):
        for tensor in samples[index]:
            digest.update(tensor.numpy().tobytes())
    palette = samples.dataset.palette
    return f"{len(samples)} samples of {palette.name} ({digest.hexdigest()[:12]})"


def _describe_head(model: nn.Module) -> list[Any] | None:
    head = hypersphere_head(model)
    names = [name for name, module in model.named_modules() if module is head]
    return None if head is None else [names[0], head.scale]


def _unlike(saved: Any, wanted: Any) -> str:
    """Return both values; of long ones the place where they begin to differ."""
    texts = [repr(saved), repr(wanted)]
    pairs = enumerate(zip(*texts, strict=False))
    differ = next((place for place, (one, other) in pairs if one != other), 0)
    first = max(0, differ - _SHOWN // 2)
    return ", not ".join(_clipped(text, first) for text in texts)


def _clipped(text: str, first: int) -> str:
    if len(text) <= _SHOWN:
        return text
    before, after = ("..." if first else ""), ("..." if first + _SHOWN < len(text) else "")
    return f"{before}{text[first : first + _SHOWN]}{after}"
