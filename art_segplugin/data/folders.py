"""Image files with the label maps that belong to them: plain folders, paired folders, CamVid."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
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
)
from art_segplugin.data.palettes import CAMVID, Palette, numbered_palette
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

LABEL_ENDINGS = ("", "_label", "_labels", "_L")
LABEL_FOLDERS = ("labels", "masks")
VOID = 11
"""Label of void pixels in the files of CamVid."""

T = TypeVar("T")


class ImageFiles:
    """Images from files, each with a label map or without one.

    Samples are called like their files; files of equal stems keep their suffix.

    Args:
        pairs: Files of the images and of their label maps, None for an image without one.
        palette: Classes of the label maps.
        rule: How the pixels of a label map become class indices.
        scale: Factor on height and width.

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
    ) -> None:
        check_scale(scale)
        self.pairs = pairs
        self.palette = palette
        self.rule = rule
        self.scale = scale
        self._stems = Counter(image.stem for image, _ in pairs)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.pairs)

    def name(self, index: int) -> str:
        """Return the name of one sample; raise IndexError past the end."""
        image, _ = self.pairs[index]
        return image.stem if self._stems[image.stem] == 1 else image.name

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
        return settled_rule(self.rule, (path for _, path in self.pairs if path is not None))


class ImageFolder(ImageFiles):
    """The images of a folder, in the order of their names.

    The label map of `a.jpg` is `a.png`, `a_label.png`, `a_labels.png` or `a_L.png`: beside it, in a
    sister folder called like its own folder with `annot` added, or in `labels` or `masks` beside or
    below its folder. An image without one gives a sample whose labels are None. Of `root/images` and
    `root/labels`, give `root` or `root/images`.

    Args:
        root: The folder, or a single image.
        palette: Classes of the label maps; by default numbers up to 254, with 255 for void.
        scale: Factor on height and width.
        rule: How the pixels of a label map become class indices.

    Raises:
        InputError: The folder is not there or holds no image.
    """

    def __init__(
        self,
        root: str | Path,
        palette: Palette | None = None,
        scale: float = 1.0,
        rule: LabelRule = INDICES_OR_COLOURS,
    ) -> None:
        check_scale(scale)  # before looking into folders
        root = Path(root).absolute()
        if not root.exists():
            raise InputError(f"{root} does not exist; give a picture or a folder of pictures")
        pairs = (
            [(root, find_label_map(root))]
            if root.is_file()
            else _pairs(root) or _pairs(root / "images")
        )
        if not pairs:
            raise InputError(
                f"folder {root} holds no picture; expected files ending in "
                + ", ".join(IMAGE_SUFFIXES)
            )
        super().__init__(pairs, palette or numbered_palette(), rule, scale)


class PairedFolder(ImageFiles):
    """Images in one folder, and in another a label PNG of the same stem for each of them.

    Args:
        images: Folder of the images.
        labels: Folder of the label maps.
        rule: How the pixels of a label map become class indices.
        palette: Classes of the label maps.
        scale: Factor on height and width.

    Raises:
        InputError: A folder is missing, there is no image, or an image has no label map.
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
    ) -> None:
        images, labels = Path(images), Path(labels)
        for folder in (images, labels):
            if not folder.is_dir():
                raise InputError(
                    f"{self.title} folder {folder} does not exist; expected {images.name} and "
                    f"{os.path.relpath(labels, images.parent)} in {images.parent}"
                )
        files = _image_files(images)
        if not files:
            raise InputError(f"{self.title} folder {images} holds no picture; expected jpg or png")
        pairs = [(file, labels / f"{file.stem}.png") for file in files]
        missing = [label_map for _, label_map in pairs if not label_map.is_file()]
        if missing:
            raise InputError(
                f"{self.title} label map {missing[0]} is missing, like {len(missing)} of "
                f"{len(files)}; copy the whole data set"
            )
        super().__init__(pairs, palette, rule, scale)


class CamVid(PairedFolder):
    """CamVid in its 11-class form: street scenes filmed from a car.

    Images in `root/<split>` with index PNGs of the same stem in `root/<split>annot`.

    Brostow, Fauqueur, Cipolla: Semantic object classes in video, Pattern Recognition Letters 30
    (2009); classes and folders as in the SegNet tutorial of Badrinarayanan, Kendall and Cipolla.

    Args:
        root: Folder that holds the folders of the splits.
        split: "train", "val" or "test".
        scale: Factor on height and width, 0.5 for half resolution.
        rule: How the pixels of a label map become class indices, where it is not that of SegNet.

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
        return any((root / f"{split}annot").is_dir() for split in ("train", "val"))


def browse(path: Path) -> ImageFolder:
    """Return the images at a path to look at, whatever kind of folder it lies in or holds.

    Of CamVid or a folder of splits, the first of "test", "val" and "train" that is there is taken.
    Label maps of CamVid are read by its rule, others where they are unambiguous.

    Args:
        path: An image or a folder.

    Raises:
        InputError: It is not there, or holds no image.
    """
    path = path.absolute()
    folder = path if path.is_dir() else path.parent
    splits = [folder / split for split in reversed(SPLITS)]
    if CamVid.lies_in(folder):
        camvid = True
        if path.is_dir():
            path = next(f for f in splits if f.with_name(f"{f.name}annot").is_dir())
    else:
        camvid = folder.name in SPLITS and CamVid.lies_in(folder.parent)
    palette, rule = (CAMVID, CamVid.rule) if camvid else (None, UNAMBIGUOUS)
    try:
        return ImageFolder(path, palette, rule=rule)
    except InputError:
        for split in splits:
            if split.is_dir():
                with contextlib.suppress(InputError):
                    return ImageFolder(split, palette, rule=rule)
        raise


def find_label_map(image: Path) -> Path | None:
    """Return the label map that belongs to an image, None where there is none."""
    folder = image.parent
    places = [folder, folder.with_name(f"{folder.name}annot")]
    places += [parent / name for parent in (folder.parent, folder) for name in LABEL_FOLDERS]
    for place in places:
        for ending in LABEL_ENDINGS:
            candidate = place / f"{image.stem}{ending}.png"
            if candidate != image and candidate.is_file():
                return candidate
    return None


def _pairs(folder: Path) -> list[tuple[Path, Path | None]]:
    """Return images and their label maps; label maps are not images themselves."""
    label_maps = {file: find_label_map(file) for file in _image_files(folder)}
    beside = set(label_maps.values())
    return [(file, label_map) for file, label_map in label_maps.items() if file not in beside]


def _image_files(folder: Path) -> list[Path]:
    """Return the image files of a folder in the order of their names, none where there is none."""
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
