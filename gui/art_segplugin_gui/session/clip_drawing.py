"""Pictures of the videos that show a clip: predictions side by side, and over their images."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from art_segplugin.data.palettes import Palette
from art_segplugin.report.panel import font, overlay, shortened
from art_segplugin.scores import Scores
from art_segplugin_gui.session.figures import percent, share
from art_segplugin_gui.session.frames import ClassMap, Picture

STRIP = 28
"""Height of the line above a picture, in pixels; even, as codecs want all sides."""
TEXT_SIZE = 15
PAPER = (32, 34, 38)
INK = (235, 235, 235)
MARGIN = 6


def caption(title: str, score: Scores) -> str:
    """The line above a prediction, such as "A clean  mIoU .859  error 1.1 %"."""
    against = "" if score.labelled else "  vs clean prediction"
    return f"{title}  mIoU {share(score.miou)}  error {percent(score.mis_ratio)}{against}"


def tile(image: Picture, prediction: ClassMap, palette: Palette, text: str) -> Picture:
    """A prediction over its image with a line above.

    Args:
        image: RGB, uint8 (h, w, 3), even sides.
        prediction: classes, uint8 (h, w).
        palette: their colours.
        text: the line; what does not fit is left out.

    Returns:
        RGB, uint8 (h + STRIP, w, 3).
    """
    strip = Image.new("RGB", (image.shape[1], STRIP), PAPER)
    pen = ImageDraw.Draw(strip)
    line = shortened(text, image.shape[1] - 2 * MARGIN, TEXT_SIZE)
    pen.text((MARGIN, (STRIP - TEXT_SIZE) // 2 - 1), line, INK, font(TEXT_SIZE))
    drawn: Picture = np.vstack([np.asarray(strip), overlay(image, prediction, palette)])
    return drawn


def grid(rows: Sequence[Sequence[Picture]]) -> Picture:
    """Tiles of one size in rows, RGB uint8."""
    joined: Picture = np.vstack([np.hstack(row) for row in rows])
    return joined
