"""True classes beside a picture, or one sentence on why they cannot be used."""

from pathlib import Path

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin_gui.session.frames import ClassMap


def read_labels(
    path: Path, size: tuple[int, int], void: int | None = None
) -> tuple[ClassMap | None, str]:
    """Read a label map of class indices, or of colours that only one palette can mean.

    Args:
        path: PNG file.
        size: height and width of its picture.
        void: value that marks void in a CamVid file; None for any other file.

    Returns:
        Labels, uint8 (h, w) with 255 for void, and ""; or None and a sentence.
    """
    try:
        labels = _unambiguous(path, void)
    except InputError as error:
        return None, f"Labels are not used: {error}"
    if labels.shape != size:
        return None, (
            f"Labels are not used: {path.name} is {labels.shape[1]} x {labels.shape[0]} pixels but "
            f"its picture is {size[1]} x {size[0]}; give both the same size."
        )
    return labels, ""


def _unambiguous(path: Path, void: int | None) -> ClassMap:
    from art_segplugin.data.palettes import CAMVID, PALETTES, numbered_palette
    from art_segplugin.data.pictures import read_label_map

    if void is not None:
        return read_label_map(path, CAMVID, void)
    numbers = numbered_palette()
    try:
        found = [(numbers, read_label_map(path, numbers))]
    except InputError as error:
        found, first_error = [], error
    for palette in PALETTES.values():
        try:
            found.append((palette, read_label_map(path, palette)))
        except InputError:
            continue
    if not found:
        raise first_error
    for palette, labels in found[1:]:
        if not np.array_equal(labels, found[0][1]):
            raise InputError(
                f"the colours of label map {path} mean one thing in palette {found[0][0].name!r} "
                f"and another in {palette.name!r}; save class indices instead."
            )
    return found[0][1]
