"""One diagnosis with progress, tables and files: the body of `diagnose`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, TaskID

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.evaluation import (
    WIDEST_TABLE,
    command,
    fitting_palette,
    print_doubts,
    raise_left_out,
    refuse_existing,
)
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.evaluation import (
    BatchResult,
    DiagnosisReport,
    ModelCounts,
    Regions,
    ResultStore,
    attack_counts,
    diagnose,
    evaluate,
)
from art_segplugin.evaluation.dataset import refused_runs_removed, setting, usable_sample
from art_segplugin.evaluation.label_facts import label_facts
from art_segplugin.evaluation.result import CLEAN
from art_segplugin.files import only_run_in
from art_segplugin.heads.last_layer import class_weight_norms
from art_segplugin.models import Segmenter
from art_segplugin.report import model_sheets, models_sheets, write_diagnosis
from art_segplugin.report.diagnosis_tables import headline, selection_sentence


@dataclass(frozen=True, eq=False)
class Subject:
    """A model to be diagnosed, on the device to use, and what it is called."""

    name: str
    model: Segmenter


def regions_of(data: Dataset, background: Sequence[str], small_objects: float) -> Regions:
    """The regions asked for.

    Raises:
        InputError: a background that is no class of the data, or of data whose images have one
            class each, or a bad share.
    """
    classes = data.palette.classes
    first = usable_sample(data).labels if background and len(data) else None
    if first is not None and first.shape == (1, 1):
        raise InputError("--background is for label maps, and these images have one class each.")
    indices = []
    for name in background:
        if name in classes:
            indices.append(classes.index(name))
        elif name.isdecimal() and int(name) < len(classes):
            indices.append(int(name))
        else:
            raise InputError(f"background {name!r} is no class; choose from {', '.join(classes)}.")
    return Regions(tuple(indices), small_objects)


def run(
    subjects: Sequence[Subject],
    data: Dataset,
    data_name: str,
    attacks: Sequence[NamedAttack],
    regions: Regions,
    out: Path,
    *,
    seed: int,
    batch_size: int,
    resume: bool,
) -> DiagnosisReport:
    """Attack every model, print the tables, write the report into `out`.

    All models are run on all clean images first: what does not fit is said before the long part.

    Raises:
        InputError: no images, an image without labels, a model that does not fit them, or `out`
            holds another diagnosis, or another run writes into it; or, after the report of the
            others is written, images that cannot be used.
    """
    palette = _palette(subjects, data, data_name)
    paths = [out / f"batches-{number}.jsonl" for number, _ in enumerate(subjects, 1)]
    with only_run_in(out):
        if not resume:
            refuse_existing(paths, "a diagnosis")
        counts, left_out = [], dict[int, str]()
        with refused_runs_removed(paths), progress_bar() as bar:
            stores = [
                ResultStore(
                    path,
                    setting(one.model, one.name, data, data_name)
                    | {"regions": regions.described()},
                )
                for one, path in zip(subjects, paths, strict=True)
            ]
            total = len(subjects) * len(data) * (1 + len(attacks))
            task = bar.add_task("clean", total=total)
            clean = []
            for one, store in zip(subjects, stores, strict=True):
                with _named(one):
                    valid = 0
                    for result in evaluate(
                        one.model,
                        data,
                        (),
                        batch_size=batch_size,
                        store=store,
                        regions=regions,
                        left_out=left_out,
                    ):
                        valid += sum(image.valid for image in result.images)
                        if one is subjects[0]:
                            clean.append(result)
                        bar.update(
                            task, advance=len(result.images), description=f"{one.name} clean"
                        )
                    if not valid:
                        raise InputError(
                            "the labels are void everywhere; a diagnosis needs labelled pixels."
                        )
            for one, store in zip(subjects, stores, strict=True):
                results = evaluate(
                    one.model,
                    data,
                    attacks,
                    seeds=(seed,),
                    batch_size=batch_size,
                    store=store,
                    regions=regions,
                    left_out=left_out,
                )
                counted = attack_counts(_shown(results, bar, task, one.name))
                norms = class_weight_norms(one.model, len(palette))
                counts.append(ModelCounts(one.name, counted, norms))
        facts = label_facts(clean, palette, data)
        report = diagnose(counts, palette, data_name, command(), labels=facts)
        _show(report)
        print_doubts(report.labels)
        written = write_diagnosis(report, out)
    errors().print(f"wrote {len(written)} files; begin with {written[-1]}", markup=False)
    raise_left_out(left_out.values(), len(data) - len(left_out))
    return report


def _shown(
    results: Iterator[BatchResult], bar: Progress, task: TaskID, name: str
) -> Iterator[BatchResult]:
    """The same results, each told to the bar."""
    for result in results:
        done = 0 if result.attack == CLEAN else len(result.images)
        bar.update(task, advance=done, description=f"{name} {result.attack}")
        yield result


def _palette(subjects: Sequence[Subject], data: Dataset, data_name: str) -> Palette:
    palettes = []
    for one in subjects:
        with _named(one):
            palettes.append(fitting_palette(one.model, data, data_name))
    sizes = [one.model.classes for one in subjects]
    if len(set(sizes)) > 1:
        raise InputError(
            "the models have different numbers of classes ("
            + ", ".join(f"{one.name} {size}" for one, size in zip(subjects, sizes, strict=True))
            + "); compare models of the same classes."
        )
    return palettes[0]


@contextmanager
def _named(subject: Subject) -> Iterator[None]:
    """Say of which model an error speaks."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{subject.name}: {error}") from error


def _show(report: DiagnosisReport) -> None:
    for model in report.models:
        for sheet in model_sheets(report, model):
            if len(sheet.header) <= WIDEST_TABLE:
                output().print(sheet.for_terminal())
        sentences = (headline(report, model), selection_sentence(model))
        output().print(f"{model.model}: {' '.join(filter(None, sentences))}", markup=False)
    for sheet in models_sheets(report):
        output().print(sheet.for_terminal())
