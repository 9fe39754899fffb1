"""Class names and colours of label maps, and the two ways between indices and colours."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from art_segplugin.core.types import NO_VOID
from art_segplugin.errors import InputError

Colour = tuple[int, int, int]
NUMBERED = "numbered"
"""Name of the palette for classes without names."""


@dataclass(frozen=True)
class Palette:
    """Names and colours of the classes of one data set.

    Attributes:
        name: Name of the palette, for messages.
        classes: Class names; the position is the class index.
        colours: One RGB colour in 0..255 per class.
        ignore_index: Label of pixels that belong to no class (void).
        void_colour: Colour of void pixels; where a class has it too, it is the class's.
        decodes: Whether painted label maps are read by the colours. False where they were made up,
            to be looked at: nobody painted a label map with them.
    """

    name: str
    classes: tuple[str, ...]
    colours: tuple[Colour, ...]
    ignore_index: int = 255
    void_colour: Colour = (0, 0, 0)
    decodes: bool = True

    def __post_init__(self) -> None:
        """Refuse a palette whose parts do not fit together."""
        if len(self.classes) != len(self.colours):
            raise InputError(
                f"palette {self.name!r} names {len(self.classes)} classes but has "
                f"{len(self.colours)} colours; give one colour per class"
            )
        if 0 <= self.ignore_index < len(self.classes):
            raise InputError(
                f"palette {self.name!r} uses ignore_index {self.ignore_index}, which is also class "
                f"{self.classes[self.ignore_index]!r}; choose an index outside the classes"
            )

    def __len__(self) -> int:
        """Return the number of classes, void not counted."""
        return len(self.classes)

    @property
    def numbered(self) -> bool:
        """Whether the classes have numbers for names, see `numbered_palette`."""
        return self.name == NUMBERED

    def unknown_labels(self, labels: npt.NDArray[np.integer]) -> list[int]:
        """Return the values of a label map that are neither a class nor void, in order."""
        values = np.unique(labels)
        known = ((values >= 0) & (values < len(self))) | (values == self.ignore_index)
        return [int(value) for value in values[~known]]

    def colourise(self, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """Paint a label map.

        Args:
            labels: Integers of shape (h, w): class indices or `ignore_index`.

        Returns:
            RGB image, uint8 of shape (h, w, 3).

        Raises:
            InputError: A label is neither a class of the palette nor `ignore_index`.
        """
        labels = np.asarray(labels)
        if unknown := self.unknown_labels(labels):
            raise InputError(
                f"labels {unknown} are not in palette {self.name!r}: expected 0..{len(self) - 1} "
                f"or {self.ignore_index} for void"
            )
        table = np.array([*self.colours, self.void_colour], dtype=np.uint8)
        painted: npt.NDArray[np.uint8] = table[
            np.where(labels == self.ignore_index, len(self), labels)
        ]
        return painted

    def indices(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.integer]:
        """Read a label map painted in colours; the inverse of `colourise`.

        Args:
            image: RGB, uint8 of shape (h, w, 3), holding colours of the palette only.

        Returns:
            Label map of shape (h, w): uint8 where it holds all labels, else int64.

        Raises:
            InputError: The image holds a colour that the palette does not know, or that two of its
                classes have.
        """
        codes = _code(image)
        known = _code(np.array([*self.colours, self.void_colour], dtype=np.uint8))
        order = np.argsort(known, kind="stable")
        position = np.minimum(np.searchsorted(known[order], codes), len(known) - 1)
        found = order[position]
        wrong = known[found] != codes
        if wrong.any():
            raise InputError(
                f"colours {listed_colours(image[wrong])} are not in palette {self.name!r}; use the colours of the "
                "palette or a label map of class indices"
            )
        for first, second in _same_colours(self.colours):
            if (found == first).any():
                raise InputError(
                    f"colour {self.colours[first]} is that of {self.classes[first]!r} and of "
                    f"{self.classes[second]!r} in palette {self.name!r}; use a label map of class "
                    "indices"
                )
        fits = len(self) <= 256 and 0 <= self.ignore_index <= 255
        labels: npt.NDArray[np.integer] = np.where(
            found == len(self), self.ignore_index, found
        ).astype(np.uint8 if fits else np.int64)
        return labels

    def knows(self, colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Tell of RGB colours of shape (..., 3) which are those of a class or of void."""
        known = _code(np.array([*self.colours, self.void_colour], dtype=np.uint8))
        return np.isin(_code(colours), known)


def _code(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """Pack RGB triples of shape (..., 3) into one integer each."""
    wide = np.asarray(colours).astype(np.int32)
    packed: npt.NDArray[np.int32] = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def listed_colours(colours: npt.NDArray[np.uint8]) -> str:
    """Name the first colours of an array of shape (..., 3), for messages."""
    different = np.unique(colours.reshape(-1, 3), axis=0)
    shown = ", ".join(str(tuple(int(v) for v in colour)) for colour in different[:5])
    return shown + (f" and {len(different) - 5} more" if len(different) > 5 else "")


def _same_colours(colours: tuple[Colour, ...]) -> list[tuple[int, int]]:
    """Pairs of classes of one colour, the first of them and another."""
    first: dict[Colour, int] = {}
    for index, colour in enumerate(colours):
        first.setdefault(colour, index)
    return [(first[c], index) for index, c in enumerate(colours) if first[c] != index]


def numbered_colours(count: int) -> tuple[Colour, ...]:
    """Return distinct colours for the numbers below `count` (at most 2**24).

    They spread the bits of the number over the three channels, as PASCAL VOC does.
    """
    bits = np.arange(8)
    numbers = np.arange(count)[:, None, None] >> (3 * bits[:, None] + np.arange(3)) & 1
    colours = (numbers << (7 - bits[:, None])).sum(axis=1)
    return tuple((int(r), int(g), int(b)) for r, g, b in colours)


def numbered_palette(count: int = 255) -> Palette:
    """Return a palette for labels without names: class "7" has the colour of number 7.

    Void is 255, or nothing where 255 is a class.
    """
    names = tuple(str(number) for number in range(count))
    void = 255 if count <= 255 else NO_VOID
    return Palette(NUMBERED, names, numbered_colours(count), void, (224, 224, 192), decodes=False)


def _hex(colour: str) -> Colour:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def _palette(name: str, table: dict[str, Colour], void_colour: Colour = (0, 0, 0)) -> Palette:
    return Palette(name, tuple(table), tuple(table.values()), void_colour=void_colour)


SCENES = _palette(
    "scenes",
    {
        "road": (128, 64, 128),
        "lane marking": (240, 240, 220),
        "sidewalk": (244, 35, 232),
        "terrain": (152, 251, 152),
        "building": (90, 90, 100),
        "vegetation": (107, 142, 35),
        "pole": (190, 153, 153),
        "sign": (250, 190, 20),
        "car": (20, 60, 200),
        "person": (220, 20, 60),
        "sky": (70, 130, 180),
    },
)

CAMVID = _palette(
    "camvid",
    {
        "sky": (128, 128, 128),
        "building": (128, 0, 0),
        "pole": (192, 192, 128),
        "road": (128, 64, 128),
        "pavement": (60, 40, 222),
        "tree": (128, 128, 0),
        "sign symbol": (192, 128, 128),
        "fence": (64, 64, 128),
        "car": (64, 0, 128),
        "pedestrian": (64, 64, 0),
        "bicyclist": (0, 128, 192),
    },
)

CITYSCAPES = _palette(
    "cityscapes",
    {
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "building": (70, 70, 70),
        "wall": (102, 102, 156),
        "fence": (190, 153, 153),
        "pole": (153, 153, 153),
        "traffic light": (250, 170, 30),
        "traffic sign": (220, 220, 0),
        "vegetation": (107, 142, 35),
        "terrain": (152, 251, 152),
        "sky": (70, 130, 180),
        "person": (220, 20, 60),
        "rider": (255, 0, 0),
        "car": (0, 0, 142),
        "truck": (0, 0, 70),
        "bus": (0, 60, 100),
        "train": (0, 80, 100),
        "motorcycle": (0, 0, 230),
        "bicycle": (119, 11, 32),
    },
)

VOC = _palette(
    "voc",
    {
        "background": (0, 0, 0),
        "aeroplane": (128, 0, 0),
        "bicycle": (0, 128, 0),
        "bird": (128, 128, 0),
        "boat": (0, 0, 128),
        "bottle": (128, 0, 128),
        "bus": (0, 128, 128),
        "car": (128, 128, 128),
        "cat": (64, 0, 0),
        "chair": (192, 0, 0),
        "cow": (64, 128, 0),
        "dining table": (192, 128, 0),
        "dog": (64, 0, 128),
        "horse": (192, 0, 128),
        "motorbike": (64, 128, 128),
        "person": (192, 128, 128),
        "potted plant": (0, 64, 0),
        "sheep": (128, 64, 0),
        "sofa": (0, 192, 0),
        "train": (128, 192, 0),
        "tv monitor": (0, 64, 128),
    },
    void_colour=(224, 224, 192),
)

# Names and colours of the SceneParsing benchmark (Zhou et al., IJCV 2019) as mmsegmentation has them.
# Its colour of road is also that of skyscraper, which has one of its own here.
_ADE20K_CLASSES = """
wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk,
person, earth, door, table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf,
house, sea, mirror, rug, field, armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub,
railing, cushion, base, box, column, signboard, chest of drawers, counter, sand, sink,
skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool table, pillow,
screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill,
bench, countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade
machine, hovel, bus, towel, light, truck, tower, chandelier, awning, streetlight, booth,
television receiver, airplane, dirt track, apparel, pole, land, bannister, escalator, ottoman,
bottle, buffet, poster, stage, van, ship, fountain, conveyer belt, canopy, washer, plaything,
swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball, food,
step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket,
sculpture, hood, sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate,
monitor, bulletin board, shower, radiator, glass, clock, flag
"""
_ADE20K_COLOURS = """
787878 b47878 06e6e6 503232 04c803 787850 8c8c8c cc05ff e6e6e6 04fa07 e005ff ebff07 96053d
787846 08ff33 ff0652 8fff8c ccff04 ff3307 cc4603 0066c8 3de6fa ff0633 0b66ff ff0747 ff09e0
0907e6 dcdcdc ff095c 7009ff 08ffd6 07ffe0 ffb806 0aff47 ff290a 07ffff e0ff08 6608ff ff3d06
ffc207 ff7a08 00ff14 ff0829 ff0599 0633ff eb0cff a09614 00a3ff 8c8cb4 fa0a0f 14ff00 1fff00
ff1f00 ffe000 99ff00 0000ff ff4700 00ebff 00adff 1f00ff 0bc8c8 ff5200 00fff5 003dff 00ff70
00ff85 ff0000 ffa300 ff6600 c2ff00 008fff 33ff00 0052ff 00ff29 00ffad 0a00ff adff00 00ff99
ff5c00 ff00ff ff00f5 ff0066 ffad00 ff0014 ffb8b8 001fff 00ff3d 0047ff ff00cc 00ffc2 00ff52
000aff 0070ff 3300ff 00c2ff 007aff 00ffa3 ff9900 00ff0a ff7000 8fff00 5200ff a3ff00 ffeb00
08b8aa 8500ff 00ff5c b800ff ff001f 00b8ff 00d6ff ff0070 5cff00 00e0ff 70e0ff 46b8a0 a300ff
9900ff 47ff00 ff00a3 ffcc00 ff008f 00ffeb 85ff00 ff00eb f500ff ff007a fff500 0abed4 d6ff00
00ccff 1400ff ffff00 0099ff 0029ff 00ffcc 2900ff 29ff00 ad00ff 00f5ff 4700ff 7a00ff 00ffb8
005cff b8ff00 0085ff ffd600 19c2c2 66ff00 5c00ff
"""
ADE20K = _palette(
    "ade20k",
    dict(
        zip(
            (" ".join(name.split()) for name in _ADE20K_CLASSES.split(",")),
            (_hex(colour) for colour in _ADE20K_COLOURS.split()),
            strict=True,
        )
    ),
)

LOVEDA = _palette(
    "loveda",
    {
        "background": (255, 255, 255),
        "building": (255, 0, 0),
        "road": (255, 255, 0),
        "water": (0, 0, 255),
        "barren": (159, 129, 183),
        "forest": (0, 255, 0),
        "agriculture": (255, 195, 128),
    },
)

PALETTES: dict[str, Palette] = {
    p.name: p for p in (SCENES, CAMVID, CITYSCAPES, VOC, ADE20K, LOVEDA)
}


def known_palette(name: str | None) -> Palette | None:
    """The palette of that name, or None for None.

    Raises:
        InputError: no palette of that name.
    """
    if name is not None and name not in PALETTES:
        raise InputError(f"palette {name!r} is unknown; choose from {', '.join(PALETTES)}.")
    return None if name is None else PALETTES[name]
