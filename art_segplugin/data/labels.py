"""Label rules: how the pixels of a label map become class indices."""

import re
import warnings
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from art_segplugin.data.palettes import (
    CITYSCAPES,
    PALETTES,
    Palette,
    listed_colours,
    numbered_colours,
)
from art_segplugin.errors import InputError, InputWarning

Integers = npt.NDArray[np.integer]
Colours = npt.NDArray[np.uint8]

VOID = "void"
"""What `--label-map` calls pixels that are not counted."""
BY_TABLE = "the colours count, for the colour table has those of the classes at other indices"
UNKNOWN_COUNT = 255
"""Classes of the numbered palette where nobody knows how many there are."""


def _remedy(option: str, field: str) -> str:
    """The option, and what Python calls it."""
    rule = field if field.isupper() else f"LabelRule({field})"
    return f"pass {option} (in Python, rule={rule})"


AS_INDICES = _remedy("--labels-as indices", 'source="indices"')
AS_COLOURS = _remedy("--labels-as colours", 'source="colours"')


class UnsettledMaskError(InputError):
    """A label map of 0 and 255 alone: 255 may be the object, or void."""


@dataclass(frozen=True)
class LabelRule:
    """How the pixels of a label map become class indices.

    A file holds values (grey, 16 bit, bool, indices of a colour table), colours, or both. `mapping`,
    `void` and `reduce_zero` are about values. The palette's `ignore_index` is void among values too;
    where that is negative, so that no 8-bit file holds it, 255 is, unless it is a class.
    Files of values are read by value and painted ones by the colours of the palette, if it has
    colours of its own. Of files with a colour table the index counts, unless all colours that are
    used are the palette's and stand at other indices: then it is the colour.

    Attributes:
        name: What documents call the rule.
        void: Value that marks void in the files, where it is not the palette's `ignore_index`.
        mapping: Pairs of a value in the files and its class index, or None for void.
        reduce_zero: 0 is void and class k is stored as k + 1, as in ADE20K. None says nothing of it,
            which is no unless a data set says it, see `refined`.
        source: "indices" or "colours": what counts in files with a colour table, and what others
            must hold; "" to decide by the file.
    """

    name: str = "indices or colours"
    void: int | None = None
    mapping: tuple[tuple[int, int | None], ...] = ()
    reduce_zero: bool | None = None
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a value that is mapped twice, and an unknown source."""
        values = [value for value, _ in self.mapping]
        for value in values:
            if values.count(value) > 1:
                raise InputError(f"the label map says twice what {value} is; say it once.")
        if self.source not in ("", "indices", "colours"):
            raise InputError(f"labels are read as {self.source!r}; choose indices or colours.")

    def decode(
        self,
        pixels: npt.NDArray[Any],
        palette: Palette,
        where: str = "the label map",
        colours: Colours | None = None,
    ) -> Integers:
        """Return the class indices of a label map.

        Args:
            pixels: Integers or bool of shape (h, w), or RGB, uint8 of shape (h, w, 3).
            palette: Which classes there may be.
            where: What messages call the label map.
            colours: RGB of the same pixels, where `pixels` are indices of a colour table.

        Returns:
            Class indices or `palette.ignore_index` of shape (h, w): uint8 where it holds them all,
            else int64.

        Raises:
            InputError: The pixels hold a value or a colour that is neither a class nor void, or it
                cannot be told what they mean.
            UnsettledMaskError: They are 0 and 255 alone, there may be two classes, and the rule does not
                say what 255 is.

        Warns:
            InputWarning: The colours of a colour table count, not its indices.
        """
        values: Integers | None
        if pixels.ndim == 3:
            colours, values = pixels.astype(np.uint8), None
            may_be_grey = self.source == "indices" or (not self.source and not palette.decodes)
            if may_be_grey and (pixels[..., :1] == pixels).all():
                values, colours = pixels[..., 0], None  # values, saved as RGB
        else:
            values = pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels
            if not np.issubdtype(values.dtype, np.integer):
                raise InputError(f"{where} holds {pixels.dtype} values; expected integers.")
        if values is None and colours is not None:
            if self.source == "indices":
                raise InputError(
                    f"{where} is painted in colours; expected one class index per pixel: give its "
                    f"palette and {AS_COLOURS}."
                )
            return self._painted(colours, palette, where)
        assert values is not None
        if self.source == "colours":
            if colours is None:
                raise InputError(f"{where} has no colours; {AS_INDICES} to read its values.")
            return self._painted(colours, palette, where)
        if colours is None or self.source == "indices":
            return self._by_value(values, palette, where)
        return self._by_value_or_colour(values, colours, palette, where)

    def _by_value_or_colour(
        self, values: Integers, colours: Colours, palette: Palette, where: str
    ) -> Integers:
        """Read a file with a colour table: by index, unless its colours are those of the classes."""
        used, flat = np.array(distinct(values)), values.ravel()
        places = [int(np.argmax(flat == value)) for value in used]
        table = colours.reshape(-1, 3)[places]
        if len({*map(tuple, table.tolist())}) < len(used):  # colours do not tell the indices apart
            return self._by_value(values, palette, where)
        if not palette.decodes:
            for known in PALETTES.values():
                moved = _moved(used, table, known)
                if moved > 1 and _all_in(table, known) and not _is_standard(used, table):
                    raise InputError(
                        f"{where} has the colours of palette {known.name!r} at other indices; give "
                        f"--palette {known.name} to read the colours, or "
                        f"{AS_INDICES}."
                    )
            return self._by_value(values, palette, where)
        moved, all_known = _moved(used, table, palette), _all_in(table, palette)
        if not all_known:
            if moved and not _is_standard(used, table):
                self._ask(used, table, palette, where, "some of its colours")
            return self._by_value(values, palette, where)
        painted = self._painted(table[None], palette, where)[0]
        indices = [self.label_of(int(index), palette) for index in used]
        if indices == painted.tolist():
            return self._by_value(values, palette, where)
        is_class = {*range(len(palette)), palette.ignore_index}.issuperset(indices)
        if is_class and (not moved or _is_standard(used, table)):
            self._ask(used, table, palette, where, "its colours")
        warnings.warn(InputWarning(BY_TABLE, where), stacklevel=2)
        by_colour: Integers = painted[np.searchsorted(used, values)]
        return by_colour

    def _ask(
        self, used: Integers, table: Colours, palette: Palette, where: str, which: str
    ) -> NoReturn:
        for index, colour in zip(used.tolist(), table, strict=True):
            if not _all_in(colour[None], palette):
                continue
            label = int(palette.indices(colour[None, None])[0, 0])
            if label != index:
                break
        named = "void" if label == palette.ignore_index else repr(palette.classes[label])
        raise InputError(
            f"{where} can be read in two ways: {which} and its indices are different classes of "
            f"palette {palette.name!r} (index {index} has the colour of {named}); "
            f"{AS_INDICES}, or colours likewise."
        )

    def _painted(self, colours: Colours, palette: Palette, where: str) -> Integers:
        if not palette.decodes:
            able = [name for name, known in PALETTES.items() if _all_in(colours, known)]
            if not able:
                raise InputError(
                    f"{where}: colours {listed_colours(colours)} are together in none of the palettes "
                    f"{', '.join(PALETTES)}; save class indices."
                )
            raise InputError(
                f"{where} is painted in colours, and it was not said which colour is which class; "
                f"pass --palette {' or --palette '.join(able)}, or save class indices."
            )
        try:
            return palette.indices(colours)
        except InputError as error:
            grey = (colours[..., :1] == colours).all()
            hint = f"; if these are class indices saved as RGB, {AS_INDICES}." if grey else ""
            raise InputError(f"{where}: {error}{hint}") from error

    def _by_value(self, values: Integers, palette: Palette, where: str) -> Integers:
        found = distinct(values)
        mapped = [self.label_of(value, palette) for value in found]
        known = {*range(len(palette)), palette.ignore_index}
        for value, label in self.mapping:
            if label is not None and not 0 <= label < len(palette):
                raise InputError(
                    f"the label map says that {value} is class {label}; expected a class in "
                    f"0..{len(palette) - 1}, or {VOID}."
                )
        if unknown := [v for v, label in zip(found, mapped, strict=True) if label not in known]:
            shown = ", ".join(map(str, unknown[:8])) + (", ..." if len(unknown) > 8 else "")
            first = int(bool(self.reduce_zero))
            void = 0 if self.reduce_zero else self.void
            raise InputError(
                f"{where} holds the labels {shown}; expected {first}..{len(palette) - 1 + first} or "
                f"{void_value(palette) if void is None else void} for void "
                f"(palette {palette.name!r}). {self._hint(found, unknown, palette)}"
            )
        if self._leaves_open(found, mapped, palette):
            share = float((values == 255).mean())
            raise UnsettledMaskError(
                f"{where} contains 255 in {100 * share:.0f} % of the pixels and only one class. If "
                f"255 marks the object, {_remedy('--label-map 255=1', 'mapping=((255, 1),)')}; if "
                "it is void, --label-map 255=void."
            )
        fits = len(palette) <= 256 and 0 <= palette.ignore_index <= 255
        labels: Integers = np.array(mapped, np.uint8 if fits else np.int64)
        if found and found[0] >= 0 and found[-1] < 1 << 16:
            table = np.zeros(found[-1] + 1, labels.dtype)
            table[found] = labels
            chosen: Integers = table[values]
            return chosen
        sorted_labels: Integers = labels[np.searchsorted(found, values)]
        return sorted_labels

    def label_of(self, value: int, palette: Palette) -> int:
        """Return the class index of a value in the files, or `palette.ignore_index`.

        What is no class stays as it is: `decode` refuses it.
        """
        for given, label in self.mapping:
            if given == value:
                return palette.ignore_index if label is None else label
        if value in (self.void, palette.ignore_index, void_value(palette)):
            return palette.ignore_index
        if self.reduce_zero:
            return value - 1 if value else palette.ignore_index
        return value

    def _leaves_open(self, found: list[int], mapped: list[int], palette: Palette) -> bool:
        """Whether 255 may be an object: no class but 0 occurs, and there may be but two."""
        two = len(palette) == 2 or (palette.numbered and len(palette) == UNKNOWN_COUNT)
        settled = self.void == 255 or self.reduce_zero or any(v == 255 for v, _ in self.mapping)
        return two and 255 in found and not settled and {*mapped} <= {0, palette.ignore_index}

    def _hint(self, found: list[int], unknown: list[int], palette: Palette) -> str:
        """What the labels may be instead, and the option that says so."""
        count = len(palette)
        if all(24_000 <= value < 34_000 for value in unknown):
            return "These are instance ids of Cityscapes; take its labelIds or labelTrainIds."
        if palette.name == CITYSCAPES.name and min(unknown) >= 0 and max(unknown) < 34:
            return (
                "If these are label ids of Cityscapes, "
                f"{_remedy('--label-map cityscapes-ids', 'CITYSCAPES_LABEL_IDS')}."
            )
        if unknown == [count] and not self.reduce_zero:
            return (
                f"If 0 is void and class k is stored as k + 1, "
                f"{_remedy('--reduce-zero-label', 'reduce_zero=True')}; if {count} is void, "
                f"--void {count}."
            )
        if count == 2 and found[-1] == 255 and unknown != [255]:
            return (
                "If these are soft edges of a mask of 0 and 255, cut them in the middle: "
                f"--label-map 0-127=0,128-255=1; else say what they are: --label-map {unknown[0]}={VOID}."
            )
        if count == 2 and len(unknown) == 1:
            value = unknown[0]
            return (
                f"If {value} marks class 1, "
                f"{_remedy(f'--label-map {value}=1', f'mapping=(({value}, 1),)')}; if it is void, "
                f"--void {value}."
            )
        if len(unknown) == 1:
            return (
                f"If {unknown[0]} is void, {_remedy(f'--void {unknown[0]}', f'void={unknown[0]}')}."
            )
        return f"Say what they are with --label-map, such as --label-map {unknown[0]}={VOID}."

    def described(self, palette: Palette) -> str:
        """Return what a report says of the rule, with labels of `palette`."""
        ways = {"indices": "class indices", "colours": f"colours of palette {palette.name!r}"}
        if self.source or not palette.decodes:
            parts = [ways[self.source or "indices"]]
        else:
            parts = [" or ".join(ways.values())]
        if self.mapping:
            parts.append(
                ", ".join(f"{v} = {VOID if c is None else c}" for v, c in self.mapping)
                if len(self.mapping) <= 8
                else f"{len(self.mapping)} values mapped"
            )
        if self.reduce_zero:
            parts.append("0 is void, class k is stored as k + 1")
        voids = {self.void, void_value(palette)} - {None, *(v for v, _ in self.mapping)}
        if voids := {v for v in voids if v is not None and v >= 0 and self.source != "colours"}:
            parts.append(f"{' and '.join(map(str, sorted(voids)))} void")
        named = self.name not in (LabelRule.name, UNAMBIGUOUS.name, INDICES.name, "")
        return (f"{self.name}: " if named else "") + "; ".join(parts)


@dataclass(frozen=True)
class UnambiguousLabels(LabelRule):
    """As `LabelRule`, and colours that mean the same in every known palette that has them all."""

    def _painted(self, colours: Colours, palette: Palette, where: str) -> Integers:
        able = [known for known in PALETTES.values() if _all_in(colours, known)]
        if palette.decodes or not able:
            return super()._painted(colours, palette, where)
        readings = [known.indices(colours) for known in able]
        for other, labels in zip(able, readings, strict=True):
            if not np.array_equal(labels, readings[0]):
                raise InputError(
                    f"the colours of {where} mean one thing in palette {able[0].name!r} and another "
                    f"in {other.name!r}; save class indices instead."
                )
        return readings[0]

    def palette_of(self, pixels: Integers, palette: Palette) -> Palette:
        """Return the palette by which painted pixels are read: the only known one, else `palette`."""
        if pixels.ndim != 3 or palette.decodes or (pixels[..., :1] == pixels).all():
            return palette
        able = [known for known in PALETTES.values() if _all_in(pixels.astype(np.uint8), known)]
        return able[0] if len(able) == 1 else palette


def refined(rule: LabelRule | None, own: LabelRule) -> LabelRule:
    """Return the rule that somebody asked for, over the one that a data set or a model has of its own.

    One value that is void, or another class, changes nothing else in how a data set stores its labels.

    Args:
        rule: What was asked for. One with a name of its own is complete; None changes nothing.
        own: The rule of the data set, or of the model that the data are for.
    """
    if rule is None:
        return own
    if rule.name != LabelRule.name:
        return rule
    said = {value for value, _ in rule.mapping} | {rule.void}
    return replace(
        own,
        name=own.name if rule.reduce_zero in (None, bool(own.reduce_zero)) else rule.name,
        void=own.void if rule.void is None else rule.void,
        mapping=rule.mapping + tuple(pair for pair in own.mapping if pair[0] not in said),
        reduce_zero=own.reduce_zero if rule.reduce_zero is None else rule.reduce_zero,
        source=rule.source or own.source,
    )


INDICES_OR_COLOURS = LabelRule()
UNAMBIGUOUS = UnambiguousLabels("unambiguous")
INDICES = LabelRule("class indices", source="indices")
BY_COLOUR = LabelRule("painted", source="colours")
REDUCE_ZERO = LabelRule("zero is void", reduce_zero=True, source="indices")

_TRAIN_IDS = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11}
_TRAIN_IDS |= {25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}

CAMVID_INDICES = LabelRule("camvid", void=11, source="indices")
"""SegNet's 12 values: 11 is void."""
CITYSCAPES_LABEL_IDS = LabelRule(
    "cityscapes label ids",
    mapping=tuple((value, _TRAIN_IDS.get(value)) for value in range(-1, 34)),
    source="indices",
)
"""The ids -1..33 of cityscapesScripts; those that are not evaluated are void."""
CITYSCAPES_TRAIN_IDS = LabelRule("cityscapes train ids", source="indices")
VOC_INDICES = LabelRule("voc", source="indices")
"""Indices of its colour table; 255 is the border."""
ADE20K_INDICES = LabelRule("ade20k", reduce_zero=True, source="indices")
"""The 150 classes of SceneParsing as 1..150; 0 is other."""
LOVEDA_INDICES = LabelRule("loveda", reduce_zero=True, source="indices")
"""Classes 1..7; 0 is no data."""

RULES = {
    "cityscapes-ids": CITYSCAPES_LABEL_IDS,
    "ade20k": ADE20K_INDICES,
    "loveda": LOVEDA_INDICES,
    "camvid": CAMVID_INDICES,
}
"""Rules that `--label-map` knows by name."""


def void_value(palette: Palette) -> int:
    """Return the value that is void in files: the palette's `ignore_index`, or 255 where that is negative."""
    return 255 if palette.ignore_index < 0 and len(palette) <= 255 else palette.ignore_index


def label_mapping(text: str) -> tuple[tuple[int, int | None], ...]:
    """Read pairs such as "255=1,7=void"; "20-30=void" stands for all values from 20 to 30.

    Raises:
        InputError: It is not of that form.
    """
    pairs: list[tuple[int, int | None]] = []
    for part in text.split(","):
        found = re.fullmatch(r"(-?\d+)(?:-(\d+))?=(\d+|void)", part.replace(" ", ""))
        if found is None:
            raise InputError(
                f"label map {part!r} is no VALUE=CLASS; write pairs such as 255=1,7={VOID}, or one "
                f"of {', '.join(RULES)}."
            )
        first, last, label = found.groups()
        values = range(int(first), int(last or first) + 1)
        if not 0 < len(values) <= 1 << 16:
            raise InputError(f"label map {part!r} spans no or too many values; write LOW-HIGH.")
        pairs += [(value, None if label == VOID else int(label)) for value in values]
    return tuple(pairs)


def distinct(values: Integers) -> list[int]:
    """Return the values that occur, in order."""
    if values.size and values.min() >= 0 and values.max() < 1 << 16:
        return [int(value) for value in np.flatnonzero(np.bincount(values.ravel()))]
    return [int(value) for value in np.unique(values)]


def _all_in(colours: Colours, palette: Palette) -> bool:
    """Whether each of the colours (..., 3) is one of a class or of void."""
    return bool(palette.knows(colours).all())


def _moved(used: Integers, table: Colours, palette: Palette) -> int:
    """How many indices of a colour table have the colour of another class."""
    places = {colour: index for index, colour in enumerate(palette.colours)}
    pairs = zip(used.tolist(), map(tuple, table.tolist()), strict=True)
    return sum(colour in places and places[colour] != index for index, colour in pairs)


def _is_standard(used: Integers, table: Colours) -> bool:
    """Whether it is the colour table that many programs give to any indices: that of PASCAL VOC."""
    standard = numbered_colours(256)
    pairs = zip(used.tolist(), map(tuple, table.tolist()), strict=True)
    return all(0 <= index < 256 and standard[index] == colour for index, colour in pairs)
