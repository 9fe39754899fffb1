"""Images in one folder per class, on the disk or in zip files that are never unpacked."""

import lzma
import os
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from art_segplugin.data.class_order import (
    SPLITS,
    check_split,
    class_label,
    class_palette,
    in_turn,
    share_out,
)
from art_segplugin.data.images import (
    IMAGE_SUFFIXES,
    RGB,
    ImageRule,
    check_scale,
    decode_image,
    scaled_image,
)
from art_segplugin.data.pairing import IMAGE_FOLDERS, siblings
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.files import printable

MOST_BYTES = 1 << 28
"""Files that unpack to more are refused: no image is that large, but a zip bomb is."""

SEGMENTATION = (
    "labels", "masks", "annotations", "ann_dir", "segmentationclass", "gtfine", "masks_png",
)  # fmt: skip
"""Folders, in small letters, that no class is called like: they hold label maps."""

_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,  # an unusual compression
    ValueError,
)  # fmt: skip


class ClassFiles(Protocol):
    """Folders of images, one a class."""

    def classes(self) -> dict[str, list[str]]:
        """Return the images of each class, both sorted by name."""
        ...

    def read(self, picture: str) -> bytes:
        """Return the bytes of one image; raise InputError where they cannot be read."""
        ...

    def where(self, picture: str) -> str:
        """Return how messages call one image."""
        ...


class ClassFolder:
    """Images sorted into one folder per class, the layout of torchvision's `ImageFolder`.

    `path` is a folder or a zip file that holds `train`, `val` and `test` with the class folders in
    them, or the class folders themselves; in a folder, `train.zip` may stand for `train`. Zip files
    are read in place, and may hold everything inside one top folder.

    Classes are the sorted names of the folders of "train", where there is one. Where there is no
    "val", images 9, 19, 29, ... of each class of "train" are "val" and the other nine tenths
    "train"; class folders without splits are "train".

    Samples come class by class in turn: image 0 of each class, image 1 of each class, ..., so
    that every prefix is balanced. Labels have shape (1, 1). Images keep their own size.

    Args:
        path: Folder or zip file.
        split: "train", "val" or "test".
        scale: Factor on height and width.

    Raises:
        InputError: There is no such file, split or image, a class folder is empty, or there are
            fewer than two classes.
    """

    pixels: ImageRule = RGB
    """How the pixels of an image become channels; may be set before images are read."""

    def __init__(self, path: str | Path, split: str = "train", scale: float = 1.0) -> None:
        check_split(split)
        check_scale(scale)
        root = Path(path).absolute()
        parts = _parts(root)
        source = "train" if split == "val" and "val" not in parts else split
        if source not in parts:
            has = sorted({*parts, "val"} if "train" in parts else parts)
            raise InputError(f"{root} has no {split!r} images; it has {' and '.join(has)}")
        self.scale = scale
        self._files = parts[source]
        found = self._files.classes()
        names = list(parts["train"].classes() if source != "train" and "train" in parts else found)
        _check(found, names, self._files)
        self.palette = class_palette(root.stem, names)
        groups = [found.get(name, []) for name in names]
        self.pictures = in_turn(share_out(groups, split, parts))
        if not self.pictures:
            raise InputError(
                f"{self._files} has too few pictures to hold some out for {split!r}; each class "
                "needs at least 10, or give a folder 'val'"
            )
        self._stems = Counter(map(_stem, self.pictures))

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.pictures)

    def __getitem__(self, index: int) -> Sample:
        """Read one sample; raise IndexError past the end."""
        number, picture = self.pictures[index]
        stem = _stem(self.pictures[index])
        file = stem[1] if self._stems[stem] == 1 else PurePosixPath(picture).name
        rgb = decode_image(self._files.read(picture), self._files.where(picture), self.pixels)
        return Sample(
            printable(f"{self.palette.classes[number]}-{file}"),
            scaled_image(rgb, self.scale),
            class_label(number),
        )


def is_class_folder(root: Path, split: str) -> bool:
    """Tell whether a folder or file is to be read as `ClassFolder` rather than `ImageFolder`.

    It is if it is a zip file, or if images are in subfolders only: neither in the folder (or
    its folder of the split) nor in `images` below it. Subfolders of label maps, known by
    their names (`SEGMENTATION`) or because the files of another one have the same names, or
    subfolders with images that are nothing but splits, speak of segmentation.
    """
    if root.is_file():
        return root.suffix.lower() == ".zip"
    place = root / split if (root / split).is_dir() else root
    for folder in (place, place / "images"):
        if folder.is_dir() and has_pictures(folder):
            # CIFAR-100 has a class called "train": a sibling of classes rather than a split
            return place != root and _holds_classes(root)
    return any(
        _holds_classes(root / name) or (root / f"{name}.zip").is_file() for name in SPLITS
    ) or _holds_classes(root)


def _holds_classes(folder: Path) -> bool:
    if not has_classes(folder):
        return False
    full = [sub for sub in subfolders(folder) if has_pictures(sub)]
    names = {sub.name.lower() for sub in full}
    if _speak_of_segmentation(names) or names <= {*SPLITS, *map(str.lower, IMAGE_FOLDERS)}:
        return False
    return siblings(full) is None


def _speak_of_segmentation(folders: Iterable[str]) -> bool:
    return any(name.lower() in SEGMENTATION or name.endswith("annot") for name in folders)


def _parts(root: Path) -> dict[str, ClassFiles]:
    """Return the class folders of each split; those of a folder without splits are "train"."""
    if root.is_file():
        archive = ZipFiles(root)
        if archive.holds_label_maps():
            raise InputError(f"{root} holds images and label maps; unpack it and give the folder")
        splits = archive.splits(SPLITS)
        return {name: ZipFiles(root, name) for name in splits} or {"train": archive}
    if not root.is_dir():
        raise InputError(f"{root} does not exist; give a folder of class folders or a zip file")
    parts: dict[str, ClassFiles] = {}
    for name in SPLITS:
        if has_classes(root / name):
            parts[name] = FolderFiles(root / name)
        elif (root / f"{name}.zip").is_file():
            archive = ZipFiles(root / f"{name}.zip")
            only = archive.splits(SPLITS)
            parts[name] = ZipFiles(archive.path, only[0]) if len(only) == 1 else archive
    return parts or {"train": FolderFiles(root)}


def _check(found: dict[str, list[str]], names: list[str], files: ClassFiles) -> None:
    if not any(found.values()):
        raise InputError(f"{files} holds no class folders with pictures; expected CLASS/a.jpg")
    if empty := [name for name, pictures in found.items() if not pictures]:
        raise InputError(
            f"class folder {empty[0]!r} of {files} holds no picture; remove it or fill it. "
            "If these are no classes, give images and label maps with --images DIR --labels DIR"
        )
    if strange := sorted(set(found) - set(names)):
        raise InputError(
            f"{files} has the class {strange[0]!r}, which the training images do not have; "
            "give all splits the same class folders"
        )


def _stem(entry: tuple[int, str]) -> tuple[int, str]:
    return entry[0], PurePosixPath(entry[1]).stem


class FolderFiles:
    """Class folders on the disk.

    Args:
        root: The folder that holds them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return f"folder {self.root}"

    def classes(self) -> dict[str, list[str]]:
        """Return the images of each class folder, hidden folders left out."""
        try:
            found = {
                folder.name: [
                    f"{folder.name}/{name}"
                    for name in sorted(os.listdir(folder))
                    if is_picture(name)
                ]
                for folder in subfolders(self.root)
            }
        except OSError as error:
            raise InputError(f"{self} cannot be read ({error}); check the permissions") from error
        for name in found:
            try:
                name.encode()
            except UnicodeEncodeError as error:  # it could be written into no report
                raise InputError(
                    f"class folder {name!a} of {self} has a name that is not UTF-8; rename it"
                ) from error
        return found

    def read(self, picture: str) -> bytes:
        """Return the bytes of one image."""
        try:
            with (self.root / picture).open("rb") as file:
                return _limited(file.read(MOST_BYTES + 1), self.where(picture))
        except OSError as error:
            raise InputError(f"{self.where(picture)} cannot be read ({error})") from error

    def where(self, picture: str) -> str:
        """Return the path of one image."""
        return str(self.root / picture)


class ZipFiles:
    """Class folders inside a zip file, below folders that all its images share.

    Reads from any thread, and after pickling or forking in any process.

    Args:
        path: The zip file.
        split: Folder inside it to keep to; "" for all.
    """

    def __init__(self, path: Path, split: str = "") -> None:
        self.path = path
        self.split = split
        self._opened: tuple[int, zipfile.ZipFile, threading.Lock] | None = None

    def __str__(self) -> str:
        return f"zip file {self.path}" + (f" (folder {self.split})" if self.split else "")

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file and the list of its contents behind."""
        return {"path": self.path, "split": self.split, "_opened": None}

    def splits(self, names: tuple[str, ...]) -> list[str]:
        """Return which of the names are folders of class folders."""
        found = {parts[0] for parts, name in self._entries if len(parts) == 3 and is_picture(name)}
        return [name for name in names if name in found]

    def holds_label_maps(self) -> bool:
        """Tell whether folders in it are called like those of label maps, or files like masks."""
        folders = {part for parts, _ in self._entries for part in parts[:-1]}
        stems = {PurePosixPath(name).stem for _, name in self._entries}
        return _speak_of_segmentation(folders) or any(f"{stem}_mask" in stems for stem in stems)

    def classes(self) -> dict[str, list[str]]:
        """Return the images of each class folder."""
        found: dict[str, list[str]] = {}
        for parts, name in self._entries:
            if self.split:
                if parts[0] != self.split:
                    continue
                parts = parts[1:]
            if len(parts) > 1 or (parts and name.endswith("/")):
                pictures = found.setdefault(parts[0], [])
                if len(parts) == 2 and is_picture(name):
                    pictures.append(name)
        return {name: sorted(found[name]) for name in sorted(found)}

    def read(self, picture: str) -> bytes:
        """Return the bytes of one image."""
        archive, lock = self._archive()
        try:
            # The length in the header may lie; reading stops at the limit whatever it says.
            with lock, archive.open(picture) as file:
                data = file.read(MOST_BYTES + 1)
        except (*_BROKEN, KeyError) as error:
            raise InputError(
                f"{self.where(picture)} cannot be read ({error}); make the zip file anew"
            ) from error
        return _limited(data, self.where(picture))

    def where(self, picture: str) -> str:
        """Return the zip file and the member."""
        return f"{self.path}:{picture}"

    @cached_property
    def _entries(self) -> list[tuple[tuple[str, ...], str]]:
        """Visible members below the shared folders: parts of the path there, and the full name."""
        entries = []
        for name in dict.fromkeys(self._archive()[0].namelist()):
            parts = tuple(part for part in name.split("/") if part)
            if parts and not any(part.startswith((".", "__MACOSX")) for part in parts):
                entries.append((parts, name))
        depth = _shared([parts for parts, name in entries if is_picture(name)])
        below = next((parts[:depth] for parts, name in entries if is_picture(name)), ())
        return [
            (parts[depth:], name)
            for parts, name in entries
            if parts[:depth] == below and len(parts) > depth
        ]

    def _archive(self) -> tuple[zipfile.ZipFile, threading.Lock]:
        # Forked processes would share the position in the file (and a lock that may be held).
        if self._opened is None or self._opened[0] != os.getpid():
            try:
                self._opened = (os.getpid(), zipfile.ZipFile(self.path), threading.Lock())
            except _BROKEN as error:
                raise InputError(
                    f"{self.path} cannot be read as a zip file ({error}); copy it again"
                ) from error
        return self._opened[1:]


def is_picture(name: str) -> bool:
    """Tell whether a file is a visible image by its name."""
    return not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)


def subfolders(root: Path) -> list[Path]:
    """Return the visible folders below a folder, sorted by name."""
    return sorted(
        entry for entry in root.iterdir() if not entry.name.startswith(".") and entry.is_dir()
    )


def has_pictures(folder: Path) -> bool:
    """Tell whether a folder holds an image itself; one that may not be read does not."""
    try:
        with os.scandir(folder) as entries:
            return any(is_picture(entry.name) for entry in entries)
    except PermissionError:
        return False


def has_classes(folder: Path) -> bool:
    """Tell whether images lie in the subfolders of a folder and not in itself."""
    return (
        folder.is_dir() and not has_pictures(folder) and any(map(has_pictures, subfolders(folder)))
    )


def _shared(pictures: list[tuple[str, ...]]) -> int:
    """Return how many folders above their class folders all images share.

    A folder of class folders that is called like a split is one, even if it is the only one.
    """
    depth = 0
    shortest = min(map(len, pictures), default=0)
    while shortest - depth > 2 and len({parts[depth] for parts in pictures}) == 1:
        if shortest - depth == 3 and pictures[0][depth] in SPLITS:
            break
        depth += 1
    return depth


def _limited(data: bytes, where: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise InputError(f"{where} is larger than {MOST_BYTES >> 20} MB; leave it out")
    return data
