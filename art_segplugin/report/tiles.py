"""The six pictures that show what an attack does to one image, each with its caption."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from art_segplugin.data.palettes import Colour, Palette
from art_segplugin.errors import InputError
from art_segplugin.evaluation.result import Example
from art_segplugin.report.overlays import (
    ALREADY_WRONG,
    NEWLY_WRONG,
    VOID,
    ClassMap,
    Picture,
    overlay,
    wrong_pixels,
)
from art_segplugin.report.summary import title


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
