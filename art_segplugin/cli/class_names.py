"""Names and colours of a model's classes, from wherever they are known."""

from art_segplugin.data.catalog import known_palette
from art_segplugin.data.palettes import Palette, numbered_palette
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter


def palette_of(model: Segmenter, name: str | None) -> Palette:
    """The palette asked for, else the checkpoint's, else numbered classes.

    Raises:
        InputError: no palette of that name.
    """
    chosen = known_palette(name)
    if chosen is not None:
        return chosen
    if model.info is not None and model.info.colours:
        return Palette("model", model.info.classes, model.info.colours, model.ignore_index)
    return numbered_palette(model.classes or 255)


def reported_palette(model: Segmenter, data: Palette) -> Palette:
    """Names for scores of `model` on data with the classes `data`.

    Raises:
        InputError: the data name another number of classes than the model has.
    """
    if len(data) == model.classes:
        return data
    if data.name != numbered_palette().name:
        raise InputError(
            f"the model has {model.classes} classes and the data have {len(data)} "
            f"({', '.join(data.classes)}); train or choose a model for these data."
        )
    return palette_of(model, None)


def class_index(target: str, palette: Palette) -> int:
    """A class given by name or index.

    Raises:
        InputError: no class of that name.
    """
    if target.isdecimal():
        return int(target)
    if target not in palette.classes:
        raise InputError(
            f"target {target!r} is no class; choose from {', '.join(palette.classes)}."
        )
    return palette.classes.index(target)
