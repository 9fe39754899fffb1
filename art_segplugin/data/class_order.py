"""The order of classification data sets, and the validation images held out where there are none."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

import torch

from art_segplugin.core.types import NO_VOID
from art_segplugin.data.palettes import Palette, numbered_colours
from art_segplugin.errors import InputError

SPLITS = ("train", "val", "test")
HELD_OUT = 10
"""One in so many training images is held out for validation."""

Item = TypeVar("Item")


def in_turn(groups: Iterable[Sequence[Item]]) -> list[tuple[int, Item]]:
    """Order items class by class in turn, so that every prefix is balanced.

    Args:
        groups: The items of each class.

    Returns:
        (class, item): item 0 of each class, then item 1 of each class that has one, and so on.
    """
    ranked = [
        (rank, number, item)
        for number, items in enumerate(groups)
        for rank, item in enumerate(items)
    ]
    ranked.sort(key=lambda entry: entry[:2])
    return [(number, item) for _, number, item in ranked]


def training_part(items: Sequence[Item]) -> list[Item]:
    """Return the nine tenths of one class that stay training images."""
    return [item for position, item in enumerate(items) if position % HELD_OUT != HELD_OUT - 1]


def validation_part(items: Sequence[Item]) -> list[Item]:
    """Return the tenth of one class that is held out: its images 9, 19, 29, ..."""
    return list(items[HELD_OUT - 1 :: HELD_OUT])


def share_out(
    groups: Sequence[Sequence[Item]], split: str, splits: Collection[str]
) -> Sequence[Sequence[Item]]:
    """Return the items of each class that belong to a split.

    Args:
        groups: The items of each class: of "train" where `split` is a "val" that is not there.
        split: "train", "val" or "test".
        splits: The splits that the data set has; without "val", "train" is shared out to both.
    """
    if "val" in splits or split == "test":
        return groups
    part = validation_part if split == "val" else training_part
    return [part(group) for group in groups]


def class_palette(name: str, classes: Sequence[str]) -> Palette:
    """Return a palette for the classes of a classification data set, with distinct colours.

    Nothing is void, so `ignore_index` is NO_VOID: 255 may well be a class.

    Raises:
        InputError: There are fewer than two classes.
    """
    if len(classes) < 2:
        raise InputError(
            f"{name} has {len(classes)} class{'' if len(classes) == 1 else 'es'} "
            f"({', '.join(classes) or 'none'}); classification needs at least 2"
        )
    colours = numbered_colours(len(classes) + 1)
    return Palette(name, tuple(classes), colours[:-1], NO_VOID, colours[-1])


def class_label(number: int) -> torch.Tensor:
    """Return a class as the labels of a sample: int64 of shape (1, 1)."""
    return torch.full((1, 1), number, dtype=torch.int64)


def check_split(split: str) -> None:
    """Refuse a split that is none of `SPLITS`."""
    if split not in SPLITS:
        raise InputError(f"split is {split!r}; expected one of {', '.join(SPLITS)}")
