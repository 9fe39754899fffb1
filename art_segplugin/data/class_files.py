"""Class folders with pictures, on the disk or inside a zip file that is never unpacked."""

import lzma
import os
import threading
import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from art_segplugin.data.class_order import SPLITS
from art_segplugin.data.pictures import PICTURE_SUFFIXES
from art_segplugin.errors import InputError

MOST_BYTES = 1 << 28
"""Files that unpack to more are refused: no picture is that large, but a zip bomb is."""

_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError,
    RuntimeError,  # encrypted
    NotImplementedError,  # an unusual compression
    ValueError,
)  # fmt: skip


class ClassFiles(Protocol):
    """Folders of pictures, one a class."""

    def classes(self) -> dict[str, list[str]]:
        """Return the pictures of each class, both sorted by name."""
        ...

    def read(self, picture: str) -> bytes:
        """Return the bytes of one picture; raise InputError where they cannot be read."""
        ...

    def where(self, picture: str) -> str:
        """Return how messages call one picture."""
        ...


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
        """Return the pictures of each class folder, hidden folders left out."""
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
        """Return the bytes of one picture."""
        try:
            with (self.root / picture).open("rb") as file:
                return _limited(file.read(MOST_BYTES + 1), self.where(picture))
        except OSError as error:
            raise InputError(f"{self.where(picture)} cannot be read ({error})") from error

    def where(self, picture: str) -> str:
        """Return the path of one picture."""
        return str(self.root / picture)


class ZipFiles:
    """Class folders inside a zip file, below folders that all its pictures share.

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

    def classes(self) -> dict[str, list[str]]:
        """Return the pictures of each class folder."""
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
        """Return the bytes of one picture."""
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
    """Tell whether a file is a visible picture by its name."""
    return not name.startswith(".") and name.lower().endswith(PICTURE_SUFFIXES)


def subfolders(root: Path) -> list[Path]:
    """Return the visible folders below a folder, sorted by name."""
    return sorted(
        entry for entry in root.iterdir() if not entry.name.startswith(".") and entry.is_dir()
    )


def has_pictures(folder: Path) -> bool:
    """Tell whether a folder holds a picture itself; one that may not be read does not."""
    try:
        with os.scandir(folder) as entries:
            return any(is_picture(entry.name) for entry in entries)
    except PermissionError:
        return False


def has_classes(folder: Path) -> bool:
    """Tell whether pictures lie in the subfolders of a folder and not in itself."""
    return (
        folder.is_dir() and not has_pictures(folder) and any(map(has_pictures, subfolders(folder)))
    )


def _shared(pictures: list[tuple[str, ...]]) -> int:
    """Return how many folders above their class folders all pictures share.

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
