"""All files of the report on a training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from art_segplugin.evaluation.result import RobustnessReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.page import data_uri, page
from art_segplugin.report.sheet import Sheet
from art_segplugin.report.tables import threat_rows
from art_segplugin.report.training_tables import BEST, headline, sheets
from art_segplugin.training.log import LogRow


def write_training(
    rows: Sequence[LogRow], reports: Mapping[str, RobustnessReport], folder: Path
) -> list[Path]:
    """Write curves.png, report.md and report.html.

    Each file is written whole or not at all. The page comes last: where it is, all else is.

    Args:
        rows: The log, at least one row.
        reports: Scores, see `training_tables.sheets`.
        folder: Where to write; files of the same name are replaced.

    Returns:
        The files, in the order they were written.

    Raises:
        InputError: A file cannot be written.
    """
    from art_segplugin.report.figures import png
    from art_segplugin.report.training_figures import training_figure

    curves, found, best = png(training_figure(rows)), sheets(reports), reports[BEST]
    threat_header, threats = threat_rows(best)
    html = page(
        "training.html.j2",
        report=best,
        headline=headline(reports),
        sheets=found,
        curves=data_uri("png", curves),
        threat_header=threat_header,
        threats=threats,
        files="log.csv and report.md",
    )
    written = [folder / name for name in ("curves.png", "report.md", "report.html")]
    write_bytes(written[0], curves)
    write_text(written[1], _markdown(reports, [*found, Sheet("Attacks", threat_header, threats)]))
    write_text(written[2], html)
    return written


def _markdown(reports: Mapping[str, RobustnessReport], found: Sequence[Sheet]) -> str:
    best = reports[BEST]
    parts = [f"# Training of {best.model}", headline(reports), "![Curves](curves.png)"]
    for sheet in found:
        parts += [f"## {sheet.title}", _table(sheet), *([sheet.note] if sheet.note else [])]
    parts += ["## Repeat it", f"```bash\n{best.command}\n```"]
    parts.append(", ".join(f"{name} {version}" for name, version in best.versions.items()))
    return "\n\n".join(parts) + "\n"


def _table(sheet: Sheet) -> str:
    rule = ["---", *("---:" for _ in sheet.header[1:])]
    rows = [sheet.header, rule, *sheet.rows]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(text: str) -> str:
    """A cell in which a name with a bar opens no other cell."""
    return text.replace("|", "\\|")
