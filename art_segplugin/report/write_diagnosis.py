"""The diagnosis in one folder: an HTML page that needs nothing else, tables and plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.diagnosis_tables import (
    headline,
    model_sheets,
    models_sheets,
    options_sheet,
    selection_sentence,
    write_classes_csv,
    write_comparisons_csv,
)
from art_segplugin.report.page import data_uri, page


def render_diagnosis(report: DiagnosisReport, figures: Sequence[Mapping[str, bytes]]) -> str:
    """Write the page.

    Args:
        report: what to show.
        figures: PNG files by name, one mapping a model, as `diagnosis_figures` gives them.

    Returns:
        A complete HTML document.
    """
    models = []
    for model, drawn in zip(report.models, figures, strict=True):
        scores, classes, *others = model_sheets(report, model)
        models.append(
            {
                "name": model.model,
                "headline": headline(report, model),
                "selection": selection_sentence(model),
                "scores": scores,
                "classes": classes,
                "others": others,
                "figures": {name: data_uri("png", data) for name, data in drawn.items()},
            }
        )
    return page(
        "diagnosis.html.j2",
        report=report,
        models=models,
        between=models_sheets(report),
        threats=options_sheet(report),
        files="diagnosis.json, class_scores.csv and comparisons.csv",
    )


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
    from art_segplugin.report.plots import diagnosis_figures

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
