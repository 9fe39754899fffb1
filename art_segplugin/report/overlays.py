"""Class maps and errors drawn over the image they belong to."""

import cv2
import numpy as np
from numpy.typing import NDArray

from art_segplugin.data.palettes import Palette
from art_segplugin.errors import InputError

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
