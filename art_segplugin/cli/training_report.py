"""The report at the end of a training: curves, and the best checkpoint beside another model."""

from dataclasses import dataclass
from pathlib import Path

from art_segplugin.attacks import NamedAttack, named
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.evaluation import command
from art_segplugin.cli.objectives import EPS
from art_segplugin.cli.options import threat_model
from art_segplugin.data.catalog import is_classification
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.evaluation import RobustnessReport, evaluate, summarise
from art_segplugin.evaluation.class_names import reported_palette
from art_segplugin.evaluation.summary import class_lists, reference_of, versions
from art_segplugin.models import Segmenter, load_checkpoint, load_model
from art_segplugin.report.training_tables import BEST, sheets
from art_segplugin.report.training_write import write_training
from art_segplugin.training.log import LOG_FILE, read_log
from art_segplugin.training.trainer import BEST_FILE

IMAGES = {False: 50, True: 500}  # label maps, images of one class
STRONG = "pgd-20"


def usual_count(data: Dataset) -> int:
    """How many images a report is about unless told otherwise."""
    return IMAGES[is_classification(data)]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the report shall compare.

    Attributes:
        others: Models to compare with, each a part such as "undefended" with name and model.
        data: Images to compare on.
        attacks: What to compare under.
    """

    others: dict[str, tuple[str, Segmenter]]
    data: Dataset
    attacks: tuple[NamedAttack, ...]

    @classmethod
    def plan(
        cls,
        against: str | None,
        init: str | None,
        data: Dataset,
        judge: NamedAttack | None,
        eps: str | None,
    ) -> "Comparison":
        """Load and check what is needed before the training, so that it does not fail after it.

        Args:
            against: What to type to load the undefended model; None for that of `init`.
            init: What the training starts from; None for fresh weights.
            data: Validation images to compare on.
            judge: Attack that chooses the best checkpoint.
            eps: Radius of the other attack.

        Raises:
            InputError: The model cannot be loaded or does not fit the data.
        """
        strong = named(STRONG, **threat_model("inf", eps or EPS, None))
        attacks = [strong]
        if judge is not None and judge.described() != strong.described():
            attacks = [judge, strong]
        part, spec = ("start", init) if against is None else ("undefended", against)
        others = {} if spec is None else {part: (spec, _loaded(spec, data))}
        return cls(others, data, tuple(attacks))


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
    return RobustnessReport(
        model=name,
        data=f"{data.palette.name}: {len(data)} validation images",
        reference=reference_of(results),
        results=summarise(results),
        versions=versions(),
        command=command(),
        **class_lists(reported_palette(model, data.palette)),
    )


def _loaded(spec: str, data: Dataset) -> Segmenter:
    model, sample = load_model(spec), data[0]
    labels = None if sample.labels is None else sample.labels[None]
    try:
        model.validate(sample.image[None], labels)
        reported_palette(model, data.palette)
    except InputError as error:
        raise InputError(f"{spec}: {error}") from error
    return model
