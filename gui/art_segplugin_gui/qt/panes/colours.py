"""Colour tables of the panes: classes and ramps."""

from functools import lru_cache

Rgb = tuple[int, int, int]
"""Red, green and blue, 0..255."""
Table = tuple[int, ...]
"""256 colours as 0xAARRGGBB, for the 256 values of an indexed picture."""

CLEAR = 0

_VIRIDIS: tuple[Rgb, ...] = (
    (68, 1, 84),
    (72, 24, 106),
    (71, 45, 123),
    (66, 64, 134),
    (59, 82, 139),
    (51, 99, 141),
    (44, 114, 142),
    (38, 130, 142),
    (33, 145, 140),
    (31, 160, 136),
    (40, 174, 128),
    (63, 188, 115),
    (94, 201, 98),
    (132, 212, 75),
    (173, 220, 48),
    (216, 226, 25),
    (253, 231, 37),
)
_MAGMA: tuple[Rgb, ...] = (
    (0, 0, 4),
    (29, 17, 71),
    (81, 18, 124),
    (131, 38, 129),
    (183, 55, 121),
    (231, 82, 99),
    (252, 137, 97),
    (254, 196, 136),
    (252, 253, 191),
)


def argb(colour: Rgb, alpha: int = 255) -> int:
    """A colour as 0xAARRGGBB.

    Args:
        colour: red, green and blue, 0..255.
        alpha: 0 is clear, 255 is opaque.
    """
    red, green, blue = colour
    return (alpha << 24) | (red << 16) | (green << 8) | blue


def padded(entries: list[int]) -> Table:
    """These colours, and clear ones for all higher values."""
    return tuple(entries + [CLEAR] * (256 - len(entries)))


@lru_cache(maxsize=32)
def class_table(
    colours: tuple[Rgb, ...], hidden: frozenset[int] = frozenset(), isolated: int | None = None
) -> Table:
    """Colours of a label map; what is hidden, void or no class at all is clear.

    Args:
        colours: one for each class.
        hidden: classes that are not painted.
        isolated: the only class that is painted; None for all.
    """

    def shown(index: int) -> bool:
        return index not in hidden and isolated in (None, index)

    return padded([argb(c) if shown(i) else CLEAR for i, c in enumerate(colours[:255])])


def _ramp(anchors: tuple[Rgb, ...]) -> list[Rgb]:
    """256 colours through evenly spaced ones."""
    ramp: list[Rgb] = []
    for value in range(256):
        whole, rest = divmod(value * (len(anchors) - 1), 255)
        low, high = anchors[whole], anchors[min(whole + 1, len(anchors) - 1)]
        red, green, blue = (round(a + (b - a) * rest / 255) for a, b in zip(low, high, strict=True))
        ramp.append((red, green, blue))
    return ramp


@lru_cache(maxsize=4)
def confidence_table(*, zero_is_clear: bool = False) -> Table:
    """Dark blue for no confidence, yellow for full confidence; equal steps look equal.

    Args:
        zero_is_clear: value 0 stands for pixels that are not painted.
    """
    table = [argb(colour) for colour in _ramp(_VIRIDIS)]
    return tuple([CLEAR, *table[1:]] if zero_is_clear else table)


@lru_cache(maxsize=1)
def weights_table() -> Table:
    """From clear, for a pixel that does not count, to bright for one that counts most."""
    colours = enumerate(_ramp(_MAGMA))
    return tuple(argb(colour, min(255, value * 2)) if value else CLEAR for value, colour in colours)
