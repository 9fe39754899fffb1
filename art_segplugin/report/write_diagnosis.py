"""All files of a diagnosis in one folder."""

from pathlib import Path

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.diagnosis_csv import write_classes_csv, write_comparisons_csv
from art_segplugin.report.diagnosis_html import render_diagnosis


def write_diagnosis(report: DiagnosisReport, folder: Path) -> list[Path]:
    """Write diagnosis.json, class_scores.csv, comparisons.csv, figures and diagnosis.html.

    Each file is written whole or not at all. The page comes last: where it is, all else is. Figures
    of several models are numbered in their order.

    Args:
        report: what to write.
        folder: where to write; made if it does not exist. Files of the same name are replaced.

    Returns:
        The files, in the order they were written.

    Raises:
        InputError: a file cannot be written.
    """
    from art_segplugin.report.diagnosis_figures import diagnosis_figures

    figures = [diagnosis_figures(report, model) for model in report.models]
    page = render_diagnosis(report, figures)
    written = [folder / name for name in ("diagnosis.json", "class_scores.csv", "comparisons.csv")]
    report.save(written[0])
    write_classes_csv(report, written[1])
    write_comparisons_csv(report, written[2])
    for number, drawn in enumerate(figures, 1):
        for name, data in drawn.items():
            ending = f"-{number}" if len(figures) > 1 else ""
            written.append(folder / f"{name}{ending}.png")
            write_bytes(written[-1], data)
    written.append(folder / "diagnosis.html")
    write_text(written[-1], page)
    return written
