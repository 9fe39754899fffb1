"""A diagnosis as one HTML page that needs nothing else."""

from collections.abc import Mapping, Sequence

from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.report.diagnosis_tables import model_sheets, options_sheet
from art_segplugin.report.diagnosis_words import headline, selection_sentence
from art_segplugin.report.model_tables import models_sheets
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
