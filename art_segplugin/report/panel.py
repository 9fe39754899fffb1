"""Images for people: class maps and errors as overlays, tiles with titles, a panel with legends."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from art_segplugin.data.palettes import Colour, Palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation.result import Example
from art_segplugin.report.summary import title


@lru_cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib: the same picture on every machine.

    Args:
        size: height in pixels.
        bold: the bold one.
    """
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size)


def shortened(text: str, width: float, size: int) -> str:
    """The text, or as much of its beginning as fits with an ellipsis.

    Args:
        text: one line.
        width: pixels that there are.
        size: of the font.
    """
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


Picture = NDArray[np.uint8]
ClassMap = NDArray[np.integer]

# Apart in lightness as well as in hue, so that colour-blind readers tell them apart.
NEWLY_WRONG = (225, 32, 42)
ALREADY_WRONG = (255, 180, 20)
VOID = (150, 150, 150)
WRONG_OPACITY = 0.85


def overlay(image: Picture, labels: ClassMap, palette: Palette, opacity: float = 0.65) -> Picture:
    """Blend the colours of a class map into an image; void pixels are hatched in grey.

    Args:
        image: RGB, uint8 (h, w, 3).
        labels: Class indices or `palette.ignore_index`, (h, w).
        palette: Colours of the classes.
        opacity: Weight of the class colours, 0..1.

    Returns:
        RGB picture, uint8 (h, w, 3).

    Raises:
        InputError: The shapes do not fit, the opacity is outside 0..1, or a label is unknown.
    """
    _check(image, labels=labels)
    if not 0 <= opacity <= 1:
        raise InputError(f"opacity is {opacity}; give a number from 0 to 1.")
    blended = _blend(image, palette.colourise(labels), opacity)
    void = labels == palette.ignore_index
    blended[void] = hatched(image)[void]
    return blended


def wrong_pixels(
    image: Picture,
    truth: ClassMap,
    clean: ClassMap,
    adversarial: ClassMap,
    ignore_index: int = 255,
) -> Picture:
    """Mark the wrong pixels of the adversarial prediction on a dimmed grey copy of the image.

    Red: right without the attack, wrong under it. Orange: wrong both times. A pixel that the attack
    happens to put right is not wrong and stays grey. Void pixels are hatched.

    Args:
        image: RGB, uint8 (h, w, 3).
        truth: True classes (h, w), `ignore_index` on void pixels.
        clean: Prediction for the image, (h, w).
        adversarial: Prediction for the adversarial image, (h, w).
        ignore_index: Label of void pixels.

    Returns:
        RGB picture, uint8 (h, w, 3).

    Raises:
        InputError: The shapes do not fit.
    """
    _check(image, truth=truth, clean=clean, adversarial=adversarial)
    picture = dimmed(image)
    void = truth == ignore_index
    wrong = (adversarial != truth) & ~void
    for colour, pixels in (
        (NEWLY_WRONG, wrong & (clean == truth)),
        (ALREADY_WRONG, wrong & (clean != truth)),
    ):
        flat = np.broadcast_to(np.array(colour, dtype=np.uint8), image.shape)
        picture[pixels] = _blend(picture, flat, WRONG_OPACITY)[pixels]
    picture[void] = hatched(image)[void]
    return picture


def dimmed(image: Picture) -> Picture:
    """A dark grey copy of an RGB picture, uint8 (h, w, 3)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    darker = cv2.convertScaleAbs(grey, alpha=0.45, beta=15)
    picture: Picture = np.repeat(darker[..., None], 3, axis=2)
    return picture


def hatched(image: Picture) -> Picture:
    """A dark grey copy of an RGB picture with diagonal stripes, uint8 (h, w, 3)."""
    height, width = image.shape[:2]
    period = max(4, max(height, width) // 48)
    diagonal = np.add.outer(np.arange(height), np.arange(width))
    stripes = diagonal % period < max(1, period // 3)
    picture = dimmed(image)
    picture[stripes] = VOID
    return picture


def _blend(below: Picture, above: Picture, opacity: float) -> Picture:
    blended: Picture = np.rint((1 - opacity) * below + opacity * above).astype(np.uint8)
    return blended


def _check(image: Picture, **maps: ClassMap) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"image is {image.dtype} of shape {image.shape}; give RGB as uint8 (h, w, 3)."
        )
    for name, values in maps.items():
        if values.shape != image.shape[:2]:
            raise InputError(
                f"{name} has shape {values.shape} for an image of {image.shape[:2]}; "
                "give one class per pixel."
            )


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture and what stands above it.

    Attributes:
        title: What it is, such as "Clean prediction".
        note: What it shows, such as "91.2 % right".
        picture: RGB, uint8 (h, w, 3).
    """

    title: str
    note: str
    picture: Picture


class Words(NamedTuple):
    """What the pictures say, which depends on where the truth comes from."""

    truth: str
    right: str
    wrong_pixels: str
    newly_wrong: str

    @classmethod
    def against(cls, reference: str) -> "Words":
        """Words for a `RobustnessReport.reference`."""
        if reference == "labels":
            return cls("Truth", "right", "Wrong pixels", "newly wrong")
        return cls("Reference", "unchanged", "Changed pixels", "changed")


def clean_tiles(example: Example, palette: Palette, reference: str = "labels") -> list[Tile]:
    """Image, truth and clean prediction.

    Args:
        example: What to show.
        palette: Names and colours of the classes.
        reference: `RobustnessReport.reference`: where the truth comes from.

    Raises:
        InputError: A class map does not fit the image or holds an unknown label.
    """
    words = Words.against(reference)
    return [
        Tile("Image", example.name, example.image),
        Tile(words.truth, reference, overlay(example.image, example.truth, palette)),
        Tile(
            "Clean prediction",
            _right(example, example.clean, palette, words),
            overlay(example.image, example.clean, palette),
        ),
    ]


def attack_tiles(
    example: Example, palette: Palette, attack: str, reference: str = "labels"
) -> list[Tile]:
    """Adversarial image, adversarial prediction and wrong pixels.

    Args:
        example: What to show.
        palette: Names and colours of the classes.
        attack: A key of `example.attacked`.
        reference: `RobustnessReport.reference`: where the truth comes from.

    Raises:
        InputError: The example was not attacked with `attack`, a class map does not fit the image
            or holds an unknown label.
    """
    if attack not in example.attacked:
        raise InputError(
            f"example {example.name!r} was not attacked with {attack!r}; "
            f"choose from {', '.join(example.attacked) or 'nothing'}."
        )
    words = Words.against(reference)
    image, prediction = example.attacked[attack]
    change = np.abs(image.astype(np.int16) - example.image.astype(np.int16)).max()
    return [
        Tile("Adversarial image", f"{title(attack)}, largest change {change}/255", image),
        Tile(
            "Adversarial prediction",
            _right(example, prediction, palette, words),
            overlay(image, prediction, palette),
        ),
        Tile(
            words.wrong_pixels,
            _newly_wrong(example, prediction, palette, words),
            wrong_pixels(
                example.image, example.truth, example.clean, prediction, palette.ignore_index
            ),
        ),
    ]


def error_legend(reference: str = "labels") -> list[tuple[str, Colour]]:
    """What the colours of the wrong pixels mean."""
    if reference != "labels":
        return [("changed under attack", NEWLY_WRONG), ("not scored (void)", VOID)]
    return [
        ("wrong under attack only", NEWLY_WRONG),
        ("wrong with and without it", ALREADY_WRONG),
        ("not scored (void)", VOID),
    ]


def classes_shown(example: Example, palette: Palette, attack: str) -> list[tuple[str, Colour]]:
    """Name and colour of each class in the truth or a prediction, in the palette's order."""
    maps = (example.truth, example.clean, example.attacked[attack][1])
    present = set().union(*(np.unique(labels).tolist() for labels in maps))
    return [
        (name, colour)
        for index, (name, colour) in enumerate(zip(palette.classes, palette.colours, strict=True))
        if index in present
    ]


def _right(example: Example, prediction: ClassMap, palette: Palette, words: Words) -> str:
    valid = example.truth != palette.ignore_index
    return _share(valid & (prediction == example.truth), valid, words.right)


def _newly_wrong(example: Example, prediction: ClassMap, palette: Palette, words: Words) -> str:
    valid = example.truth != palette.ignore_index
    was_right = valid & (example.clean == example.truth)
    return _share(was_right & (prediction != example.truth), valid, words.newly_wrong)


def _share(pixels: NDArray[np.bool_], valid: NDArray[np.bool_], what: str) -> str:
    if not valid.any():
        return "nothing to score"
    return f"{100 * pixels.sum() / valid.sum():.1f} % {what}"


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
