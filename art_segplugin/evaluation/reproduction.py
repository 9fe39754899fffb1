"""`repro.json`: all that makes the numbers of one shown picture again."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import AttackPlan, Mask
from art_segplugin.evaluation.exact_files import FileRef, Pixels, png, read_png
from art_segplugin.evaluation.json_tree import from_plain, to_plain
from art_segplugin.evaluation.model_refs import ModelPair
from art_segplugin.evaluation.numbers import Numbers
from art_segplugin.evaluation.summary import versions
from art_segplugin.files import write_bytes, write_text

FORMAT = 2
READABLE = (1, 2)
"""Format 1 knows no position of a picture: its random start was that of position 0."""
FILE_NAME = "repro.json"
MOST_THREADS = 1024

SIDES = ("A clean", "A adversarial", "B clean", "B adversarial")
"""What figures are of; those of B only where there is a B."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Reproduction:
    """One picture, what was done to it, and the numbers that were on show.

    Attributes:
        image: the picture, RGB uint8 (h, w, 3).
        models: what was attacked.
        numbers: figures by the names in SIDES.
        plan: the attack; None where only clean predictions were shown.
        point: number of the point that was shown, counted through all restarts from 0; None for the
            attack's answer.
        fade: strength at which the perturbation was shown; None for the attack's own image.
        labels: true classes, uint8 (h, w), 255 for void; None where there are none.
        mask: pixels that may change, bool (h, w), where the plan's region is "painted".
        index: position in its source, 0 to `attack_plan.MOST`, which the random start depends on.
        name: of the picture.
        origin: where it came from, as JSON can hold it.
        classes: names of the classes, for tables; none where nobody needs them.
        threads: threads that torch computed with: another number rounds otherwise.
        device: on which.
        versions: of what was installed.
    """

    image: Pixels
    models: ModelPair
    numbers: dict[str, Numbers]
    plan: AttackPlan | None = None
    point: int | None = None
    fade: float | None = None
    labels: Pixels | None = None
    mask: Mask | None = None
    index: int = 0
    name: str = "picture"
    origin: dict[str, Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    threads: int = field(default_factory=torch.get_num_threads)
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=versions)

    def files(self, stem: str = "repro") -> dict[str, bytes]:
        """The files beside the JSON: name to contents."""
        arrays = {"image": self.image, "labels": self.labels, "mask": _grey(self.mask)}
        return {f"{stem}-{k}.png": png(v) for k, v in arrays.items() if v is not None}

    def to_json(self, stem: str = "repro") -> str:
        """The text of the JSON file, which names the others."""
        return self._json(self.files(stem), stem)

    def save(self, folder: Path, stem: str = "repro") -> list[Path]:
        """Write STEM.json and the files that it names; each whole or not at all.

        Returns:
            The paths, that of the JSON first.

        Raises:
            InputError: the folder cannot be written.
        """
        files = self.files(stem)
        for name, data in files.items():
            write_bytes(folder / name, data)
        path = folder / f"{stem}.json"
        write_text(path, self._json(files, stem))  # last: what it names is there
        return [path, *(folder / name for name in files)]

    @classmethod
    def from_json(cls, text: str, folder: Path) -> "Reproduction":
        """Read what `to_json` gave, and the files that it names.

        Args:
            text: of the JSON file.
            folder: where the others are.

        Raises:
            InputError: it is no such text, of another version, or a file is missing or changed.
        """
        read = parsed(_Document, text, "picture")
        labels = None if read.labels is None else read_png(read.labels.path(folder), 1)
        mask = None if read.mask is None else read_png(read.mask.path(folder), 1) > 0
        shared = {name: getattr(read, name) for name in _SHARED}
        image = read_png(read.image.path(folder), 3)
        for array, what in ((labels, "labels"), (mask, "mask")):
            if array is not None and array.shape != image.shape[:2]:
                raise InputError(
                    f"the {what} have another size than the picture; export once more."
                )
        return cls(image=image, labels=labels, mask=mask, **shared)

    @classmethod
    def load(cls, path: Path) -> "Reproduction":
        """Read what `save` wrote.

        Args:
            path: the JSON file, or the folder with its `repro.json`.

        Raises:
            InputError: as `from_json`.
        """
        path = json_path(path)
        return cls.from_json(read_text(path), path.parent)

    def _json(self, files: dict[str, bytes], stem: str) -> str:
        refs = {
            name: FileRef(name, hashlib.sha256(data).hexdigest()) for name, data in files.items()
        }
        found = {key: refs.get(f"{stem}-{key}.png") for key in ("image", "labels", "mask")}
        shared = {name: getattr(self, name) for name in _SHARED}
        return json.dumps(
            {"format": FORMAT, "kind": "picture"} | to_plain(found) | to_plain(shared), indent=1
        )


@dataclass(frozen=True)
class _Document:
    """A Reproduction as it is in the file."""

    format: int
    kind: str
    image: FileRef
    labels: FileRef | None
    mask: FileRef | None
    models: ModelPair
    numbers: dict[str, Numbers]
    plan: AttackPlan | None
    point: int | None
    fade: float | None
    name: str
    origin: dict[str, Any]
    classes: list[str]
    threads: int
    device: str
    versions: dict[str, str]
    index: int = 0


_SHARED = (
    "models", "numbers", "plan", "point", "fade", "index", "name", "origin", "classes", "threads",
    "device", "versions",
)  # fmt: skip


def kind_of(text: str) -> str:
    """What a reproduction is of: "picture" or "clip".

    Raises:
        InputError: the text is no reproduction, or of another version.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        values = None
    if not isinstance(values, dict) or values.get("kind") not in ("picture", "clip"):
        raise InputError("this is no repro.json of art-segplugin; export one in the desktop app.")
    if values.get("format") not in READABLE:
        raise InputError(
            f"this repro.json has format {values.get('format')!r} and this version reads "
            f"{READABLE[0]} to {READABLE[-1]}; install the version that it names."
        )
    return str(values["kind"])


def parsed(document: type[T], text: str, kind: str) -> T:
    """The values of a reproduction of a kind.

    Raises:
        InputError: the text is no such reproduction; what is wrong is named.
    """
    if kind_of(text) != kind:
        raise InputError(f"this repro.json is of a {kind_of(text)}, not of a {kind}.")
    try:
        return from_plain(document, json.loads(text))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        why = str(error).rstrip(".")
        raise InputError(f"this repro.json is damaged ({why}); export it once more.") from error


def json_path(path: Path) -> Path:
    """The JSON file that a path means: itself, or `repro.json` in a folder."""
    return path / FILE_NAME if path.is_dir() else path


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is missing or holds no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no text"
        raise InputError(
            f"cannot read {path}: {reason}; give a repro.json or its folder."
        ) from error


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute with so many threads for a while: the same sums in the same order.

    Raises:
        InputError: it is no number of threads.
    """
    if not 1 <= count <= MOST_THREADS:
        raise InputError(f"threads is {count}; give a number from 1 to {MOST_THREADS}.")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _grey(mask: Mask | None) -> Pixels | None:
    return None if mask is None else mask.astype(np.uint8) * np.uint8(255)
