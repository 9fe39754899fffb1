"""Image files with the label maps that belong to them: plain folders, paired folders, data sets."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from art_segplugin.data.class_order import SPLITS, check_split
from art_segplugin.data.images import (
    IMAGE_SUFFIXES,
    RGB,
    ImageRule,
    check_scale,
    load_sample,
    settled_rule,
)
from art_segplugin.data.labels import (
    CAMVID_INDICES,
    INDICES_OR_COLOURS,
    UNAMBIGUOUS,
    LabelRule,
    UnsettledMaskError,
    refined,
)
from art_segplugin.data.layouts import REMEDY, Place, canonical, recognise, recognise_below
from art_segplugin.data.pairing import (
    LABEL_ENDINGS,
    LABEL_FOLDERS,
    LABEL_SUFFIXES,
    LabelIndex,
    Pairs,
    Tree,
    only,
    pairs_of,
    siblings,
)
from art_segplugin.data.palettes import CAMVID, PALETTES, Palette, numbered_palette
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.files import printable

VOID = 11
"""Label of void pixels in the files of CamVid."""

T = TypeVar("T")


class ImageFiles:
    """Images from files, each with a label map or without one.

    Samples are called like their files; files of equal stems keep their suffix, or have the name of
    their folder too.

    Args:
        pairs: Files of the images and of their label maps, None for an image without one.
        palette: Classes of the label maps.
        rule: How the pixels of a label map become class indices.
        scale: Factor on height and width.
        described: What was recognised, in a few words.
        split: What the data set calls the split; "" where there is none.

    Raises:
        InputError: The scale is no positive number.
    """

    pixels: ImageRule = RGB
    """How the pixels of an image become channels; may be set before images are read."""

    def __init__(
        self,
        pairs: Sequence[tuple[Path, Path | None]],
        palette: Palette,
        rule: LabelRule = INDICES_OR_COLOURS,
        scale: float = 1.0,
        described: str = "",
        split: str = "",
    ) -> None:
        check_scale(scale)
        self.pairs = pairs
        self.palette = palette
        self.rule = rule
        self.scale = scale
        self.described = described
        self.split = split
        self._stems = Counter(image.stem for image, _ in pairs)
        self._names = Counter(image.name for image, _ in pairs)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.pairs)

    def name(self, index: int) -> str:
        """Return the name of one sample, which no other has; raise IndexError past the end."""
        return self._shown[index]

    @cached_property
    def _shown(self) -> list[str]:
        taken: dict[str, None] = {}
        for image, _ in self.pairs:
            first = name = printable(self._plain_name(image))
            number = 1
            while name in taken:  # two that differ in what cannot be shown
                number += 1
                name = f"{first}-{number}"
            taken[name] = None
        return list(taken)

    def _plain_name(self, image: Path) -> str:
        if self._stems[image.stem] == 1:
            return image.stem
        if self._names[image.name] == 1:
            return image.name
        shared = os.path.commonpath([one.parent for one, _ in self.pairs])
        return "-".join(Path(os.path.relpath(image, shared)).parts)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        name, (image, label_map) = self.name(index), self.pairs[index]
        return self.by_rule(
            lambda rule: load_sample(
                name, image, label_map, self.palette, self.scale, rule, self.pixels
            )
        )

    def by_rule(self, read: Callable[[LabelRule], T]) -> T:
        """Return what `read` gives by the rule of the data set.

        A mask of 0 and 255 alone is read again once the other label maps have told what 255 is.
        """
        try:
            return read(self.rule)
        except UnsettledMaskError:
            return read(self._settled_rule)

    @cached_property
    def _settled_rule(self) -> LabelRule:
        label_maps = (label_map for _, label_map in self.pairs if label_map is not None)
        return settled_rule(self.rule, label_maps, self.palette)


class ImageFolder(ImageFiles):
    """The images of a folder, in the order of their names.

    The label map of `a.jpg` is `a.png` or `a_mask.png` beside it (see `LABEL_ENDINGS`; letter case
    does not count), or lies in `labels`, `masks` or another of `LABEL_FOLDERS` beside or below its
    folder, or in a sister folder called like its own with `annot` or `_masks` added. An image without
    one gives a sample whose labels are None. Of `root/images` and `root/labels`, give `root` or
    `root/images`. Hidden files, dead links and folders are skipped.

    Args:
        root: The folder, or a single image.
        palette: Classes of the label maps; by default numbers up to 254, with 255 for void.
        scale: Factor on height and width.
        rule: How the pixels of a label map become class indices.

    Raises:
        InputError: The folder is not there or holds no image, or an image has two label maps.
    """

    def __init__(
        self,
        root: str | Path,
        palette: Palette | None = None,
        scale: float = 1.0,
        rule: LabelRule = INDICES_OR_COLOURS,
    ) -> None:
        check_scale(scale)  # before looking into folders
        root, tree = Path(root).absolute(), Tree()
        if not root.exists():
            raise InputError(f"{root} does not exist; give a picture or a folder of pictures")
        pairs = (
            pairs_of(root.parent, tree, root)
            if root.is_file()
            else pairs_of(root, tree) or pairs_of(root / "images", tree)
        )
        if not pairs:
            raise InputError(
                f"folder {root} holds no picture; expected files ending in "
                + ", ".join(IMAGE_SUFFIXES)
                + _instead(root, tree)
            )
        super().__init__(pairs, palette or numbered_palette(), rule, scale, _counted(pairs, root))


class PairedFolder(ImageFiles):
    """Images in one folder, and in another a label map of the same name for each of them.

    Both may have folders below, in which the same names are found.

    Args:
        images: Folder of the images, or a single one.
        labels: Folder of the label maps.
        rule: How the pixels of a label map become class indices.
        palette: Classes of the label maps.
        scale: Factor on height and width.
        label_suffix: What the name of a label map adds to that of its image, such as "_mask"; None
            for any of `LABEL_ENDINGS`.

    Raises:
        InputError: A folder is missing, there is no image, an image has no label map or two.
    """

    title = "paired"
    """What messages call the data set."""

    def __init__(
        self,
        images: str | Path,
        labels: str | Path,
        rule: LabelRule,
        palette: Palette,
        scale: float = 1.0,
        label_suffix: str | None = None,
    ) -> None:
        images, labels, tree = Path(images).absolute(), Path(labels).absolute(), Tree()
        for folder in (images, labels):
            if not (folder.is_dir() or (folder == images and folder.is_file())):
                wrong = "is a file" if folder.is_file() else "does not exist"
                raise InputError(
                    f"{self.title} folder {folder} {wrong}; expected {images.name} and "
                    f"{os.path.relpath(labels, images.parent)} in {images.parent}"
                )
        files = [images] if images.is_file() else tree.all_files(images)
        if labels != images:
            files = [file for file in files if not file.is_relative_to(labels)]
        endings: Sequence[str] = LABEL_ENDINGS
        if label_suffix is not None:
            suffix = Path(label_suffix)  # both _mask and _mask.png are written
            known = suffix.suffix.lower() in LABEL_SUFFIXES
            endings = (suffix.stem if known else label_suffix,)
        index = LabelIndex(tree.all_files(labels, LABEL_SUFFIXES), labels, endings)
        below = images.parent if images.is_file() else images
        found = {file: index.of(file, below) for file in files}
        taken = {label for candidates in found.values() for label in candidates}
        if images == labels:  # label maps of other kinds are no images either
            others = LabelIndex(files, labels, LABEL_ENDINGS[1:])
            taken |= {label for file in files for label in others.of(file, images)}
        pairs = [
            (file, only(candidates, file))
            for file, candidates in found.items()
            if file not in taken
        ]
        if not pairs:
            raise InputError(f"{self.title} folder {images} holds no picture; expected jpg or png")
        missing = [image for image, label in pairs if label is None]
        if missing:
            raise InputError(
                f"{self.title} label map {labels / missing[0].stem}{endings[0]}.png is missing, like "
                f"{len(missing)} of {len(pairs)}; copy the whole data set, or name what label maps "
                "add to the names of their images with --label-suffix"
            )
        super().__init__(
            pairs, palette, rule, scale, f"{len(pairs)} images, label maps in {labels}"
        )


class CamVid(PairedFolder):
    """CamVid in its 11-class form: street scenes filmed from a car.

    Images in `root/<split>` with index PNGs of the same stem in `root/<split>annot`.

    Brostow, Fauqueur, Cipolla: Semantic object classes in video, Pattern Recognition Letters 30
    (2009); classes and folders as in the SegNet tutorial of Badrinarayanan, Kendall and Cipolla.

    Args:
        root: Folder that holds the folders of the splits.
        split: "train", "val" or "test".
        scale: Factor on height and width, 0.5 for half resolution.
        rule: How the pixels of a label map become class indices.

    Raises:
        InputError: The folders are not there, are empty, or an image has no label map.
    """

    title = "CamVid"
    palette = CAMVID
    rule = CAMVID_INDICES

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        scale: float = 1.0,
        rule: LabelRule = CAMVID_INDICES,
    ) -> None:
        check_split(split)
        root = Path(root)
        super().__init__(root / split, root / f"{split}annot", rule, self.palette, scale)

    @staticmethod
    def lies_in(root: Path) -> bool:
        """Tell whether a folder holds the folders of CamVid."""
        return any((root / f"{split}annot").is_dir() for split in SPLITS)


def open_place(
    place: Place,
    split: str,
    palette: Palette | None = None,
    scale: float = 1.0,
    rule: LabelRule | None = None,
    default_rule: LabelRule = INDICES_OR_COLOURS,
) -> ImageFiles:
    """Open a split of a data set that was recognised.

    Args:
        place: The data set.
        split: "train", "val", "test" or a name of its own.
        palette: Its classes: one of `PALETTES` goes before the data set's own, another one counts
            where the data set has none.
        scale: Factor on height and width.
        rule: How label maps are read, see `refined`; None for the data set's own rule.
        default_rule: How they are read where the data set has no rule either.

    Raises:
        InputError: See `Place.choose`.
    """
    chosen = place.choose(split)
    asked_for = palette if palette is not None and palette.name in PALETTES else None
    own = asked_for or chosen.palette or palette or numbered_palette()
    rule = refined(rule, default_rule if place.layout.palette is None else chosen.rule)
    if palette is not None and own.ignore_index != palette.ignore_index not in range(len(own)):
        # void is what the model calls so, and what the files of the data set call so
        if rule.void is None and not rule.reduce_zero:
            rule = replace(rule, void=own.ignore_index)
        own = replace(own, ignore_index=palette.ignore_index)
    return ImageFiles(
        chosen.pairs,
        own,
        rule,
        scale,
        chosen.described,
        chosen.split,
    )


def browse(
    path: Path,
    palette: Palette | None = None,
    scale: float = 1.0,
    rule: LabelRule | None = None,
    default_rule: LabelRule = UNAMBIGUOUS,
) -> ImageFiles:
    """Return the images at a path to look at, whatever it lies in or holds.

    Of a data set, the first of "test", "val" and "train" that has label maps is taken. Label maps of
    a known data set are read by its rule, others where they are unambiguous.

    Args:
        path: An image or a folder.
        palette: Classes, see `open_place`.
        scale: Factor on height and width.
        rule: How label maps are read, see `open_place`.
        default_rule: The same where neither `rule` nor the data set says it.

    Raises:
        InputError: It is not there, or holds no image.
    """
    path, given = path.absolute(), (palette, scale, rule, default_rule)
    place = recognise(path)
    if place is None and path.is_dir() and not Tree().files(path):
        place = recognise_below(path)
    if place is not None:
        found: list[ImageFiles] = []
        order = ["test", "val", "train"]
        for split in sorted(place.splits, key=lambda name: _rank(canonical(name), order)) or [""]:
            try:
                found.append(open_place(place, split, *given))
            except InputError:
                if not place.splits:
                    raise
                continue
            if any(label is not None for _, label in found[-1].pairs):
                return found[-1]
        return found[0] if found else open_place(place, place.splits[0], *given)
    folders = Tree().folders(path) if path.is_dir() else []
    splits = {canonical(one.name): one for one in folders}
    if not Tree().files(path) and (found_pair := siblings(folders)) is not None:
        with contextlib.suppress(InputError):  # some images have no label map
            both = (*found_pair, refined(rule, default_rule))
            return PairedFolder(*both, palette or numbered_palette(), scale)
    try:
        return ImageFolder(path, palette, scale, refined(rule, default_rule))
    except InputError:
        for split in reversed(SPLITS):
            if split in splits:
                with contextlib.suppress(InputError):
                    return ImageFolder(splits[split], palette, scale, refined(rule, default_rule))
        raise


def _rank(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


def find_label_map(image: Path) -> Path | None:
    """Return the label map that belongs to an image, None where there is none.

    Raises:
        InputError: There are two.
    """
    ((_, label_map),) = pairs_of(image.parent, Tree(), image)
    return label_map


def _counted(pairs: Pairs, root: Path) -> str:
    labelled = sum(label is not None for _, label in pairs)
    images = f"{len(pairs)} image{'' if len(pairs) == 1 else 's'} in {root}"
    return f"{images}, {labelled if labelled else 'none'} with a label map"


def _instead(root: Path, tree: Tree) -> str:
    """What a folder holds instead of images, and what can be done."""
    folders = [folder.name for folder in tree.folders(root)]
    if tree.all_files(root, (".parquet",)):
        return f". It holds parquet files; give hf-data:{root}"
    if not folders:
        return ""
    if any(
        tree.all_files(folder, (".txt",))
        for folder in tree.folders(root)
        if folder.name.lower() in LABEL_FOLDERS
    ):
        return (
            ". Its label files end in .txt, as boxes and polygons of YOLO do, which are not read; "
            "save label maps"
        )
    shown = ", ".join(folders[:6]) + (", ..." if len(folders) > 6 else "")
    return f". It holds the folders {shown}; {REMEDY}"
