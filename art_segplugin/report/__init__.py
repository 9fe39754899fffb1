"""Reports from results, never from a model: tables, figures, pictures, one page."""

from art_segplugin.report.csv_files import write_csv, write_images_csv
from art_segplugin.report.overlays import overlay, wrong_pixels
from art_segplugin.report.panel import panel
from art_segplugin.report.summary import headline
from art_segplugin.report.tables import class_table, scores_table
from art_segplugin.report.write import write_report

__all__ = [
    "class_table",
    "headline",
    "overlay",
    "panel",
    "scores_table",
    "write_csv",
    "write_images_csv",
    "write_report",
    "wrong_pixels",
]
