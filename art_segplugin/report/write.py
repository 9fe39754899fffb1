"""The report on attacks in one folder: an HTML page that needs nothing else, tables and plots."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.result import Example, RobustnessReport
from art_segplugin.files import write_bytes, write_text
from art_segplugin.report.page import data_uri, page
from art_segplugin.report.panel import Picture, Tile, attack_tiles, clean_tiles, error_legend, panel
from art_segplugin.report.summary import class_score_word, groups, headline, strongest, title
from art_segplugin.report.tables import (
    class_heading,
    class_scores,
    distance_sheet,
    score_rows,
    scores_caption,
    scores_header,
    threat_rows,
    with_distances,
    worst_case_sheet,
    write_csv,
    write_images_csv,
)

WIDEST_PICTURE = 960
JPEG_QUALITY = 80


def render(
    report: RobustnessReport,
    examples: Sequence[Example],
    palette: Palette,
    figures: Mapping[str, bytes],
) -> str:
    """Write the page.

    Args:
        report: Scores to show.
        examples: Images to show, with any of their attacks.
        palette: Names and colours of the classes of the examples.
        figures: PNG files by name; the page shows those it knows: curves, distances, iou,
            confusion-clean and confusion-attacked.

    Returns:
        A complete HTML document.

    Raises:
        InputError: A class map of an example does not fit its image or holds an unknown label.
    """
    attacks = dict.fromkeys(name for example in examples for name in example.attacked)
    threat_header, threats = threat_rows(report)
    return page(
        "template.html.j2",
        report=report,
        files="report.json, scores.csv and images.csv",
        headline=headline(report),
        caption=scores_caption(report),
        groups=groups(report),
        scores_header=scores_header(report),
        scores=score_rows(report),
        worst_case=worst_case_sheet(report),
        distances=distance_sheet(report),
        classes=class_scores(report),
        class_heading=class_heading(report),
        class_word=class_score_word(report),
        threat_header=threat_header,
        threats=threats,
        figures={name: data_uri("png", data) for name, data in figures.items()},
        attacks={name: title(name) for name in attacks},
        examples=[_example_tiles(example, palette, report.reference) for example in examples],
        legend_of_classes=list(zip(palette.classes, palette.colours, strict=True)),
        error_legend=error_legend(report.reference),
    )


def _example_tiles(example: Example, palette: Palette, reference: str) -> dict[str, Any]:
    return {
        "name": example.name,
        "clean": [_embedded(tile) for tile in clean_tiles(example, palette, reference)],
        "attacked": {
            attack: [_embedded(tile) for tile in attack_tiles(example, palette, attack, reference)]
            for attack in example.attacked
        },
    }


def _embedded(tile: Tile) -> dict[str, str]:
    return {"title": tile.title, "note": tile.note, "source": _jpeg(tile.picture)}


def _jpeg(picture: Picture) -> str:
    height, width = picture.shape[:2]
    if width > WIDEST_PICTURE:
        size = (WIDEST_PICTURE, max(1, round(height * WIDEST_PICTURE / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
    return data_uri("jpeg", data.tobytes())


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
    from art_segplugin.report.plots import (
        confusion_figure,
        curves_figure,
        distances_figure,
        iou_figure,
        png,
    )

    figures = {"iou": iou_figure(report)}
    if any(result.mis_ratio_curve for result in report.results):
        figures = {"curves": curves_figure(report)} | figures
    if with_distances(report):
        figures["distances"] = distances_figure(report)
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
    """`path`, numbered if another picture of this report is called so, but for case."""
    numbered, count = path, 1
    names = {one.name.casefold() for one in taken}
    while numbered.name.casefold() in names:
        count += 1
        numbered = path.with_name(f"{path.stem}-{count}{path.suffix}")
    return numbered


def _png(picture: Picture) -> bytes:
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return bytes(data.tobytes())
