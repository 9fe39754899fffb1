"""One training with progress, log and report: the body of `train`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.hypersphere import HypersphereWords
from art_segplugin.cli.objectives import ObjectiveWords
from art_segplugin.cli.options import device
from art_segplugin.cli.training_report import Comparison, report_training, usual_count
from art_segplugin.cli.training_start import start
from art_segplugin.data.catalog import known_palette, open_dataset
from art_segplugin.data.sample import Dataset
from art_segplugin.distributed import ManyProcesses, OneProcess, processes
from art_segplugin.errors import InputError
from art_segplugin.models import Classifier
from art_segplugin.training import TrainingOptions, TrainingStep
from art_segplugin.training import train as training_steps
from art_segplugin.training.log import has_tensorboard, logged
from art_segplugin.training.trainer import BEST_FILE, STATE_FILE

NAMES = {
    "miou": "mIoU",
    "accuracy": "accuracy",
    "robust_miou": "mIoU under attack",
    "robust_accuracy": "accuracy under attack",
}


@dataclass(frozen=True)
class DataWords:
    """The options about the data as they were typed, see `open_dataset`."""

    name: str
    palette: str | None = None
    scale: float = 1.0
    count: int | None = None
    val_count: int | None = None

    def training(self) -> Dataset:
        """Training data.

        Raises:
            InputError: There are no such data.
        """
        return self._open("train", self.count)

    def validation(self, most: int | None = None) -> Dataset:
        """Validation data, or the first of them.

        Raises:
            InputError: There are no such data.
        """
        counts = [count for count in (self.val_count, most) if count is not None]
        return self._open("val", min(counts, default=None))

    def _open(self, split: str, count: int | None) -> Dataset:
        palette = known_palette(self.palette)
        return open_dataset(self.name, split, count=count, scale=self.scale, palette=palette)


@dataclass(frozen=True)
class Job:
    """Everything that was asked of `train`."""

    out: Path
    data: DataWords
    network: str | None
    init: str | None
    hypersphere: HypersphereWords
    objective: ObjectiveWords
    options: TrainingOptions
    device: str = "auto"
    resume: bool = False
    against: str | None = None
    report_count: int | None = None


def run(job: Job) -> None:
    """Train, print what happens, write log and report.

    With several processes the first one alone prints and writes.

    Raises:
        InputError: Options, data and models that do not fit each other.
    """
    team = processes()
    place = _device(job.device, team)
    job.objective.check_warmup(job.options.eps_warmup)
    judge = job.objective.judge()
    training, validation = job.data.training(), job.data.validation()
    torch.manual_seed(job.options.seed)
    model, info = start(job.network, job.init, training, len(validation))
    scale, margin = job.hypersphere.apply(model, len(info.classes), job.objective.name, training)
    make = job.objective.maker(info.classes, info.ignore_index, scale, margin)
    steps = training_steps(
        model.to(place),
        training,
        validation,
        job.out,
        job.options,
        info=info,
        objective=make,
        withstand=judge,
        resume=job.resume,
        processes=team,
    )
    if team.rank != 0:
        for _ in steps:
            pass
        return
    comparison = _comparison(job, validation, judge)
    if job.resume and not (job.out / STATE_FILE).exists():
        errors().print(f"no run in {job.out} yet: starting one", markup=False, soft_wrap=True)
    score = "accuracy" if model.task == Classifier.task else "miou"
    scores = (score, f"robust_{score}") if judge else (score,)
    _tell(_shown(logged(steps, job.out, scores), job.options.steps), job.out)
    if comparison is not None:
        report_training(comparison, job.out, place, job.options.batch_size)


def _comparison(job: Job, validation: Dataset, judge: NamedAttack | None) -> Comparison | None:
    if job.report_count == 0:
        if job.against is not None:
            raise InputError("--against is for the report, and --report-count 0 leaves it out.")
        return None
    folder = Path(job.data.name)
    if folder.is_dir() and job.out.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{job.out} is inside the data {job.data.name}, where the pictures of the report would be "
            "taken for data; choose another folder, or give --report-count 0."
        )
    count = usual_count(validation) if job.report_count is None else job.report_count
    data = job.data.validation(count)
    return Comparison.plan(job.against, job.init, data, judge, job.objective.eps)


def _device(name: str, team: OneProcess | ManyProcesses) -> str:
    if isinstance(team, OneProcess):
        return device(name)
    if name not in ("auto", "cpu"):
        raise InputError(
            f"device is {name!r}, but each of the {team.world} processes takes its own; leave "
            "--device out."
        )
    return str(team.device) if name == "auto" else name


def _shown(steps: Iterator[TrainingStep], total: int) -> Iterator[TrainingStep]:
    """The same steps, each told to a bar, and validations to the reader."""
    if not has_tensorboard():
        errors().print("tensorboardX is not installed: the log is log.csv only.", markup=False)
    with progress_bar() as bar:
        task = bar.add_task("training", total=total)
        for step in steps:
            bar.update(task, completed=step.step, description=f"loss {step.loss:.3f}")
            if step.scores is not None:
                bar.console.print(
                    f"step {step.step}: loss {step.loss:.3f}, validation {_text(step.scores)}"
                )
            yield step


def _tell(steps: Iterator[TrainingStep], out: Path) -> None:
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


def _text(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{NAMES[name]} {100 * score:.1f} %" for name, score in scores.items())
