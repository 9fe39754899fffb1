"""One evaluation with progress, tables and files: the body of `demo` and `evaluate`."""

import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.markup import escape

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.data.images import ImageRule
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.evaluation import (
    BatchResult,
    ResultStore,
    RobustnessReport,
    evaluate,
    examples,
    summarise,
    worst_cases,
)
from art_segplugin.evaluation.batch_size import automatic_batch_size
from art_segplugin.evaluation.class_names import reported_palette
from art_segplugin.evaluation.dataset import (
    earlier_setting,
    fingerprint,
    refused_runs_removed,
    setting,
    usable_sample,
)
from art_segplugin.evaluation.label_facts import label_facts
from art_segplugin.evaluation.pipeline import device_of
from art_segplugin.evaluation.result import (
    LabelFacts,
    class_lists,
    computed_on,
    reference_of,
    versions,
)
from art_segplugin.files import only_run_in, printable
from art_segplugin.models import Segmenter
from art_segplugin.models.fast import Accelerated, fastest
from art_segplugin.report import class_table, scores_table, write_report
from art_segplugin.report.tables import distance_sheet, worst_case_sheet

STORE = "batches.jsonl"
ATTACKED = "attacked in place of the model"
MOST_LISTED = 5
WIDEST_TABLE = 9  # columns of IoU per class that a terminal can show; files have them all


def fitting_palette(
    model: Segmenter, data: Dataset, data_name: str, *, gradient: bool = True
) -> Palette:
    """Names of the classes, once the model is known to take the images and, if asked, to be attackable.

    Raises:
        InputError: no images, or a model that does not fit them.
    """
    if len(data) == 0:
        raise InputError(f"{data_name} holds no images.")
    image = usable_sample(data).image.unsqueeze(0).to(device_of(model))
    model.validate(image, gradient=gradient)
    return reported_palette(model, data.palette)


def refuse_existing(paths: Sequence[Path], what: str) -> None:
    """Refuse to write over an earlier run.

    Raises:
        InputError: one of the paths exists.
    """
    for path in paths:
        if path.exists():
            raise InputError(
                f"{path.parent} holds {what} already; go on with --resume or choose another folder."
            )


def print_doubts(labels: LabelFacts | None) -> None:
    """Print what may have been read wrongly."""
    for doubt in labels.doubts if labels else ():
        errors().print(f"[bold yellow]labels:[/] {escape(doubt)}", highlight=False, soft_wrap=True)


def command() -> str:
    """What was typed."""
    return printable(shlex.join(["art-segplugin", *sys.argv[1:]]))


def pixel_rule(model: Segmenter, white: float | None) -> ImageRule:
    """How image files are read for a model."""
    return ImageRule(model.in_channels or 3, white)


def computed_by(model: Segmenter) -> dict[str, str]:
    """A hash of the weights, and where they compute, for a report."""
    return {"weights": fingerprint(model)} | computed_on(device_of(model))


def fast_copy(model: Segmenter, data: Dataset, earlier: str | None = None) -> Accelerated:
    """The copy of the model to attack; says which it is, and what was left out.

    Args:
        model: on the device to use.
        data: a few steps with one of its images decide.
        earlier: what an earlier run took, which is taken again.
    """
    image = usable_sample(data).image.unsqueeze(0).to(device_of(model))
    return say_fast(fastest(model, image, like=earlier))


def say_fast(copy: Accelerated) -> Accelerated:
    """Print what is attacked in place of the model."""
    share = "" if copy.share in (None, 1.0) else f" ({copy.share:.2f} of its time a step)"
    lines = [f"attacked in place of the model: {copy.described}{share}", *copy.left_out]
    errors().print("\n  ".join(lines), markup=False, highlight=False, soft_wrap=True)
    return copy


def raise_left_out(sentences: Collection[str], used: int) -> None:
    """Say what could not be used, once all else is written.

    Args:
        sentences: what is wrong with each input.
        used: number of images that are in the report.

    Raises:
        InputError: there is something to say.
    """
    if sentences:
        more = f" (and {len(sentences) - MOST_LISTED} more)" if len(sentences) > MOST_LISTED else ""
        raise InputError(
            f"{len(sentences)} of the inputs could not be used, or not to the end (the report is of "
            f"{used} images): {' | '.join([*sentences][:MOST_LISTED])}{more}"
        )


def run(
    model: Segmenter,
    model_name: str,
    data: Dataset,
    data_name: str,
    attacks: Sequence[NamedAttack],
    out: Path,
    *,
    seeds: Sequence[int],
    batch_size: int,
    pictures: int,
    resume: bool,
    overwrite: bool = False,
    fast: bool = False,
) -> RobustnessReport:
    """Evaluate, print the tables, write the report into `out`.

    A batch size of 0 is chosen here. `fast` attacks a copy of the model, see `models.fast`.

    Raises:
        InputError: no images, a model that does not fit them, or `out` holds another evaluation, or
            another run writes into it; or, after the report of the others is written, images that
            cannot be used.
    """
    palette = fitting_palette(model, data, data_name, gradient=bool(attacks))
    settings = {"batch size": str(batch_size)}
    if batch_size == 0:
        batch_size = automatic_batch_size(model, usable_sample(data).image.unsqueeze(0))
        settings = {"batch size": f"{batch_size} (automatic)"}
    with only_run_in(out):
        if overwrite:
            (out / STORE).unlink(missing_ok=True)
        elif not resume:
            refuse_existing([out / STORE], "an evaluation")
        same = setting(model, model_name, data, data_name)
        copy = None
        if fast:
            copy = fast_copy(model, data, earlier_setting(out / STORE).get(ATTACKED))
            settings[ATTACKED] = same[ATTACKED] = copy.described
        results, left_out = list[BatchResult](), dict[int, str]()
        with refused_runs_removed([out / STORE]), progress_bar() as bar:
            store = ResultStore(out / STORE, same)
            task = bar.add_task("attacking", total=len(data) * (1 + len(attacks) * len(seeds)))
            done = 0

            def tell(attack: str, images: float) -> None:
                bar.update(task, completed=round(done + images, 1), description=attack)

            steps = evaluate(
                model,
                data,
                attacks,
                seeds=seeds,
                batch_size=batch_size,
                pictures=pictures,
                store=store,
                left_out=left_out,
                progress=tell,
                fast=copy,
            )
            for result in steps:
                results.append(result)
                done += len(result.images)
                bar.update(task, completed=done, description=result.attack)
        report = RobustnessReport(
            model=printable(model_name),
            data=data_name,
            reference=reference_of(results),
            results=summarise(results),
            versions=versions(),
            command=command(),
            labels=label_facts(results, palette, data),
            settings=settings | computed_by(model),
            left_out=list(map(printable, left_out.values())),
            worst=worst_cases(results),
            **class_lists(palette),
        )
        if report.reference != "labels":
            errors().print("Images without labels are scored against the model's own prediction.")
        output().print(scores_table(report))
        if (distances := distance_sheet(report)) is not None:
            output().print(distances.for_terminal())
        print_doubts(report.labels)
        if worst := worst_case_sheet(report):
            output().print(worst.for_terminal())
        if len({(r.attack, str(r.options)) for r in report.results}) <= WIDEST_TABLE:
            output().print(class_table(report))
        written = write_report(report, examples(results), palette, out)
    errors().print(f"wrote {len(written)} files; begin with {written[-1]}", markup=False)
    raise_left_out(left_out.values(), len(report.clean.images))
    return report
