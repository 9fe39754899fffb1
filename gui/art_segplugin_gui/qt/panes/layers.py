"""What a pane paints: a picture, and indexed layers over it. Pure, and cheap enough for every repaint."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from art_segplugin_gui.qt.panes.colours import (
    CLEAR,
    Rgb,
    Table,
    argb,
    class_table,
    confidence_table,
    padded,
    weights_table,
)
from art_segplugin_gui.qt.panes.hatching import DOTS, FALLING, RISING, hatching
from art_segplugin_gui.qt.panes.maps import (
    ALREADY,
    HEALED,
    IGNORED,
    NEWLY,
    pair_codes,
    restricted,
    verdicts,
)
from art_segplugin_gui.qt.panes.safe import safe_colours
from art_segplugin_gui.session.frames import Picture, Prediction
from art_segplugin_gui.session.state import View

_FILL, _INK = 150, 255  # alpha of a wrong pixel, and of the hatching on it
_WRONG: tuple[Rgb, Rgb] = (235, 25, 45), (110, 0, 10)
_BEFORE: tuple[Rgb, Rgb] = (255, 160, 20), (120, 60, 0)
_HEALED: tuple[Rgb, Rgb] = (0, 190, 200), (0, 50, 90)
# Vermilion, yellow and blue of Okabe and Ito: apart in lightness for every eye.
_SAFE_WRONG: tuple[Rgb, Rgb] = (213, 94, 0), (70, 20, 0)
_SAFE_BEFORE: tuple[Rgb, Rgb] = (240, 228, 66), (110, 90, 0)
_SAFE_HEALED: tuple[Rgb, Rgb] = (40, 140, 220), (0, 30, 80)
_SHOWN = {
    "error": frozenset({NEWLY, ALREADY}),
    "newly wrong": frozenset({NEWLY}),
    "healed": frozenset({HEALED}),
}
_WORDS = {NEWLY: "newly wrong", ALREADY: "wrong on the clean image too", HEALED: "healed"}
_BITS = {NEWLY: RISING, ALREADY: FALLING, HEALED: DOTS}


@dataclass(frozen=True, eq=False)
class Layer:
    """An indexed picture over the image.

    Attributes:
        array: index of every pixel, uint8 (h, w), contiguous; nobody writes into it again.
        table: 256 colours, 0xAARRGGBB; the same object as long as the colours are the same.
        opacity: of the whole layer, 0..1.
    """

    array: NDArray[np.uint8]
    table: Table
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Key:
    """One entry of the legend.

    Attributes:
        text: what the colour means.
        swatch: uint8 (h, w), painted with `table`.
        table: 256 colours, 0xAARRGGBB.
    """

    text: str
    swatch: NDArray[np.uint8]
    table: Table


@dataclass(frozen=True, eq=False)
class Composition:
    """All that a pane paints of a side.

    Attributes:
        base: RGB, uint8 (h, w, 3).
        layers: painted over it in this order.
        note: why there is less to see than one would expect; empty otherwise.
        keys: legend of the layer, the most important entry first.
        more: entries that the legend leaves out.
        name: of the layer that is asked for.
    """

    base: Picture
    layers: tuple[Layer, ...] = ()
    note: str = ""
    keys: tuple[Key, ...] = ()
    more: int = 0
    name: str = ""

    def looks_like(self, other: "Composition") -> bool:
        """Whether the other one is painted from the same arrays, tables and words."""
        return (
            self.base is other.base
            and self.note == other.note
            and len(self.layers) == len(other.layers)
            and all(
                a.array is b.array and a.table is b.table and a.opacity == b.opacity
                for a, b in zip(self.layers, other.layers, strict=True)
            )
            and [(key.text, id(key.table)) for key in self.keys]
            == [(key.text, id(key.table)) for key in other.keys]
        )


def compose(
    side: Prediction,
    clean: Prediction | None,
    view: View,
    colours: tuple[Rgb, ...],
    base: Picture | None = None,
) -> Composition:
    """What a pane paints of one side.

    Args:
        side: what is looked at.
        clean: the same model on the clean image; `side` itself for a clean pane; None where it is
            not known yet.
        view: what is shown of it, and how.
        colours: of the classes; `view.safe_colours` overrides them.
        base: painted in place of the side's image, as while its perturbation fades.
    """
    image = side.image if base is None else base
    if view.layer == "prediction":
        return _prediction(side, image, view, colours)
    if view.layer in _SHOWN:
        return _verdicts(side, clean, image, view, colours)
    if view.layer == "confidence":
        return _confidence(side, image, view)
    if view.layer == "perturbation":
        note = "" if side.delta is not None else "no perturbation here"
        return Composition(side.delta if side.delta is not None else _grey(image.shape), note=note)
    if view.layer == "weights":
        if side.weights is None:
            return Composition(image, note="no pixel weights here")
        layer = Layer(side.weights, weights_table(), view.opacity)
        return Composition(image, (layer,), keys=_ramp_key("pixel weight", weights_table()))
    return Composition(image)


def _prediction(
    side: Prediction, image: Picture, view: View, colours: tuple[Rgb, ...]
) -> Composition:
    palette = safe_colours(len(colours)) if view.safe_colours else colours
    if view.pair is not None:
        return Composition(image, (_pair_layer(side, view, palette),))
    table = class_table(palette, view.hidden, view.isolated)
    return Composition(image, (Layer(side.prediction, table, view.opacity),))


def _verdicts(
    side: Prediction, clean: Prediction | None, image: Picture, view: View, colours: tuple[Rgb, ...]
) -> Composition:
    if view.pair is not None:
        palette = safe_colours(len(colours)) if view.safe_colours else colours
        return Composition(image, (_pair_layer(side, view, palette),))
    shown = _SHOWN[view.layer]
    table = verdict_table(shown, view.safe_colours)
    keys = tuple(Key(_WORDS[code], _swatch(code), table) for code in sorted(shown))
    note = ""
    if view.layer != "error" and clean is side:
        # A pane without marks would look like a model without fault.
        note = f"the clean image: nothing is {view.layer} here"
    elif view.layer == "healed" and clean is None:
        note = "no clean prediction to compare with"
    layer = Layer(verdicts(side, clean, view), table, view.opacity)
    return Composition(image, (layer,), note, keys)


def _pair_layer(side: Prediction, view: View, palette: tuple[Rgb, ...]) -> Layer:
    assert view.pair is not None
    true, predicted = view.pair
    return Layer(pair_codes(side, view.pair), pair_table(palette, true, predicted), 1.0)


def _confidence(side: Prediction, image: Picture, view: View) -> Composition:
    if side.confidence is None:
        return Composition(image, note="no confidence here")
    keys = _ramp_key("confidence", confidence_table())
    if view.hidden or view.isolated is not None or view.pair is not None:
        array = restricted(side, view)
        assert array is not None
        table = confidence_table(zero_is_clear=True)
        return Composition(image, (Layer(array, table, view.opacity),), keys=keys)
    layer = Layer(side.confidence, confidence_table(), view.opacity)
    return Composition(image, (layer,), keys=keys)


@lru_cache(maxsize=16)
def verdict_table(shown: frozenset[int], safe: bool) -> Table:
    """Colours of `maps.verdicts`.

    Args:
        shown: which of NEWLY, ALREADY and HEALED are painted; ignored pixels always are, faintly.
        safe: colours that colour-blind people can tell apart.
    """
    colours = {
        NEWLY: _SAFE_WRONG if safe else _WRONG,
        ALREADY: _SAFE_BEFORE if safe else _BEFORE,
        HEALED: _SAFE_HEALED if safe else _HEALED,
    }
    entries = [CLEAR] * (IGNORED + 2)
    for code in shown:
        fill, ink = colours[code]
        entries[code], entries[code + 1] = argb(fill, _FILL), argb(ink, _INK)
    entries[IGNORED + 1] = argb((128, 128, 128), 110)
    return padded(entries)


@lru_cache(maxsize=16)
def pair_table(palette: tuple[Rgb, ...], true: int, predicted: int) -> Table:
    """The predicted class's colour, hatched with the true one's, in an outline that stands out.

    Args:
        palette: colours of the classes.
        true: class of the pixels.
        predicted: class that they are taken for.
    """
    colours = [palette[i] if i < len(palette) else (128, 128, 128) for i in (predicted, true)]
    outline = argb((255, 235, 0))
    return padded([CLEAR, argb(colours[0], 200), argb(colours[1], 230), outline])


@lru_cache(maxsize=4)
def _grey(shape: tuple[int, ...]) -> Picture:
    grey = np.full(shape, 128, np.uint8)
    grey.setflags(write=False)
    return grey


@lru_cache(maxsize=4)
def _swatch(code: int) -> NDArray[np.uint8]:
    """A piece of a hatching."""
    swatch = (code + (hatching(14, 20) >> _BITS[code] & 1)).astype(np.uint8)
    swatch.setflags(write=False)
    return swatch


def _ramp_key(text: str, table: Table) -> tuple[Key, ...]:
    return (Key(f"{text} 0 to 1", _RAMP, table),)


_RAMP: NDArray[np.uint8] = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (14, 1))
_RAMP.setflags(write=False)
