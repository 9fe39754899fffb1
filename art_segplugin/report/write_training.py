"""The report on a training in the folder of the run: its tables, as a page and as Markdown, and curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from art_segplugin.evaluation.result import RobustnessReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.page import data_uri, page
from art_segplugin.report.summary import (
    ABSENT,
    accuracy_word,
    class_scores_of,
    groups,
    main_score,
    main_score_word,
)
from art_segplugin.report.tables import Sheet, class_heading, threat_rows
from art_segplugin.training.log import LogRow

BEST = "best"
"""The part that the best checkpoint has among the models of a report."""


def sheets(reports: Mapping[str, RobustnessReport]) -> list[Sheet]:
    """Scores of the models, then their scores by class.

    Args:
        reports: Scores on the same images under the same attacks, by the part that the model has, such
            as "undefended"; that of the best checkpoint is `BEST`.
    """
    best = reports[BEST]
    note = (
        f"{best.data}, by which the best checkpoint was chosen: judge it finally on others, with "
        "`art-segplugin evaluate` and stronger attacks."
    )
    if best.labels:
        note += " " + best.labels.sentences(len(best.classes))
    scores = {
        part: [main_score(report, group).percent for group in groups(report)]
        for part, report in reports.items()
    }
    word = main_score_word(best)
    found = [_scores("mIoU" if word == "mIoU" else word.capitalize(), reports, scores, note)]
    if not best.classification:
        scores = {
            part: [group.pixel_accuracy.percent for group in groups(report)]
            for part, report in reports.items()
        }
        found.append(_scores(accuracy_word(False).capitalize(), reports, scores))
    found.append(_classes(reports))
    return found


def headline(reports: Mapping[str, RobustnessReport]) -> str:
    """The comparison in one sentence: the last attack, and no attack."""
    word = main_score_word(reports[BEST])
    attacked, clean = _in_words(reports, -1), _in_words(reports, 0)
    return f"Under {groups(reports[BEST])[-1].label}, {word} is {attacked}; clean, it is {clean}."


def _in_words(reports: Mapping[str, RobustnessReport], place: int) -> str:
    scores = {
        part: f"{main_score(report, groups(report)[place]).percent} %"
        for part, report in reports.items()
    }
    others = ", ".join(f"{part}: {score}" for part, score in scores.items() if part != BEST)
    return scores[BEST] + (f" ({others})" if others else "")


def _scores(
    what: str,
    reports: Mapping[str, RobustnessReport],
    scores: Mapping[str, list[str]],
    note: str = "",
) -> Sheet:
    header = ["model", *(group.label for group in groups(reports[BEST]))]
    rows = [[f"{part} ({reports[part].model})", *cells] for part, cells in scores.items()]
    return Sheet(f"{what} [%]", header, rows, note)


def _classes(reports: Mapping[str, RobustnessReport]) -> Sheet:
    """One row a class; under each attack the models side by side."""
    best = reports[BEST]
    columns, header = [], ["class"]
    for place, group in enumerate(groups(best)):
        for part, report in reports.items():
            header.append(f"{group.label} ({part})" if len(reports) > 1 else group.label)
            columns.append(class_scores_of(report, groups(report)[place]))
    rows = [
        [name, *(column[index].percent for column in columns)]
        for index, name in enumerate(best.classes)
    ]
    absent = any(not score.known for column in columns for score in column)
    note = f"{ABSENT} in a class: it does not occur." if absent else ""
    return Sheet(class_heading(best), header, rows, note)


def write_training(
    rows: Sequence[LogRow], reports: Mapping[str, RobustnessReport], folder: Path
) -> list[Path]:
    """Write curves.png, report.md and report.html.

    Each file is written whole or not at all. The page comes last: where it is, all else is.

    Args:
        rows: The log, at least one row.
        reports: Scores, see `sheets`.
        folder: Where to write; files of the same name are replaced.

    Returns:
        The files, in the order they were written.

    Raises:
        InputError: A file cannot be written.
    """
    from art_segplugin.report.plots import png, training_figure

    curves, found, best = png(training_figure(rows)), sheets(reports), reports[BEST]
    threats = Sheet("Attacks", *threat_rows(best))
    html = page(
        "training.html.j2",
        report=best,
        headline=headline(reports),
        sheets=found,
        curves=data_uri("png", curves),
        threats=threats,
        files="log.csv and report.md",
    )
    written = [folder / name for name in ("curves.png", "report.md", "report.html")]
    write_bytes(written[0], curves)
    write_text(written[1], _markdown(reports, [*found, threats]))
    write_text(written[2], html)
    return written


def _markdown(reports: Mapping[str, RobustnessReport], found: Sequence[Sheet]) -> str:
    best = reports[BEST]
    parts = [f"# Training of {best.model}", headline(reports), "![Curves](curves.png)"]
    for sheet in found:
        parts += [f"## {sheet.title}", sheet.as_markdown(), *([sheet.note] if sheet.note else [])]
    parts += ["## Repeat it", f"```bash\n{best.command}\n```"]
    parts.append(", ".join(f"{name} {version}" for name, version in best.versions.items()))
    return "\n\n".join(parts) + "\n"
