"""The run behind `train`: its model, objective and attacks from the options, progress, log, report."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from inspect import signature
from pathlib import Path

import torch
from torch import Tensor, nn

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.cli import options
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.evaluation import command
from art_segplugin.cli.train import MILESTONES, TrainArgs
from art_segplugin.data.datasets import (
    described,
    is_classification,
    open_dataset,
    pairs_of_files,
)
from art_segplugin.data.images import ImageRule
from art_segplugin.data.palettes import known_palette
from art_segplugin.data.sample import Dataset
from art_segplugin.distributed import ManyProcesses, OneProcess, processes
from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport, RobustnessReport, evaluate, summarise
from art_segplugin.evaluation.class_names import reported_palette
from art_segplugin.evaluation.dataset import refuse_void_alone
from art_segplugin.evaluation.label_facts import label_facts
from art_segplugin.evaluation.result import class_lists, reference_of, versions
from art_segplugin.files import only_run_in
from art_segplugin.heads import check_is_last, hypersphere_head, to_hypersphere
from art_segplugin.heads.hypersphere import checked_margin
from art_segplugin.models import CheckpointInfo, Classifier, Segmenter, load_checkpoint, load_model
from art_segplugin.models.checkpoint import ARCHITECTURES
from art_segplugin.report.write_training import BEST, sheets, write_training
from art_segplugin.training import (
    OBJECTIVES,
    Objective,
    TrainingOptions,
    TrainingStep,
    WeightedCrossEntropy,
    inner_attack,
    make_objective,
    robustness_weights,
)
from art_segplugin.training import train as training_steps
from art_segplugin.training.log import LOG_FILE, has_tensorboard, logged, read_log
from art_segplugin.training.objectives import defaults_of
from art_segplugin.training.trainer import BEST_FILE, STATE_FILE, ObjectiveMaker

NAMES = {
    "miou": "mIoU",
    "accuracy": "accuracy",
    "robust_miou": "mIoU under attack",
    "robust_accuracy": "accuracy under attack",
}
NETWORK_OF_TASK = {Segmenter.task: "small", Classifier.task: "resnet"}
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
EPS = "8/255"
ONE_STEP = ("free-at", "fast-at")
"""A model can learn to withstand their one step and nothing else; only more steps show it."""
VAL_ATTACK = "pgd-7"
REPORT_ATTACK = "pgd-20"
REPORT_COUNTS = {False: 50, True: 500}  # label maps, images of one class


def run(args: TrainArgs) -> None:
    """Train, print what happens, write log and report.

    With several processes the first one alone prints and writes.

    Raises:
        InputError: Options, data and models that do not fit each other, or another run writes into
            the folder.
    """
    settings = training_options(args)
    team = processes()
    with only_run_in(args.out) if team.rank == 0 else nullcontext():
        _run(args, settings, team)


def _run(args: TrainArgs, settings: TrainingOptions, team: OneProcess | ManyProcesses) -> None:
    place = _device(args.device, team)
    check_eps_warmup(args)
    val_attack = validation_attack(args)
    training = dataset(args, args.split, args.count)
    validation = dataset(args, "val", args.val_count)
    for data in (training, validation):
        refuse_void_alone(data, data.palette.ignore_index)
    _say_what_was_found(args, team, training, validation)
    torch.manual_seed(args.seed)
    model, info = start(args.network, args.init, training, len(validation))
    scale, margin = apply_hypersphere(args, model, len(info.classes), training)
    make = objective_maker(args, info.classes, info.ignore_index, scale, margin)
    steps = training_steps(
        model.to(place),
        training,
        validation,
        args.out,
        settings,
        info=info,
        objective=make,
        withstand=val_attack,
        resume=args.resume,
        processes=team,
    )
    if team.rank != 0:
        for _ in steps:
            pass
        return
    comparison = _comparison(args, validation, val_attack)
    if args.resume and not (args.out / STATE_FILE).exists():
        errors().print(f"no run in {args.out} yet: starting one", markup=False, soft_wrap=True)
    score = "accuracy" if model.task == Classifier.task else "miou"
    scores = (score, f"robust_{score}") if val_attack else (score,)
    _print_outcome(_shown(logged(steps, args.out, scores), args.steps), args.out)
    if comparison is not None:
        report_training(comparison, args.out, place, args.batch_size)


def training_options(args: TrainArgs) -> TrainingOptions:
    """The options of the library's trainer: those of the same name, and those that are read from text.

    Raises:
        InputError: A value that no run can use.
    """
    same = {
        field.name: getattr(args, field.name)
        for field in fields(TrainingOptions)
        if hasattr(args, field.name)
    }
    read = {
        "milestones": _milestones(args.milestones, args.schedule),
        "scale": options.span(args.zoom),
        "crop": None if args.crop is None else options.size(args.crop),
        "flip": args.data != "digits" if args.flip is None else args.flip,
    }
    return TrainingOptions(**same | read)


def _milestones(text: str | None, schedule: str) -> tuple[float, ...]:
    """Shares from "0.5,0.75"; the default from None."""
    if text is not None and schedule == "cosine":
        raise InputError("the schedule cosine has no milestones; give --schedule steps too.")
    text = MILESTONES if text is None else text
    if not text.strip():
        raise InputError(f"the milestones are empty; write shares, such as {MILESTONES}.")
    return tuple(options.number(part, MILESTONES) for part in text.split(","))


def dataset(args: TrainArgs, split: str, count: int | None) -> Dataset:
    """The data of a split, or the first `count` of them.

    Raises:
        InputError: There are no such data.
    """
    rule, default_rule = options.label_rule(
        args.label_map, args.void, args.reduce_zero_label, args.labels_as
    )
    return open_dataset(
        args.data,
        split,
        count=count,
        scale=args.scale,
        palette=known_palette(args.palette),
        rule=rule,
        default_rule=default_rule,
        pixels=ImageRule(white=args.white),
        labels=args.labels,
        label_suffix=args.label_suffix,
        unlabelled=False,
    )


def _say_what_was_found(
    args: TrainArgs, team: OneProcess | ManyProcesses, training: Dataset, validation: Dataset
) -> None:
    if team.rank != 0:
        return
    for one in filter(None, (described(training), described(validation))):
        errors().print(one, markup=False, highlight=False, soft_wrap=True)
    shared = {image for image, _ in pairs_of_files(training)} & {
        image for image, _ in pairs_of_files(validation)
    }
    if shared:
        errors().print(
            f"{len(shared)} of the {len(validation)} validation images are training images too, as "
            f"{args.data} has no splits or is one: their scores say little about others. Give a "
            "folder with 'train' and 'val'.",
            markup=False,
            soft_wrap=True,
        )


def _device(name: str, team: OneProcess | ManyProcesses) -> str:
    if isinstance(team, OneProcess):
        return options.device(name)
    if name not in ("auto", "cpu"):
        raise InputError(
            f"device is {name!r}, but each of the {team.world} processes takes its own; leave "
            "--device out."
        )
    return str(team.device) if name == "auto" else name


def _shown(steps: Iterator[TrainingStep], total: int) -> Iterator[TrainingStep]:
    """The same steps, each shown by a bar, and validations printed."""
    if not has_tensorboard():
        errors().print("tensorboardX is not installed: the log is log.csv only.", markup=False)
    with progress_bar() as bar:
        task = bar.add_task("training", total=total)
        for step in steps:
            bar.update(task, completed=step.step, description=f"loss {step.loss:.3f}")
            if step.scores is not None:
                scores = ", ".join(
                    f"{NAMES[name]} {100 * score:.1f} %" for name, score in step.scores.items()
                )
                bar.console.print(f"step {step.step}: loss {step.loss:.3f}, validation {scores}")
            yield step


def _print_outcome(steps: Iterator[TrainingStep], out: Path) -> None:
    last = None
    for step in steps:
        if step.scores is not None:
            last = step
    if last is None or last.best is None or last.scores is None:
        output().print(f"The run in {out} is finished already.", markup=False)
        return
    name = NAMES[list(last.scores)[-1]]
    if last.step < last.steps:
        output().print(f"No better score for a while: stopped at step {last.step}.")
    output().print(
        f"Best validation {name} {100 * last.best:.1f} %: {out / BEST_FILE}", markup=False
    )


# The model


def start(
    network: str | None, init: str | None, training: Dataset, validation_images: int
) -> tuple[Segmenter, CheckpointInfo]:
    """A model for these data with fresh weights, or with those of `init`, and its description.

    Args:
        network: See `make_network`; None for the default of the task.
        init: A model of this package to start from; `network` is then that of the checkpoint.
        training: Training data.
        validation_images: Number of validation images, for the description.

    Raises:
        InputError: The data are empty, or network or init do not fit them.
    """
    if len(training) == 0:
        raise InputError("the training data set is empty.")
    classes = training.palette
    wrapper = Classifier if is_classification(training) else Segmenter
    data = f"{classes.name}: {len(training)} training and {validation_images} validation images"
    if init is not None:
        if network is not None:
            raise InputError(f"both a network {network!r} and init {init!r} are given; give one.")
        model, earlier = load_own(init)
        if model.task != wrapper.task:
            raise InputError(f"{init} is a model of {model.task}, the data are of {wrapper.task}.")
        return model, replace(earlier, data=data, command=command(), scores={}, version="")
    architecture, network_options, module = make_network(network, len(classes), wrapper.task)
    model = wrapper(
        module,
        classes=len(classes),
        ignore_index=classes.ignore_index,
        mean=MEAN,
        std=STD,
    )
    return model, CheckpointInfo(
        architecture=architecture,
        options=network_options,
        classes=classes.classes,
        colours=classes.colours,
        data=data,
        command=command(),
        ignore_index=classes.ignore_index,
        mean=MEAN,
        std=STD,
    )


def make_network(
    spec: str | None, classes: int, task: str
) -> tuple[str, dict[str, int], nn.Module]:
    """A network with fresh weights from a text: its architecture, its options and the module.

    Args:
        spec: Architecture, and after a colon its options, such as "resnet:width=64,stem_stride=1";
            None for the default of the task.
        classes: Number of classes.
        task: "segmentation" or "classification".

    Raises:
        InputError: An unknown architecture or option, or one of the other task.
    """
    default = NETWORK_OF_TASK[task]
    name, _, rest = (default if spec is None else spec).partition(":")
    if name != default:
        raise InputError(
            f"the network is {name!r}; for {task} data give {default!r}, with options as in "
            f"{default}:width=48."
        )
    found = {"classes": classes}
    known = [option for option in signature(ARCHITECTURES[name]).parameters if option != "classes"]
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known or not value.isdecimal():
            raise InputError(
                f"{part!r} is no option of the network {name!r}; it has {', '.join(known)}: give "
                f"name=NUMBER, as in {name}:width=48 (the data say how many classes there are)."
            )
        found[key] = int(value)
    return name, found, ARCHITECTURES[name](**found)


def load_own(spec: str) -> tuple[Segmenter, CheckpointInfo]:
    """A shipped model or checkpoint whose changed weights can be written and loaded again.

    Raises:
        InputError: Nothing that can be loaded, or a model of an architecture of another package.
    """
    model = load_model(spec)
    if model.info is None or model.info.architecture not in ARCHITECTURES:
        raise InputError(
            f"{spec} is no checkpoint of this package's own networks "
            f"({', '.join(sorted(ARCHITECTURES))}); what came of it could not be loaded again."
        )
    return model, model.info


def apply_hypersphere(
    args: TrainArgs, model: Segmenter, classes: int, training: Dataset
) -> tuple[float, float]:
    """Convert the model's last layer where that is wanted; a model that has such a head keeps it.

    Args:
        args: The options; scale and margin that were not given are those of the objective.
        model: Changed in place.
        classes: Number of classes.
        training: Training data, whose first image a converted model is tried on.

    Returns:
        Scale and margin for the loss: 1 and 0 for an ordinary model.

    Raises:
        InputError: The last layer is not found or not the last, a bad number, another scale than
            that of the head, or options of a head that nobody wants.
    """
    if args.layer == "":
        raise InputError("the layer is empty; give its name, such as classifier, or leave it out.")
    default, head = defaults_of(args.objective), hypersphere_head(model)
    if head is None and not args.he:
        if any(one is not None for one in (args.he_scale, args.he_margin, args.layer)):
            raise InputError(
                "the scale, the margin and the layer are those of hypersphere embedding; "
                "give --he too."
            )
        return 1.0, 0.0
    margin = checked_margin(default.margin if args.he_margin is None else args.he_margin)
    if head is None:
        scale = default.scale if args.he_scale is None else args.he_scale
        to_hypersphere(model, classes, scale, args.layer)
        check_is_last(model, training[0].image[None])
    elif args.layer is not None:
        raise InputError(
            f"the model has a hypersphere head already, and layer is {args.layer!r}; leave it out."
        )
    else:
        scale = head.scale
        if args.he_scale not in (None, scale):
            raise InputError(
                f"the hypersphere head of the model has scale {scale:g}, and --he-scale is "
                f"{args.he_scale:g}; leave it out."
            )
    return scale, margin


# The objective and the attacks


def training_attack(args: TrainArgs) -> NamedAttack | None:
    """The attack that is learned from; None for an objective without one.

    Raises:
        InputError: No such objective or attack, one that the objective does not have, or a bad size.
    """
    if defaults_of(args.objective).attack:
        radius = options.threat_model("inf", args.eps or EPS, None)["eps"]
        if not radius > 0:
            raise InputError(f"eps is {args.eps}; expected a radius > 0, such as {EPS}.")
        step = None if args.step_size is None else options.number(args.step_size)
        attack = inner_attack(args.objective, args.attack, radius, step)
        if step is not None and not 0 < step <= 2 * radius:
            raise InputError(
                f"the step size is {args.step_size}; expected one > 0, and at most twice the "
                f"radius {args.eps or EPS}, which crosses the whole ball."
            )
        return attack
    of_attacks = (args.attack, args.step_size, args.class_robustness)
    if any(one is not None for one in of_attacks) or (args.eps and not args.val_attack):
        raise InputError(
            f"{args.objective} has no attack: its name, its sizes and class robustness are for "
            f"adversarial training; give --objective {_ADVERSARIAL}."
        )
    return None


_ADVERSARIAL = ", ".join(name for name, default in OBJECTIVES.items() if default.attack)


def validation_attack(args: TrainArgs) -> NamedAttack | None:
    """The attack under which the best checkpoint is chosen; None chooses by the clean score.

    Raises:
        InputError: No such attack, or a bad size.
    """
    if args.val_attack is None and args.objective not in ONE_STEP:
        return training_attack(args)
    return named(
        args.val_attack or VAL_ATTACK, **options.threat_model("inf", args.eps or EPS, None)
    )


def check_eps_warmup(args: TrainArgs) -> None:
    """Refuse a radius that rises where there is none.

    Raises:
        InputError: The share of the steps is not 0, and the objective is unknown or has no attack.
    """
    if args.eps_warmup and not defaults_of(args.objective).attack:
        raise InputError(
            f"{args.objective} has no attack whose radius could rise; leave --eps-warmup out, or give "
            f"--objective {_ADVERSARIAL}."
        )


def objective_maker(
    args: TrainArgs,
    classes: Sequence[str],
    ignore_index: int,
    scale: float = 1.0,
    margin: float = 0.0,
) -> ObjectiveMaker:
    """The objective, to be made from the weights of classes by their frequency.

    Args:
        args: The options.
        classes: Names of the classes.
        ignore_index: Label of void pixels.
        scale: Scale of a hypersphere head; 1 for another head.
        margin: Its margin.

    Raises:
        InputError: Something that this objective does not have, or a bad value.
    """
    attack, measured = training_attack(args), None
    if args.class_robustness is not None:
        strength = 1.0 if args.strength is None else args.strength
        measured = measured_weights(args.class_robustness, classes, strength)
    elif args.strength is not None:
        raise InputError("strength is that of --class-robustness; give a diagnosis.json too.")

    def make(weights: Tensor | None) -> Objective:
        if measured is not None:
            weights = measured if weights is None else weights * measured
        return make_objective(
            args.objective,
            WeightedCrossEntropy(ignore_index, weights, scale, margin),
            attack,
            half=args.half,
            weight=args.weight,
            replays=args.replays,
        )

    make(None)  # what is wrong is said before the data are read
    return make


def measured_weights(path: Path, classes: Sequence[str], strength: float) -> Tensor:
    """Weights from the class accuracies under the strongest attack on the report's first model.

    Args:
        path: diagnosis.json, of data that are used neither for training nor for evaluation.
        classes: Classes of the training data.
        strength: See `robustness_weights`.

    Raises:
        InputError: No such report, other classes, or a bad strength.
    """
    report = DiagnosisReport.load(path)
    if tuple(report.classes) != tuple(classes):
        raise InputError(
            f"{path} is about the classes {', '.join(report.classes)}, and the training data have "
            f"{', '.join(classes)}; diagnose a model on held-out data of the same kind."
        )
    attacked = report.models[0].results[1:] if report.models else []
    if not attacked or any(len(one.class_accuracy) != len(classes) for one in attacked):
        raise InputError(f"{path} holds no attack on a model of these classes; diagnose one.")
    strongest = min(attacked, key=lambda result: result.accuracy)
    return robustness_weights(torch.tensor(strongest.class_accuracy), strength)


# The report at the end: curves, and the best checkpoint beside another model


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the report compares, loaded and checked before the training so as not to fail after it.

    Attributes:
        others: Models to compare with, each a part such as "undefended" with name and model.
        data: Images to compare on.
        attacks: What to compare under.
    """

    others: dict[str, tuple[str, Segmenter]]
    data: Dataset
    attacks: tuple[NamedAttack, ...]


def _comparison(
    args: TrainArgs, validation: Dataset, val_attack: NamedAttack | None
) -> Comparison | None:
    if args.report_count == 0:
        if args.against is not None:
            raise InputError("--against is for the report, and --report-count 0 leaves it out.")
        return None
    folder = Path(args.data)
    if folder.is_dir() and args.out.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{args.out} is inside the data {args.data}, where the pictures of the report would be "
            "taken for data; choose another folder, or give --report-count 0."
        )
    default = REPORT_COUNTS[is_classification(validation)]
    count = default if args.report_count is None else args.report_count
    data = dataset(args, "val", count if args.val_count is None else min(count, args.val_count))
    strong = named(REPORT_ATTACK, **options.threat_model("inf", args.eps or EPS, None))
    attacks = [strong]
    if val_attack is not None and val_attack.described() != strong.described():
        attacks = [val_attack, strong]
    part, spec = ("start", args.init) if args.against is None else ("undefended", args.against)
    others = {} if spec is None else {part: (spec, _loaded(spec, data))}
    return Comparison(others, data, tuple(attacks))


def _loaded(spec: str, data: Dataset) -> Segmenter:
    model, sample = load_model(spec), data[0]
    labels = None if sample.labels is None else sample.labels[None]
    try:
        model.validate(sample.image[None], labels)
        reported_palette(model, data.palette)
    except InputError as error:
        raise type(error)(f"{spec}: {error}") from error
    return model


def report_training(comparison: Comparison, folder: Path, device: str, batch_size: int) -> None:
    """Score the models, print the tables, write the report into the folder of the run.

    Raises:
        InputError: The run has left no checkpoint or log, or a file cannot be written.
    """
    rows, best = read_log(folder / LOG_FILE), folder / BEST_FILE
    if not comparison.others:
        errors().print("The report compares with no other model: give --against MODEL.")
    models = comparison.others | {BEST: (str(best), load_checkpoint(best))}
    reports = {
        part: _scores(name, model.to(device), comparison, batch_size)
        for part, (name, model) in models.items()
    }
    for sheet in sheets(reports):
        output().print(sheet.for_terminal())
    written = write_training(rows, reports, folder)
    errors().print(f"wrote {len(written)} files; begin with {written[-1]}", markup=False)


def _scores(
    name: str, model: Segmenter, comparison: Comparison, batch_size: int
) -> RobustnessReport:
    data, results = comparison.data, []
    with progress_bar() as bar:
        task = bar.add_task(name, total=len(data) * (1 + len(comparison.attacks)))
        for result in evaluate(model, data, comparison.attacks, batch_size=batch_size):
            results.append(result)
            bar.update(task, advance=len(result.images), description=f"{name} {result.attack}")
    palette = reported_palette(model, data.palette)
    return RobustnessReport(
        model=name,
        data=f"{data.palette.name}: {len(data)} validation images",
        reference=reference_of(results),
        results=summarise(results),
        versions=versions(),
        command=command(),
        labels=label_facts(results, palette, data),
        **class_lists(palette),
    )
