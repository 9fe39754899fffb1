"""One evaluation with progress, tables and files: the body of `demo` and `evaluate`."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.class_names import reported_palette
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.evaluation import (
    ResultStore,
    RobustnessReport,
    evaluate,
    examples,
    summarise,
)
from art_segplugin.evaluation.summary import class_lists, versions
from art_segplugin.models import Segmenter
from art_segplugin.report import class_table, scores_table, write_report

STORE = "batches.jsonl"


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
) -> RobustnessReport:
    """Evaluate, print the tables, write the report into `out`.

    Raises:
        InputError: no images, a model that does not fit them, or `out` holds another evaluation.
    """
    if len(data) == 0:
        raise InputError(f"{data_name} holds no images.")
    model.validate(data[0].image.unsqueeze(0).to(next(model.parameters()).device))
    palette = reported_palette(model, data.palette)
    if not resume:
        (out / STORE).unlink(missing_ok=True)
    store = ResultStore(
        out / STORE, {"model": model_name, "data": data_name, "batch_size": batch_size}
    )
    results, labels = [], {}
    with progress_bar() as bar:
        task = bar.add_task("attacking", total=len(data) * (1 + len(attacks) * len(seeds)))
        steps = evaluate(
            model,
            data,
            attacks,
            seeds=seeds,
            batch_size=batch_size,
            pictures=pictures,
            store=store,
        )
        for result in steps:
            results.append(result)
            bar.update(task, advance=len(result.images), description=f"{result.attack}")
    for index in range(min(pictures, len(data))):
        sample = data[index]
        if sample.labels is not None:
            labels[sample.name] = sample.labels
    report = RobustnessReport(
        model=model_name,
        data=data_name,
        reference="labels" if data[0].labels is not None else "clean prediction",
        results=summarise(results),
        versions=versions(),
        command=shlex.join(["art-segplugin", *sys.argv[1:]]),
        **class_lists(palette),
    )
    if report.reference != "labels":
        errors().print("No labels: all scores are against the model's own clean prediction.")
    output().print(scores_table(report))
    output().print(class_table(report))
    written = write_report(report, examples(results, labels), palette, out)
    errors().print(f"wrote {len(written)} files; begin with {written[-1]}", highlight=False)
    return report
