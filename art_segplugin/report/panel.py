"""One picture for people: image, truth and predictions side by side, with titles and a legend."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from art_segplugin.data.palettes import Colour, Palette
from art_segplugin.evaluation.result import Example
from art_segplugin.report.lettering import font, shortened
from art_segplugin.report.overlays import Picture
from art_segplugin.report.tiles import (
    Tile,
    attack_tiles,
    classes_shown,
    clean_tiles,
    error_legend,
)

TILE = 480
MARGIN = 16
TITLE_SIZE = 25
NOTE_SIZE = 21
HEADING = 68
LEGEND_LINE = 36
SWATCH = 24
PAPER = (255, 255, 255)
INK = (20, 24, 32)
FAINT_INK = (90, 96, 108)


def panel(
    example: Example,
    palette: Palette,
    attack: str,
    reference: str = "labels",
    *,
    whole_legend: bool = False,
) -> Picture:
    """Draw image, truth, clean prediction over adversarial image, its prediction, wrong pixels.

    Args:
        example: What to show.
        palette: Names and colours of the classes.
        attack: A key of `example.attacked`.
        reference: `RobustnessReport.reference`: where the truth comes from.
        whole_legend: name all classes, also those that do not occur, so that the frames of a video
            are of one size.

    Returns:
        RGB picture, uint8 (height, 1504, 3).

    Raises:
        InputError: The example was not attacked with `attack`, a class map does not fit the image
            or holds an unknown label.
    """
    rows = [
        clean_tiles(example, palette, reference),
        attack_tiles(example, palette, attack, reference),
    ]
    height, width = _tile_size(example.image)
    grid_width = 3 * TILE + 4 * MARGIN
    names = list(zip(palette.classes, palette.colours, strict=True))
    legends = [
        _legend_lines(
            names if whole_legend else classes_shown(example, palette, attack), grid_width
        ),
        _legend_lines(error_legend(reference), grid_width),
    ]
    lines = [line for legend in legends for line in legend]
    grid_height = 2 * (HEADING + height + MARGIN)
    page = Image.new("RGB", (grid_width, grid_height + MARGIN + len(lines) * LEGEND_LINE), PAPER)
    pen = ImageDraw.Draw(page)
    for row, tiles in enumerate(rows):
        for column, tile in enumerate(tiles):
            left = MARGIN + column * (TILE + MARGIN)
            top = row * (HEADING + height + MARGIN)
            _draw_heading(pen, tile, left, top)
            picture = Image.fromarray(_resized(tile.picture, height, width))
            page.paste(picture, (left, top + HEADING))
    for index, line in enumerate(lines):
        _draw_legend_line(pen, line, grid_height + MARGIN // 2 + index * LEGEND_LINE)
    return np.asarray(page)


def _tile_size(image: Picture) -> tuple[int, int]:
    height, width = image.shape[:2]
    scale = TILE / max(height, width)
    return max(1, round(scale * height)), max(1, round(scale * width))


def _resized(picture: Picture, height: int, width: int) -> Picture:
    """Small pictures keep their pixels visible, large ones are averaged."""
    method = cv2.INTER_NEAREST if height >= picture.shape[0] else cv2.INTER_AREA
    resized: Picture = cv2.resize(picture, (width, height), interpolation=method)
    return resized


def _draw_heading(pen: ImageDraw.ImageDraw, tile: Tile, left: int, top: int) -> None:
    pen.text((left, top + 10), tile.title, INK, font(TITLE_SIZE, bold=True))
    note = shortened(tile.note, TILE, NOTE_SIZE)
    pen.text((left, top + 39), note, FAINT_INK, font(NOTE_SIZE))


def _legend_lines(
    entries: Sequence[tuple[str, Colour]], width: int
) -> list[list[tuple[int, str, Colour]]]:
    """Break a legend into lines of (x, name, colour) that are at most `width` wide."""
    lines: list[list[tuple[int, str, Colour]]] = [[]]
    x = MARGIN
    for full_name, colour in entries:
        name = shortened(full_name, width - 2 * MARGIN - SWATCH - 8, NOTE_SIZE)
        advance = SWATCH + 8 + round(font(NOTE_SIZE).getlength(name))
        if lines[-1] and x + advance > width - MARGIN:
            lines.append([])
            x = MARGIN
        lines[-1].append((x, name, colour))
        x += advance + 22
    return lines


def _draw_legend_line(
    pen: ImageDraw.ImageDraw, line: Sequence[tuple[int, str, Colour]], top: int
) -> None:
    for x, name, colour in line:
        box = (x, top + 4, x + SWATCH, top + 4 + SWATCH)
        pen.rounded_rectangle(box, radius=4, fill=colour, outline=FAINT_INK)
        pen.text((x + SWATCH + 8, top + 3), name, INK, font(NOTE_SIZE))
