"""What panes show as pictures of files: each layer over, or in place of, its image."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from art_segplugin.data.palettes import Palette
from art_segplugin.report.panel import (
    NEWLY_WRONG,
    WRONG_OPACITY,
    dimmed,
    overlay,
    wrong_pixels,
)
from art_segplugin_gui.session.frames import VOID, Clean, Picture, PixelMap, Prediction

HEALED = (0, 158, 115)
"""Bluish green of Okabe and Ito: apart from the red of what is wrong for any colour vision."""


def palette(clean: Clean) -> Palette:
    """Names and colours of the classes."""
    return Palette("model", clean.classes, clean.colours, VOID)


def pictures(
    side: Prediction, clean: Prediction, colours: Palette, opacity: float
) -> Iterator[tuple[str, Picture | PixelMap]]:
    """A model's adversarial image and every layer of it, by the end of their files' names.

    Args:
        side: the model under attack.
        clean: the same model on the picture itself.
        colours: of the classes.
        opacity: of the class colours over the image, 0..1.

    Yields:
        A name in `export_names.LAYER_FILES`, and RGB uint8 (h, w, 3), or uint8 (h, w) where a layer
        is one share a pixel.
    """
    yield "prediction", overlay(side.image, side.prediction, colours, opacity)
    yield "error", wrong_pixels(side.image, side.reference, clean.prediction, side.prediction)
    counted = side.reference != VOID
    wrong = (side.prediction != side.reference) & counted
    before = (clean.prediction != clean.reference) & counted
    yield "newly-wrong", _marked(side.image, wrong & ~before, NEWLY_WRONG)
    yield "healed", _marked(side.image, before & ~wrong, HEALED)
    if side.confidence is not None:
        yield "confidence", side.confidence
    if side.delta is not None:
        yield "perturbation-x10", side.delta
    if side.weights is not None:
        yield "weights", side.weights


def layer(
    side: Prediction, clean: Prediction, colours: Palette, name: str, opacity: float
) -> Picture:
    """One layer as a pane shows it; the image itself where the layer is not there.

    Args:
        side: what is looked at; may be `clean` itself.
        clean: the same model on the picture itself.
        colours: of the classes.
        name: one of `state.LAYERS`.
        opacity: of the class colours over the image, 0..1.

    Returns:
        RGB, uint8 (h, w, 3).
    """
    wanted = name.replace(" ", "-").replace("perturbation", "perturbation-x10")
    found = dict(pictures(side, clean, colours, opacity)).get(wanted, side.image)
    return found if found.ndim == 3 else np.dstack([found] * 3)


def _marked(image: Picture, pixels: NDArray[np.bool_], colour: tuple[int, int, int]) -> Picture:
    """Some pixels in a colour on a dimmed grey copy of the image."""
    picture = dimmed(image)
    mixed = (1 - WRONG_OPACITY) * picture[pixels] + WRONG_OPACITY * np.array(colour)
    picture[pixels] = np.rint(mixed).astype(np.uint8)
    return picture
