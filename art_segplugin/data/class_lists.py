"""Names of classes from the files that annotation tools write beside label maps."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from art_segplugin.data.palettes import Colour, Palette, numbered_colours
from art_segplugin.errors import InputError

Rows = list[list[str]]


def named_palette(name: str, classes: Iterable[str]) -> Palette:
    """Return a palette for classes without colours of their own, none of them black."""
    names = tuple(classes)
    return Palette(name, names, numbered_colours(len(names) + 1)[1:], decodes=False)


def palette_of_ids(name: str, id2label: Mapping[str, str]) -> Palette:
    """Return a palette for class names by index, as `id2label.json` of Hugging Face has them.

    Raises:
        ValueError: An index is no number.
    """
    classes = {int(index): label for index, label in id2label.items()}
    return named_palette(name, _filled(classes))


def _filled(classes: Mapping[int, str]) -> list[str]:
    if min(classes) < 0 or max(classes) > 1 << 16:
        raise ValueError(f"class {min(classes)} to {max(classes)}")
    return [classes.get(index, f"unused {index}") for index in range(max(classes) + 1)]


def _pixel_values(rows: Rows, source: Path) -> Palette:
    """`Pixel Value, Class` of Roboflow's `_classes.csv`."""
    return named_palette(source.name, _filled({int(row[0]): row[1] for row in rows[1:]}))


def _coloured(rows: Rows, source: Path) -> Palette:
    """`name,r,g,b` of `class_dict.csv`."""
    colours = {row[0]: _colour(row[1:4]) for row in rows[1:]}
    return Palette(source.name, tuple(colours), tuple(colours.values()))


def _label_map(rows: Rows, source: Path) -> Palette:
    """`label:r,g,b:parts:actions` of CVAT's `labelmap.txt`."""
    colours = {}
    for line in (",".join(row) for row in rows if not row[0].startswith("#")):
        name, colour, *_ = line.split(":")
        colours[name] = _colour(colour.split(","))
    return Palette(source.name, tuple(colours), tuple(colours.values()))


def _lines(rows: Rows, source: Path) -> Palette:
    """One name a line; labelme names void first, which is no class."""
    names = [name for name in map(",".join, rows) if name != "__ignore__"]
    return named_palette(source.name, names)


def _id2label(_: Rows, source: Path) -> Palette:
    """`{"0": name}` of Hugging Face."""
    return palette_of_ids(source.name, json.loads(source.read_text(encoding="utf-8")))


def _colour(values: list[str]) -> Colour:
    red, green, blue = (int(value) for value in values)
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise ValueError(f"colour {values}")
    return red, green, blue


READERS: dict[str, Callable[[Rows, Path], Palette]] = {
    "_classes.csv": _pixel_values,
    "class_dict.csv": _coloured,
    "labelmap.txt": _label_map,
    "codes.txt": _lines,
    "class_names.txt": _lines,
    "id2label.json": _id2label,
}
"""Files that name classes, by their names."""


def listed_classes(files: Iterable[Path]) -> Palette | None:
    """Return the classes that one of some files names, None where none does.

    Raises:
        InputError: A file of such a name cannot be read.
    """
    for file in files:
        reader = READERS.get(file.name.lower())
        if reader is None:
            continue
        try:
            with file.open(encoding="utf-8-sig", newline="") as opened:
                rows = [[cell.strip() for cell in row] for row in csv.reader(opened) if any(row)]
            return reader(rows, file)
        except (OSError, ValueError, IndexError, AttributeError, csv.Error) as error:
            raise InputError(
                f"{file} names no classes as files of this name do ({error}); mend or remove it"
            ) from error
    return None
