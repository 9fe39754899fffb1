"""Where data sets keep their images and label maps: one table, and what recognises them on disk."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from art_segplugin.data.class_lists import listed_classes
from art_segplugin.data.class_order import SPLITS, training_part, validation_part
from art_segplugin.data.labels import (
    ADE20K_INDICES,
    CAMVID_INDICES,
    CITYSCAPES_LABEL_IDS,
    CITYSCAPES_TRAIN_IDS,
    INDICES_OR_COLOURS,
    LOVEDA_INDICES,
    VOC_INDICES,
    LabelRule,
)
from art_segplugin.data.pairing import (
    IMAGE_ENDINGS,
    IMAGE_FOLDERS,
    LABEL_ENDINGS,
    LABEL_FOLDER_ENDINGS,
    LABEL_FOLDERS,
    LABEL_SUFFIXES,
    LabelIndex,
    Pairs,
    Tree,
    only,
)
from art_segplugin.data.palettes import ADE20K, CAMVID, CITYSCAPES, LOVEDA, VOC, Palette
from art_segplugin.errors import InputError

ALIASES = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}
"""What data sets call their splits, beside `SPLITS`."""
LEVELS_UP, LEVELS_DOWN = 3, 2
REMEDY = "give the folders of images and label maps with --images DIR --labels DIR"


@dataclass(frozen=True)
class LabelFiles:
    """Label maps of one kind.

    Attributes:
        folder: Where they lie, as `Layout.images`.
        endings: What their names add to those of their images.
        rule: How their pixels become class indices.
    """

    folder: str
    endings: tuple[str, ...] = LABEL_ENDINGS
    rule: LabelRule = INDICES_OR_COLOURS


@dataclass(frozen=True)
class Layout:
    """A data set on disk, described by where its files lie below its root.

    In paths, `{split}` stands for a split, `|` parts names that may all be there, and letter case
    does not count. Label maps are those of the images of the same name at the same place in their
    folder.

    Attributes:
        title: What messages call it.
        images: Where its images lie; the first that is there counts.
        labels: Kinds of label maps; the first that is there for all images counts. Of an unnamed
            layout (without a palette) there may be one only.
        palette: Its classes; None where they are not known.
        image_endings: Endings of its images' names, which are not part of those of label maps.
        splits: Names of its splits, where only these tell it apart.
        lists: Folder of text files that name the images of each split.
        certain: Whether its images alone tell what it is.
        deep: Whether images may lie in folders below.
    """

    title: str
    images: tuple[str, ...]
    labels: tuple[LabelFiles, ...]
    palette: Palette | None = None
    image_endings: tuple[str, ...] = IMAGE_ENDINGS
    splits: tuple[str, ...] = ()
    lists: str = ""
    certain: bool = False
    deep: bool = True


def _kinds(*folders: str) -> tuple[LabelFiles, ...]:
    return tuple(map(LabelFiles, folders))


LAYOUTS = (
    Layout(
        "Cityscapes",
        ("leftImg8bit/{split}", "leftImg8bit_trainvaltest/leftImg8bit/{split}"),
        tuple(
            LabelFiles(f"{folder}/{{split}}", (f"_{kind}_{ids}",), rule)
            for kind, folders in (
                ("gtFine", ("gtFine", "gtFine_trainvaltest/gtFine")),
                ("gtCoarse", ("gtCoarse",)),
            )
            for folder in folders
            for ids, rule in (
                ("labelTrainIds", CITYSCAPES_TRAIN_IDS),
                ("labelIds", CITYSCAPES_LABEL_IDS),
            )
        ),
        CITYSCAPES,
        image_endings=("_leftImg8bit",),
        certain=True,
    ),
    Layout(
        "PASCAL VOC",
        ("JPEGImages",),
        tuple(
            LabelFiles(folder, ("",), VOC_INDICES)
            for folder in ("SegmentationClass", "SegmentationClassAug")
        ),
        VOC,
        image_endings=("",),
        lists="ImageSets/Segmentation",
    ),
    Layout(
        "ADE20K",
        ("images/{split}",),
        (LabelFiles("annotations/{split}", ("",), ADE20K_INDICES),),
        ADE20K,
        image_endings=("",),
        splits=("training", "validation"),
    ),
    Layout(
        "LoveDA",
        ("{split}/Urban|Rural/images_png",),
        (LabelFiles("{split}/Urban|Rural/masks_png", ("",), LOVEDA_INDICES),),
        LOVEDA,
        image_endings=("",),
        certain=True,
    ),
    Layout(
        "CamVid",
        ("{split}",),
        (LabelFiles("{split}annot", ("", "_L"), CAMVID_INDICES),),
        CAMVID,
        image_endings=("",),
    ),
    Layout(
        "images and label maps by split",
        tuple(f"{images}/{{split}}" for images in IMAGE_FOLDERS),
        _kinds(*(f"{labels}/{{split}}" for labels in LABEL_FOLDERS)),
    ),
    Layout(
        "splits with images and label maps",
        tuple(f"{{split}}/{images}" for images in IMAGE_FOLDERS),
        _kinds(*(f"{{split}}/{labels}" for labels in LABEL_FOLDERS)),
    ),
    Layout(
        "splits and label maps beside them",
        ("{split}", *(f"{{split}}_{images}" for images in IMAGE_FOLDERS)),
        _kinds(*(f"{{split}}{ending}" for ending in LABEL_FOLDER_ENDINGS if ending != "annot")),
    ),
    Layout(
        "splits with label maps beside the images",
        ("{split}",),
        (LabelFiles("{split}", LABEL_ENDINGS[1:]),),
        deep=False,
    ),
    Layout(
        "images and label maps",
        IMAGE_FOLDERS,
        _kinds(*LABEL_FOLDERS),
    ),
)
"""Data sets on disk. The first that is found where one looks is what it is."""


@dataclass(frozen=True)
class Cell:
    """A folder of images: of one split, and of one of the names that `|` parts."""

    folder: Path
    split: str
    parts: tuple[str, ...]
    names: tuple[str, ...] | None = None
    """Images that a list names, None for all in the folder."""


@dataclass(frozen=True)
class Chosen:
    """The files of one split of a data set on disk.

    Attributes:
        pairs: Images and their label maps.
        split: What the data set calls the split; "" where it has none.
        palette: Its classes, None where they are not known.
        rule: How label maps are read.
        described: What was recognised, in a few words.
    """

    pairs: Pairs
    split: str
    palette: Palette | None
    rule: LabelRule
    described: str


@dataclass(frozen=True)
class Place:
    """A data set that was recognised.

    Attributes:
        layout: What it is.
        root: Where it lies.
        given: The path that was given: the root, a folder or an image inside it, or a folder around it.
        tree: Listings of its folders.
    """

    layout: Layout
    root: Path
    given: Path
    tree: Tree = field(default_factory=Tree, compare=False)

    @cached_property
    def cells(self) -> list[Cell]:
        """The folders of images in it that lie in what was given or around it."""
        for template in self.layout.images:
            found = [
                Cell(folder, split, parts)
                for folder, split, parts in _expand(self.root, template, self.tree)
                if folder.is_relative_to(self.given) or self.given.is_relative_to(folder)
            ]
            if splits := self.layout.splits:
                found = [cell for cell in found if cell.split.lower() in splits]
            if self.layout.lists:
                found = [one for cell in found for one in self._listed(cell)]
            if found and (self.layout.certain or self._labelled(found)):
                return found
        return []

    @property
    def splits(self) -> list[str]:
        """What it calls its splits, in the order of `SPLITS`; none where it has none."""
        names = dict.fromkeys(cell.split for cell in self.cells if cell.split)
        return sorted(names, key=lambda name: [*SPLITS, canonical(name)].index(canonical(name)))

    def choose(self, split: str) -> Chosen:
        """Return the files of a split.

        Where the folder of one split was given, that is it. Where there is no "val", images 9, 19,
        29, ... of "train" are "val" and the others "train".

        Args:
            split: "train", "val" or "test", or a name of the data set's own, such as "trainval".

        Raises:
            InputError: There is no such split, or what belongs together is not clear.
        """
        names, held_out = self.splits, ""
        below = self.given.is_relative_to(self.root)
        inside = self.given.relative_to(self.root).parts if below else ()
        if not names or (len(names) == 1 and any(names[0] in part for part in inside)):
            cells = self.cells
        else:
            cells = [cell for cell in self.cells if cell.split == split] or [
                cell for cell in self.cells if canonical(cell.split) == canonical(split)
            ]
            ours = {*map(canonical, names)}
            wanted = canonical(split)
            if wanted in ("train", "val") and "train" in ours and "val" not in ours:
                held_out = wanted
                cells = [cell for cell in self.cells if canonical(cell.split) == "train"]
        if not cells:
            raise InputError(
                f"{self.layout.title} in {self.root} has no {split!r} images; it has "
                f"{', '.join(names)}: pass --split {names[0]}"
            )
        pairs, kind = self._pairs(cells)
        if held_out and len(pairs) >= 10:
            pairs = (validation_part if held_out == "val" else training_part)(pairs)
        elif held_out == "val":
            raise InputError(
                f"{self.layout.title} in {self.root} has no 'val' images, and too few 'train' images "
                f"to hold some out; it has {', '.join(names)}: pass --split {names[0]}"
            )
        elif held_out == "train":
            held_out = ""  # all of them
        if not pairs:
            raise InputError(f"{self._where(cells)} holds no image of {self.layout.title}")
        palette, rule = self.layout.palette, INDICES_OR_COLOURS if kind is None else kind.rule
        if palette is None:
            palette = self._listed_classes(cells)
        name = cells[0].split
        return Chosen(pairs, name, palette, rule, self._described(cells, pairs, kind, held_out))

    def _described(
        self, cells: Sequence[Cell], pairs: Pairs, kind: LabelFiles | None, held_out: str
    ) -> str:
        images = os.path.relpath(cells[0].folder, self.root)
        split = f"split {cells[0].split}" if cells[0].split else "no splits"
        if held_out:
            part = "every tenth" if held_out == "val" else "nine tenths"
            split += f" ({part} of it as {held_out!r})"
        labelled = [(image, label) for image, label in pairs if label is not None]
        labels = "no label maps"
        if labelled and kind is not None:
            folder = _expand(self.root, kind.folder, self.tree, cells[0])
            places = {os.path.relpath(place, self.root) for place, _, _ in folder}
            labels = f"label maps {', '.join(sorted(places))}"
            if len(kind.endings) == 1 and kind.endings[0]:
                labels += f"/*{kind.endings[0]}"
            if len(labelled) < len(pairs):
                labels += f" for {len(labelled)} of them"
        place = "" if self.root == self.given else f" in {self.root}"
        more = f" and {len(cells) - 1} more" if len(cells) > 1 else ""
        return (
            f"recognised as {self.layout.title}{place}: {split}, {len(pairs)} image"
            f"{'' if len(pairs) == 1 else 's'} "
            f"({images}{more}), {labels}"
        )

    def _where(self, cells: Sequence[Cell]) -> str:
        return ", ".join(str(cell.folder) for cell in cells[:2])

    def _listed(self, cell: Cell) -> Iterator[Cell]:
        """A cell for each list of the images of a split, in one folder of images."""
        for place, _, _ in _expand(self.root, self.layout.lists, self.tree):
            for file in self.tree.files(place, (".txt",)):
                try:
                    lines = file.read_text(encoding="utf-8").splitlines()
                except (OSError, UnicodeDecodeError) as error:
                    raise InputError(f"{file} cannot be read ({error})") from error
                # some lists hold paths of images and of label maps
                names = tuple(Path(line.split()[0]).name for line in lines if line.strip())
                yield replace(cell, split=file.stem, names=names)

    def _images(self, cell: Cell) -> list[Path]:
        list_files = self.tree.all_files if self.layout.deep else self.tree.files
        files = list_files(cell.folder)
        if "" not in self.layout.image_endings:
            files = [file for file in files if file.stem.endswith(self.layout.image_endings)]
        if cell.names is not None:
            named = {file.stem: file for file in files} | {file.name: file for file in files}
            wanted = {name: named.get(name, named.get(Path(name).stem)) for name in cell.names}
            missing = [name for name, file in wanted.items() if file is None]
            if missing and len(missing) < len(cell.names):
                raise InputError(
                    f"{self.layout.title} in {self.root} lists {missing[0]!r} as {cell.split}, but "
                    f"{len(missing)} of its {len(cell.names)} images are not in {cell.folder}; copy "
                    "the whole data set"
                )
            files = [file for file in wanted.values() if file is not None]
        return files

    def _label_index(self, cell: Cell, kind: LabelFiles) -> list[tuple[Path, LabelIndex]]:
        list_files = self.tree.all_files if self.layout.deep else self.tree.files
        return [
            (folder, LabelIndex(list_files(folder, LABEL_SUFFIXES), folder, kind.endings))
            for folder, _, _ in _expand(self.root, kind.folder, self.tree, cell)
        ]

    def _labelled(self, cells: Sequence[Cell]) -> bool:
        """Tell whether any image has a label map."""
        endings = self.layout.image_endings
        return any(
            index.of(image, cell.folder, endings)
            for cell in cells
            for kind in self.layout.labels
            for _, index in self._label_index(cell, kind)
            for image in self._images(cell)
        )

    def _pairs(self, cells: Sequence[Cell]) -> tuple[Pairs, LabelFiles | None]:
        """Images and label maps of some cells, and which kind of label maps they are."""
        listed = [(cell, image) for cell in cells for image in self._images(cell)]
        if any(self.given.is_relative_to(cell.folder) for cell in cells):
            listed = [(c, image) for c, image in listed if image.is_relative_to(self.given)]
        best: tuple[Pairs, LabelFiles | None] = [(image, None) for _, image in listed], None
        most = 0
        for kind in self.layout.labels:
            indices = {
                id(cell): [index for _, index in self._label_index(cell, kind)] for cell in cells
            }
            taken: set[Path] = set()
            pairs: Pairs = []
            for cell, image in listed:
                found = [
                    file
                    for index in indices[id(cell)]
                    for file in index.of(image, cell.folder, self.layout.image_endings)
                ]
                pairs.append((image, only(found, image)))
                taken |= {*found}
            pairs = [pair for pair in pairs if pair[0] not in taken]
            count = sum(label is not None for _, label in pairs)
            if count and most and self.layout.palette is None and best[1] is not None:
                raise InputError(
                    f"{self.root} has label maps in {best[1].folder} and in {kind.folder}; {REMEDY}"
                )
            if count > most:
                best, most = (pairs, kind), count
            if self.layout.palette is not None and count == len(listed):
                break
        return best

    def _listed_classes(self, cells: Sequence[Cell]) -> Palette | None:
        folder = cells[0].folder
        for place in (folder, *folder.parents):
            if not place.is_relative_to(self.root):
                break
            if (
                found := listed_classes(self.tree.files(place, (".csv", ".txt", ".json")))
            ) is not None:
                return found
        return None


def canonical(split: str) -> str:
    """Return our name of a split: "val" of "Validation"."""
    return ALIASES.get(split.lower(), split.lower())


def recognise(path: str | Path) -> Place | None:
    """Return the data set that a path is the root of or lies in; None where there is none.

    Raises:
        InputError: It is a folder of the label maps of one.
    """
    given, tree = Path(os.path.abspath(path)), Tree()
    above = [given, *given.parents[: LEVELS_UP + given.is_file()]]
    found = [place for root in above if (place := _at(root, given, tree)) is not None]
    if not found:
        _refuse_label_maps(given, above[1:], tree)
    # a folder of a split may look like a data set without splits
    return next((place for place in found if place.splits), found[0] if found else None)


def _refuse_label_maps(given: Path, above: Sequence[Path], tree: Tree) -> None:
    for root in above:
        if (place := _at(root, root, tree)) is None:
            continue
        for cell in place.cells:
            for kind in place.layout.labels:
                for folder, _, _ in _expand(root, kind.folder, tree, cell):
                    if given.is_relative_to(folder) or folder.is_relative_to(given):
                        raise InputError(
                            f"{given} holds label maps of {place.layout.title} in {root}; give "
                            f"{root} or {cell.folder}"
                        )


def recognise_below(path: str | Path) -> Place | None:
    """Return the data set that lies in a folder or in a folder of it; None where there is none.

    Raises:
        InputError: There are several.
    """
    given, tree = Path(os.path.abspath(path)), Tree()
    below = [given]
    for _ in range(LEVELS_DOWN if given.is_dir() else 0):
        below = [folder for parent in below for folder in tree.folders(parent)][:100]
        found = [place for root in below if (place := _at(root, given, tree)) is not None]
        if len(found) > 1:
            raise InputError(
                f"{given} holds {len(found)} data sets, such as {found[0].root} and "
                f"{found[1].root}; give one of them"
            )
        if found:
            return found[0]
    return None


def _at(root: Path, given: Path, tree: Tree) -> Place | None:
    places = (Place(layout, root, given, tree) for layout in LAYOUTS)
    return next((place for place in places if place.cells), None)


def _expand(
    root: Path, template: str, tree: Tree, cell: Cell | None = None
) -> list[tuple[Path, str, tuple[str, ...]]]:
    """Return the folders that a path stands for, with the split and the parted names of each.

    Args:
        root: Where it begins.
        template: The path, see `Layout`.
        tree: Listings of folders.
        cell: Whose split and names to keep to.
    """
    found: list[tuple[Path, str, tuple[str, ...]]] = [(root, "", ())]
    for level in template.split("/"):
        step: list[tuple[Path, str, tuple[str, ...]]] = []
        for folder, split, parts in found:
            if "{split}" in level:
                pattern = re.escape(level).replace(r"\{split\}", "(.+)")
                for one in tree.folders(folder):
                    match = re.fullmatch(pattern, one.name, re.IGNORECASE)
                    if match is None or canonical(match[1]) not in SPLITS:
                        continue
                    if cell is None or canonical(match[1]) == canonical(cell.split):
                        step.append((one, match[1], parts))
                continue
            names = level.split("|")
            if len(names) > 1 and cell is not None:
                names = [cell.parts[len(parts)]]
            for name in names:
                if (found_folder := tree.folder(folder, name)) is not None:
                    more = (name,) if "|" in level else ()
                    step.append((found_folder, split, (*parts, *more)))
        found = step
    return found
