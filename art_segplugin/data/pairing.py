"""Which files are images, and which file is the label map of which image."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from PIL import Image

from art_segplugin.data.images import IMAGE_SUFFIXES, INDEX_MODES
from art_segplugin.errors import InputError

LABEL_SUFFIXES = (*IMAGE_SUFFIXES, ".gif", ".npy")
"""Files that are found as label maps; reading them refuses those that are lossy."""
LABEL_ENDINGS = (
    "", "_label", "_labels", "_L", "_mask", "_masks", "_seg", "_segmentation", "_gt", "_P",
    "_annotation", "_trainIds", "_labelTrainIds",
)  # fmt: skip
"""What the name of a label map adds to that of its image. Letter case does not count."""
IMAGE_ENDINGS = ("", "_sat", "_image", "_img", "_rgb")
"""What the name of an image adds where image and label map both have an ending."""
LABEL_FOLDERS = (
    "labels", "label", "masks", "mask", "annotations", "annotation", "ann_dir", "ann", "annots",
    "annot", "gt", "ground_truth", "segmentation", "segmentations", "SegmentationClass",
)  # fmt: skip
"""Names of folders of label maps, of which `annotations` and the like may hold other things."""
LABEL_FOLDER_ENDINGS = ("annot", "_labels", "_label", "_masks", "_mask", "_annotations", "_gt")
"""What the name of a folder of label maps adds to that of the folder of its images."""
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "img_dir", "JPEGImages")
"""Names of folders of images that have a folder of label maps beside them."""

MOST_SIBLINGS = 8
"""Folders beside one another that are compared, as images and label maps are seldom more."""

Pairs = list[tuple[Path, Path | None]]


class Tree:
    """Listings of folders, each read once: a stat for each of 10,000 files takes seconds.

    Hidden files, dead links and folders that are called like files are left out.
    """

    def __init__(self) -> None:
        self._listings: dict[Path, tuple[list[Path], list[Path]]] = {}

    def files(self, folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[Path]:
        """Return the files of a folder with one of the suffixes, in the order of their names."""
        return [
            file for file in self._list(folder)[0] if file.name.lower().endswith(tuple(suffixes))
        ]

    def folders(self, folder: Path) -> list[Path]:
        """Return the visible folders in a folder, in the order of their names."""
        return self._list(folder)[1]

    def all_files(self, folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> list[Path]:
        """Return the files of a folder and of the folders below it."""
        found = self.files(folder, suffixes)
        for below in self.folders(folder):
            if below.is_symlink() and folder.resolve().is_relative_to(below.resolve()):
                continue  # a link back up
            found += self.all_files(below, suffixes)
        return found

    def folder(self, parent: Path, name: str) -> Path | None:
        """Return the folder of that name, in any letter case, None where there is none."""
        if name in ("", "."):
            return parent
        same = [one for one in self.folders(parent) if one.name.lower() == name.lower()]
        return next((one for one in same if one.name == name), same[0] if same else None)

    def _list(self, folder: Path) -> tuple[list[Path], list[Path]]:
        if folder not in self._listings:
            files: list[Path] = []
            folders: list[Path] = []
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        try:
                            if entry.is_dir():
                                folders.append(folder / entry.name)
                            elif entry.is_file():
                                files.append(folder / entry.name)
                        except OSError:  # a loop of links
                            continue
            except OSError:  # no such folder, or it may not be read
                pass
            self._listings[folder] = sorted(files), sorted(folders)
        return self._listings[folder]


class LabelIndex:
    """Label maps by the name of the image that they belong to.

    Args:
        files: The label maps.
        below: Folder below which names with their folders are told apart; None to ignore folders.
        endings: What their names may add to that of the image.
    """

    def __init__(
        self, files: Iterable[Path], below: Path | None, endings: Sequence[str] = LABEL_ENDINGS
    ) -> None:
        self._below = below
        self._found: dict[str, list[Path]] = defaultdict(list)
        self._anywhere: dict[str, list[Path]] = defaultdict(list)
        lower = [ending.lower() for ending in endings]
        for file in files:
            stem, place = file.stem, self._place(file, below)
            for ending in lower:
                if stem.lower().endswith(ending) and len(stem) > len(ending):
                    key = stem[: len(stem) - len(ending)]
                    self._anywhere[key].append(file)
                    self._found[place + key].append(file)

    def of(
        self, image: Path, below: Path | None = None, endings: Sequence[str] = IMAGE_ENDINGS
    ) -> list[Path]:
        """Return the label maps of an image, those in a folder of the same name before others.

        Args:
            image: File of the image.
            below: Folder of the images, where folders below it are told apart.
            endings: What its name may add.
        """
        names = [image.stem, image.name]
        names += [
            image.stem[: len(image.stem) - len(ending)]
            for ending in endings
            if ending and image.stem.lower().endswith(ending.lower())
        ]
        place = self._place(image, below)
        for found, prefix in ((self._found, place), (self._anywhere, "")):
            matching = [file for name in names for file in found.get(prefix + name, ())]
            if matching := [file for file in dict.fromkeys(matching) if file != image]:
                return matching
        return []

    def _place(self, file: Path, below: Path | None) -> str:
        if below is None or file.parent == below:
            return ""
        return f"{os.path.relpath(file.parent, below)}/"


def only(found: Sequence[Path], image: Path) -> Path | None:
    """Return the label map of an image, None where there is none.

    Raises:
        InputError: There are several.
    """
    if len(found) > 1:
        raise InputError(
            f"{image} has two label maps, {found[0]} and {found[1]}; remove one, or give --images "
            "DIR --labels DIR [--label-suffix _mask]"
        )
    return found[0] if found else None


def pairs_of(folder: Path, tree: Tree, only_image: Path | None = None) -> Pairs:
    """Return the images of a folder and their label maps; label maps are not images themselves.

    Label maps lie beside their images, in a folder beside that of the images which is called like
    it with one of `LABEL_FOLDER_ENDINGS`, or in one of `LABEL_FOLDERS` beside or below it.

    Args:
        folder: Folder of the images.
        tree: Listings of folders.
        only_image: The only image that is asked for.

    Raises:
        InputError: An image has several label maps.
    """
    images = tree.files(folder)
    beside = [
        LabelIndex(tree.files(folder, (".png",)), None, ("",)),
        LabelIndex(tree.files(folder, LABEL_SUFFIXES), None, LABEL_ENDINGS[1:]),
    ]
    elsewhere = [
        LabelIndex(tree.all_files(place, LABEL_SUFFIXES), place)
        for place in label_places(folder, tree)
    ]
    if only_image is not None:
        images = [only_image]
    taken = {file for image in images for index in beside for file in index.of(image)}
    pairs: Pairs = []
    for image in images:
        if image in taken:
            continue
        found = [file for index in (*beside, *elsewhere) for file in index.of(image)]
        pairs.append((image, only(list(dict.fromkeys(found)), image)))
    return pairs


def siblings(folders: Sequence[Path]) -> tuple[Path, Path] | None:
    """Return the folder of images and that of their label maps, None where there are no such two.

    Files of equal names and sizes in both tell, where those of one are indices or hold few colours
    and those of the other do not. Three of them are looked at.

    Raises:
        InputError: There are several such pairs.
    """
    if not 2 <= len(folders) <= MOST_SIBLINGS:
        return None
    found = [
        (images, labels)
        for images in folders
        for labels in folders
        if images != labels and _mirrors(images, labels)
    ]
    if len(found) > 1:
        shown = " or ".join(f"{images.name} and {labels.name}" for images, labels in found[:2])
        raise InputError(
            f"{folders[0].parent} may hold images and label maps in {shown}; give them with --images "
            "DIR --labels DIR"
        )
    return found[0] if found else None


def _mirrors(images: Path, labels: Path) -> bool:
    with os.scandir(images) as entries:
        visible = (one.name for one in entries if not one.name.startswith("."))
        names = list(islice((n for n in visible if n.lower().endswith(IMAGE_SUFFIXES)), 3))
    for name in names:
        stem = Path(name).stem
        here = [labels / f"{stem}{suffix}" for suffix in (".png", ".bmp", ".tif", ".tiff")]
        label_map = next(
            (file for file in here if os.path.isfile(file)), None
        )  # no error for long names
        if label_map is None:
            return False
        try:
            with Image.open(images / name) as image, Image.open(label_map) as opened:
                if image.size != opened.size or image.mode in INDEX_MODES:
                    return False
                if opened.mode not in INDEX_MODES and opened.getcolors(256) is None:
                    return False
                if opened.mode not in INDEX_MODES and image.getcolors(256) is not None:
                    return False
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return False
    return bool(names)


def label_places(folder: Path, tree: Tree) -> list[Path]:
    """Return the folders in which the label maps of a folder of images may lie."""
    sisters = [f"{folder.name}{ending}" for ending in LABEL_FOLDER_ENDINGS]
    found = [tree.folder(folder.parent, name) for name in (*sisters, *LABEL_FOLDERS)]
    found += [tree.folder(folder, name) for name in LABEL_FOLDERS]
    return [place for place in dict.fromkeys(found) if place is not None and place != folder]
