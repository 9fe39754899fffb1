"""Reports from results, never from a model: tables, figures, pictures, one page."""

from art_segplugin.report.diagnosis_tables import model_sheets, models_sheets
from art_segplugin.report.panel import overlay, panel, wrong_pixels
from art_segplugin.report.summary import headline
from art_segplugin.report.tables import class_table, scores_table, write_csv, write_images_csv
from art_segplugin.report.write import write_report
from art_segplugin.report.write_diagnosis import write_diagnosis

__all__ = [
    "class_table",
    "headline",
    "model_sheets",
    "models_sheets",
    "overlay",
    "panel",
    "scores_table",
    "write_csv",
    "write_diagnosis",
    "write_images_csv",
    "write_report",
    "wrong_pixels",
]
