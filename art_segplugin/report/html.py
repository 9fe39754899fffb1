"""A report as one HTML page that needs nothing else: pictures are inside, nothing is fetched."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2

from art_segplugin.data.palettes import Palette
from art_segplugin.evaluation.result import Example, RobustnessReport
from art_segplugin.report.overlays import Picture
from art_segplugin.report.page import data_uri, page
from art_segplugin.report.summary import class_score_word, groups, headline, title
from art_segplugin.report.tables import (
    caption,
    class_heading,
    class_scores,
    score_rows,
    scores_header,
    threat_rows,
)
from art_segplugin.report.tiles import Tile, attack_tiles, clean_tiles, error_legend

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
        figures: PNG files by name; the page shows those it knows: curves, iou, confusion-clean and
            confusion-attacked.

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
        caption=caption(report),
        groups=groups(report),
        scores_header=scores_header(report),
        scores=score_rows(report),
        classes=class_scores(report),
        class_heading=class_heading(report),
        class_word=class_score_word(report),
        threat_header=threat_header,
        threats=threats,
        figures={name: data_uri("png", data) for name, data in figures.items()},
        attacks={name: title(name) for name in attacks},
        examples=[_shown(example, palette, report.reference) for example in examples],
        legend_of_classes=list(zip(palette.classes, palette.colours, strict=True)),
        error_legend=error_legend(report.reference),
    )


def _shown(example: Example, palette: Palette, reference: str) -> dict[str, Any]:
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
