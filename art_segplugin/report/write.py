"""All files of a report in one folder."""

import re
from collections.abc import Sequence
from pathlib import Path

import cv2

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.result import Example, RobustnessReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.csv_files import write_csv, write_images_csv
from art_segplugin.report.html import render
from art_segplugin.report.overlays import Picture
from art_segplugin.report.panel import panel
from art_segplugin.report.summary import strongest

LONGEST_NAME = 100


def write_report(
    report: RobustnessReport,
    examples: Sequence[Example],
    palette: Palette,
    folder: Path,
    *,
    overlays: bool = True,
) -> list[Path]:
    """Write report.json, CSV tables, figures, overlays/NAME-ATTACK.png and report.html.

    Each file is written whole or not at all. The page comes last: where it is, all else is.

    Args:
        report: Scores to write.
        examples: Images to draw, one picture for each of their attacks.
        palette: Names and colours of the classes of the examples.
        folder: Where to write; made if it does not exist. Files of the same name are replaced.
        overlays: Write the pictures as files too; they are on the page in any case.

    Returns:
        The files, in the order they were written.

    Raises:
        InputError: A file cannot be written, or a class map does not fit its image or holds an
            unknown label.
    """
    figures = _figures(report)
    page = render(report, examples, palette, figures)
    written = [folder / "report.json", folder / "scores.csv", folder / "images.csv"]
    report.save(written[0])
    write_csv(report, written[1])
    write_images_csv(report, written[2])
    for name, data in figures.items():
        written.append(folder / f"{name}.png")
        write_bytes(written[-1], data)
    for example in examples if overlays else ():
        for attack in example.attacked:
            path = _unused(
                folder / "overlays" / f"{_file_name(f'{example.name}-{attack}')}.png", written
            )
            write_bytes(path, _png(panel(example, palette, attack, report.reference)))
            written.append(path)
    written.append(folder / "report.html")
    write_text(written[-1], page)
    return written


def _figures(report: RobustnessReport) -> dict[str, bytes]:
    from art_segplugin.report.figures import confusion_figure, curves_figure, iou_figure, png

    figures = {"iou": iou_figure(report)}
    if any(result.mis_ratio_curve for result in report.results):
        figures = {"curves": curves_figure(report)} | figures
    figures["confusion-clean"] = confusion_figure(report.clean.counts, report.classes, "Clean")
    worst = strongest(report)
    if worst is not None:
        figures["confusion-attacked"] = confusion_figure(
            worst.results[0].counts, report.classes, worst.label
        )
    return {name: png(figure) for name, figure in figures.items()}


def _file_name(name: str) -> str:
    """`name` without anything that a file system takes for a folder, and not too long for one."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[-LONGEST_NAME:]


def _unused(path: Path, taken: Sequence[Path]) -> Path:
    """`path`, numbered if another picture of this report is already there."""
    numbered, count = path, 1
    while numbered in taken:
        count += 1
        numbered = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return numbered


def _png(picture: Picture) -> bytes:
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return bytes(data.tobytes())
