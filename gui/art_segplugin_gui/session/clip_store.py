"""The pictures of an unfinished clip in a folder, so that it can go on where it was."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import AttackedPicture, predicted
from art_segplugin.evaluation.clip_reproduction import PictureRecord
from art_segplugin.evaluation.documents import from_plain, to_plain
from art_segplugin.evaluation.exact_files import png, read_png
from art_segplugin.evaluation.scores import Scores, scores_from
from art_segplugin.files import write_bytes, write_text
from art_segplugin_gui.session.export_names import SETTING, UNFINISHED

KIND = "unfinished clip of art-segplugin"
MAPS = ("clean", "attacked")
NAME = r"\d{6,}(\.[AB](-clean|-attacked)?)?"
OURS = re.compile(rf"{NAME}\.(json|png)")
HALF = re.compile(rf"\.({NAME}|setting)\.\w{{8}}\.(json|png)")
"""What `files.replacing` leaves if it is killed."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """What is kept of one picture.

    Attributes:
        record: its figures and hashes.
        numbers: all figures with their counts, by names such as "A 8-bit".
    """

    record: PictureRecord
    numbers: dict[str, Scores]


class ClipStore:
    """Pictures that are done: PNGs and a JSON file each, all written whole.

    Args:
        out: folder of the clip; the pictures are in a folder within.
        setting: what must be equal for them to be gone on with, as JSON can hold it.
        anew: throw away what is there.

    Raises:
        InputError: the folder holds pictures of another setting, is somebody else's, or cannot be
            written.
    """

    def __init__(self, out: Path, setting: dict[str, Any], *, anew: bool = False) -> None:
        self.folder = out / UNFINISHED
        earlier = self._earlier()
        if anew:
            self.remove()
            earlier = None
        setting = json.loads(json.dumps({"kind": KIND} | setting))
        if earlier is None:
            write_text(self.folder / SETTING, json.dumps(setting, indent=1))
        elif earlier != setting:
            differing = [key for key in setting if earlier.get(key) != setting[key]]
            raise InputError(
                f"{out} holds an unfinished clip with another {', '.join(differing) or 'setting'}; "
                "choose another folder, or begin anew."
            )

    def find(self, index: int) -> StoredPicture | None:
        """What is kept of a picture; None where it is not done."""
        try:
            tree = json.loads(self._path(index, "json").read_text(encoding="utf-8"))
            record = from_plain(PictureRecord, tree["record"])
            numbers = {
                name: scores_from(
                    torch.tensor(one["confusion"]), one["distance"], labelled=one["labelled"]
                )
                for name, one in tree["numbers"].items()
            }
        except (OSError, ValueError, TypeError, KeyError, RuntimeError):
            return None
        names = [name for key in record.written for name in _names(key)]
        whole = all(self._path(index, name).is_file() for name in names)
        return StoredPicture(record, numbers) if whole else None

    def add(self, done: AttackedPicture, record: PictureRecord) -> None:
        """Keep a picture; it counts as done once all of it is written.

        Raises:
            InputError: the folder cannot be written, for instance on a full disk.
        """
        for key, side in done.sides.items():
            arrays = (side.written, predicted(side.clean.logits), predicted(side.logits_8_bit))
            for name, array in zip(_names(key), arrays, strict=True):
                write_bytes(self._path(done.index, name), png(array))
        tree = {
            "record": to_plain(record),
            "numbers": {
                name: {
                    "confusion": one.confusion.tolist(),
                    "distance": one.distance,
                    "labelled": one.labelled,
                }
                for name, one in done.numbers.items()
            },
        }
        write_text(self._path(done.index, "json"), json.dumps(tree) + "\n")

    def written(self, index: int, model: str) -> Pixels:
        """The adversarial image of a picture against a model ("A", "B"), RGB uint8 (h, w, 3)."""
        return read_png(self._path(index, _names(model)[0]), 3)

    def predictions(self, index: int, model: str) -> tuple[Pixels, Pixels]:
        """Predicted classes for the picture and for that image, uint8 (h, w)."""
        clean, attacked = _names(model)[1:]
        return read_png(self._path(index, clean), 1), read_png(self._path(index, attacked), 1)

    def remove(self) -> None:
        """Delete all pictures; whatever else is in the folder stays, and the folder with it.

        Raises:
            InputError: they cannot be deleted.
        """
        try:
            names = self._files()
            for name in filter(_is_ours, names):
                (self.folder / name).unlink()
            (self.folder / SETTING).unlink(missing_ok=True)  # last: until then all can go on
            if self.folder.is_dir() and not any(self.folder.iterdir()):
                self.folder.rmdir()
        except OSError as error:
            raise InputError(
                f"cannot delete {self.folder}: {error.strerror or error}; delete it by hand."
            ) from error

    def _earlier(self) -> dict[str, Any] | None:
        """The setting of what is in the folder; None where nothing is.

        Raises:
            InputError: the folder is not one of ours, so nothing is written into it or deleted.
        """
        try:
            if all(map(HALF.fullmatch, self._files())):
                return None
            tree = json.loads((self.folder / SETTING).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            tree = None
        if not isinstance(tree, dict) or tree.get("kind") != KIND:
            raise InputError(
                f"{self.folder} is there but holds no unfinished clip; rename it, or choose another "
                "folder for the clip."
            )
        return tree

    def _files(self) -> list[str]:
        if not self.folder.exists():
            return []
        return [path.name for path in self.folder.iterdir()]

    def _path(self, index: int, ending: str) -> Path:
        return self.folder / f"{index:06d}.{ending}"


def _is_ours(name: str) -> bool:
    return bool(OURS.fullmatch(name) or HALF.fullmatch(name))


def _names(model: str) -> tuple[str, str, str]:
    return f"{model}.png", f"{model}-{MAPS[0]}.png", f"{model}-{MAPS[1]}.png"
