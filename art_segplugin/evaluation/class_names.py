"""Names and colours of a model's classes, from wherever they are known."""

import re
from collections.abc import Sequence
from dataclasses import replace

from art_segplugin.data.palettes import Palette, known_palette, numbered_colours, numbered_palette
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.models.info import BACKGROUND_COLOUR, default_colours

MOST_SYNONYMS = 0.1
"""Share of the classes that the model and the data may name differently."""


def palette_of(model: Segmenter, name: str | None) -> Palette:
    """The palette asked for, else the checkpoint's, else background and foreground, or numbers.

    Void is the model's. Label maps are not decoded by colours that were made up for a model's classes.
    Classes with names but without colours get colours of their own, none of them black.

    Raises:
        InputError: no palette of that name.
    """
    chosen, void = known_palette(name), model.ignore_index
    if chosen is None and model.info is not None and model.info.classes:
        names, known = model.info.classes, model.info.colours
        made_up = default_colours(len(names)) if len(names) <= 255 else ()
        colours = known or numbered_colours(len(names) + 1)[1:]
        return Palette("model", names, colours, void, decodes=bool(known) and known != made_up)
    if chosen is None and model.binary:
        colours = (BACKGROUND_COLOUR, *default_colours(1))
        return Palette("model", ("background", "foreground"), colours, void, decodes=False)
    chosen = chosen or numbered_palette(model.classes or 255)
    same = void == chosen.ignore_index or 0 <= void < len(chosen)
    return chosen if same else replace(chosen, ignore_index=void)


def reported_palette(model: Segmenter, data: Palette, asked: bool = False) -> Palette:
    """Names for scores of `model` on data with the classes `data`; `asked` for by their palette.

    Raises:
        InputError: the data name another number of classes than the model has, or other classes, or
            the same in another order.
    """
    if len(data) == model.classes:
        if model.info is not None and data.name not in ("model", numbered_palette().name):
            check_names(model.info.classes, data.classes)
        return data
    if data.name != numbered_palette().name:
        which = f"palette {data.name!r} has" if asked else "the data have"
        raise InputError(
            f"the model has {model.classes} classes and {which} {len(data)} "
            f"({', '.join(data.classes)}); {_fewer_channels(model, data)}train or choose a model for "
            "these data" + (f", or choose another palette than {data.name!r}." if asked else ".")
        )
    return palette_of(model, None)


def _fewer_channels(model: Segmenter, data: Palette) -> str:
    """What may make a model with more outputs fit."""
    if model.classes is None or model.classes < len(data):
        return ""
    return (
        f"if its first {len(data)} outputs are these, let its function return "
        f"Segmenter(network, channels=slice(0, {len(data)})), else "
    )


def check_names(model: Sequence[str], data: Sequence[str]) -> None:
    """Refuse classes that are others, or at other places, than the model's.

    A few names may be synonyms, as between lists of the classes of ImageNet; none may be that of
    the model's class at another place.
    """
    if len(model) != len(data) or any(map(_is_number, [*model, *data])):
        return
    ours, theirs = [[_letters(name) for name in names] for names in (model, data)]
    places = {name: place for place, name in enumerate(ours) if ours.count(name) == 1}
    differing = [place for place, name in enumerate(theirs) if ours[place] != name]
    moved = [
        place for place in differing if theirs[place] in places and theirs.count(theirs[place]) == 1
    ]
    if moved or len(differing) > MOST_SYNONYMS * len(data):
        place = (moved or differing)[0]
        raise InputError(
            f"class {place} is {model[place]!r} to the model and {data[place]!r} in the data "
            f"(the model's are {_listed(model)}; the data's {_listed(data)}); choose a model of the "
            "classes of these data, in their order."
        )


def _letters(name: str) -> str:
    """A name without what lists of the same classes write differently: case, spaces, underscores."""
    return "".join(filter(str.isalnum, name.casefold()))


def _is_number(name: str) -> bool:
    """Whether a name is but a number or a code: "7", "LABEL_7", "n01440764" of ImageNet."""
    return re.fullmatch(r"(n|id|class|label)?[\s_-]*\d+", name.casefold()) is not None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def class_index(target: str, palette: Palette, option: str = "target") -> int:
    """A class given by name or index.

    Args:
        target: the name or index.
        palette: the classes.
        option: what it is given for, for messages.

    Raises:
        InputError: no class of that name.
    """
    if target.isdecimal():
        return int(target)
    if target not in palette.classes:
        raise InputError(
            f"{option} {target!r} is no class; choose from {', '.join(palette.classes)}."
        )
    return palette.classes.index(target)
