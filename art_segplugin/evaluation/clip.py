"""Clips: images attacked in order, exactly and as the 8 bits that are written; stored, recorded, replayed."""

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import torch
from pydantic import PlainSerializer
from torch import Tensor

from art_segplugin.clip_names import SETTING, UNFINISHED
from art_segplugin.core.types import Images, Logits
from art_segplugin.data.resampling import even
from art_segplugin.data.video import Frame, Video
from art_segplugin.errors import InputError
from art_segplugin.evaluation.documents import Published, from_plain, to_plain, to_text
from art_segplugin.evaluation.exact_files import FileRef, Pixels, pixel_sha256, png, read_png
from art_segplugin.evaluation.model_refs import ModelPair, validate
from art_segplugin.evaluation.pipeline import (
    Attacked,
    AttackPlan,
    Clean,
    Mask,
    clean_picture,
    device_of,
    image_batch,
    to_uint8,
)
from art_segplugin.evaluation.repro import (
    FORMAT,
    Progress,
    json_path,
    open_models,
    parsed,
    read_text,
    torch_threads,
)
from art_segplugin.evaluation.result import versions
from art_segplugin.evaluation.scores import Pool, differences, pool, scores_from
from art_segplugin.files import write_bytes, write_text
from art_segplugin.models import Segmenter, load_model
from art_segplugin.scores import Scores, TargetScores

__all__ = [
    "KINDS", "AttackedPicture", "AttackedSide", "ClipAttack", "ClipImage", "ClipReproduction",
    "ClipRun", "ClipStep", "ClipStore", "PictureRecord", "Pool", "StoredPicture", "check_same",
    "pool", "predicted", "replay_clip",
]  # fmt: skip

KINDS = ("clean", "exact", "8-bit")
"""What is scored of each model: the picture, the attack's answer, and the answer as it is written."""


@dataclass(frozen=True, eq=False)
class AttackedSide:
    """What one model says about one picture of a clip.

    Attributes:
        exact: the attack's answer, and what the model says of it.
        rounded: the same as multiples of 1/255, inside the threat model.
    """

    exact: Attacked
    rounded: Attacked

    @property
    def clean(self) -> Clean:
        """The picture, and the prediction for it."""
        return self.exact.clean

    @property
    def x_adv(self) -> Images:
        """Exact adversarial image (1, 3, h, w)."""
        return self.exact.x_adv

    @property
    def x_8_bit(self) -> Images:
        """The image as it is written, in [0, 1]."""
        return self.rounded.x_adv

    @property
    def logits_8_bit(self) -> Logits:
        """The model's for that."""
        return self.rounded.logits

    @cached_property
    def numbers(self) -> dict[str, Scores]:
        """Scores by the names in KINDS."""
        return {
            "clean": self.clean.shown.scores,
            "exact": self.exact.scores,
            "8-bit": self.rounded.scores,
        }

    @property
    def written(self) -> Pixels:
        """The adversarial image as it is written, RGB uint8 (h, w, 3)."""
        return to_uint8(self.x_8_bit[0])


@dataclass(frozen=True, eq=False)
class AttackedPicture:
    """One picture of a clip after the attack.

    Attributes:
        index: position in the source.
        a: the first model.
        b: the second; None where there is none.
        seconds: time taken.
    """

    index: int
    a: AttackedSide
    b: AttackedSide | None
    seconds: float

    @property
    def sides(self) -> dict[str, AttackedSide]:
        """The models by the names "A" and "B"."""
        return {"A": self.a} if self.b is None else {"A": self.a, "B": self.b}

    @property
    def numbers(self) -> dict[str, Scores]:
        """All scores, by names such as "A clean" and "B 8-bit"."""
        return {
            f"{name} {kind}": side.numbers[kind]
            for name, side in self.sides.items()
            for kind in KINDS
        }


class ClipAttack:
    """Attacks pictures in order; each may begin with the perturbation of the one before.

    That perturbation is the one of 8 bits that was written, so that a run that goes on from files
    gives what one without a break gives.

    Args:
        a: the first model, as `open_model` gives it.
        b: the second; None for none.
        transfer: B is shown the images that were made against A, instead of its own attack's.
        plan: the attack; the random start of a picture depends on its position too. A picture
            without a pixel of the class that is to be mistaken, or whose pixels may change, is left
            as it is.
        mask: pixels that may change, bool (h, w), where the plan's region is "painted".
        warm_start: begin with the perturbation of the picture before.
    """

    def __init__(
        self,
        a: Segmenter,
        b: Segmenter | None,
        plan: AttackPlan,
        *,
        transfer: bool = True,
        mask: Mask | None = None,
        warm_start: bool = False,
    ) -> None:
        self._models = {"A": a} if b is None else {"A": a, "B": b}
        self._plan, self._transfer, self._warm = plan, transfer, warm_start
        self._mask = None if mask is None else even(mask)
        self._size: tuple[int, ...] | None = None
        self._before: dict[str, tuple[Pixels, Pixels]] = {}

    def attack(
        self, index: int, image: Pixels, labels: Pixels | None, name: str = "the picture"
    ) -> AttackedPicture:
        """Attack the next picture.

        Args:
            index: position in the source.
            image: RGB, uint8 (h, w, 3), see `even`.
            labels: true classes, uint8 (h, w), 255 for void; None where there are none.
            name: of the picture, for messages.

        Raises:
            InputError: a model does not take the picture, the attack does not fit it, or it has
                another size than the one before.
        """
        started = time.perf_counter()
        self._check_size(image, name)
        clean = {
            key: self._clean(model, image, labels, name) for key, model in self._models.items()
        }
        sides: dict[str, AttackedSide] = {}
        for key, picture in clean.items():
            shared = sides.get("A") if self._transfer else None
            sides[key] = self._side(key, picture, image, index, shared)
        for key, side in sides.items():
            self._before[key] = image, side.written
        seconds = time.perf_counter() - started
        return AttackedPicture(index, sides["A"], sides.get("B"), seconds)

    def go_on_after(self, image: Pixels, written: dict[str, Pixels]) -> None:
        """Take a picture as the one before, without attacking it once more.

        Args:
            image: the picture, RGB uint8 (h, w, 3).
            written: its adversarial image against each model ("A", "B"), as 8 bits.
        """
        self._check_size(image, "the picture before")
        self._before = {key: (image, pixels) for key, pixels in written.items()}

    def _check_size(self, image: Pixels, name: str) -> None:
        size = image.shape[:2]
        if self._size is None:
            self._size = size
        if size != self._size:
            raise InputError(
                f"{name} is {size[1]} x {size[0]} but those before are {self._size[1]} x "
                f"{self._size[0]}; a clip has pictures of one size, so choose another range."
            )

    def _clean(self, model: Segmenter, image: Pixels, labels: Pixels | None, name: str) -> Clean:
        if not self._before:  # costs a forward, so not for every picture
            validate(model, image_batch(image, device_of(model)))
        return clean_picture(model, image, labels, name)

    def _side(
        self,
        key: str,
        clean: Clean,
        image: Pixels,
        index: int,
        shared: AttackedSide | None,
    ) -> AttackedSide:
        threat_model, goal = self._plan.build(clean).threat_model, self._plan.goal
        if shared is not None:
            exact, rounded = (
                Attacked.of(clean, one.x_adv, threat_model, goal=goal)
                for one in (shared.exact, shared.rounded)
            )
            return AttackedSide(exact, rounded)
        self._plan.check(clean.model.classes or 0)
        if self._plan.applies(clean):
            start = self._start(key, clean, image)
            x_adv = self._plan.answer(clean, self._mask, index, start)
            exact = Attacked.of(clean, x_adv, threat_model, goal=goal)
        else:
            exact = Attacked(clean, clean.x, clean.logits, threat_model, goal)
        return AttackedSide(exact, exact.rounded())

    def _start(self, key: str, clean: Clean, image: Pixels) -> Tensor | None:
        before = self._before.get(key)
        if not self._warm or before is None:
            return None
        change = before[1].astype(np.int16) - before[0].astype(np.int16)
        moved = np.clip(image + change, 0, 255).astype(np.uint8)
        return image_batch(moved, clean.x.device)


def predicted(logits: Logits) -> Pixels:
    """The predicted classes of one picture, uint8 (h, w)."""
    classes: Pixels = logits.argmax(1)[0].to(torch.uint8).cpu().numpy()
    return classes


def _totals(scores: Scores) -> dict[str, Any]:
    return {
        "miou": scores.miou,
        "mis_ratio": scores.mis_ratio,
        "distance": scores.distance,
        "labelled": scores.labelled,
        "target": None if scores.target is None else to_plain(scores.target),
    }


Totals = Annotated[Scores, PlainSerializer(_totals)]
"""Scores whose table of classes is not written: there is one for each image."""


@dataclass(frozen=True)
class PictureRecord:
    """What is noted of one picture.

    Attributes:
        index: position in the source.
        name: its name.
        image: sha256 of its pixels, see `pixel_sha256`.
        labels: sha256 of its labels; None where there are none.
        written: sha256 of the pixels of its adversarial image, by model ("A", "B").
        scores: scores by names such as "A clean", "A exact", "A 8-bit".
        seconds: time that the attack took.
    """

    index: int
    name: str
    image: str
    labels: str | None
    written: dict[str, str]
    scores: dict[str, Totals]
    seconds: float

    @classmethod
    def of(
        cls, done: AttackedPicture, name: str, image: Pixels, labels: Pixels | None
    ) -> "PictureRecord":
        """What is noted of a picture after the attack."""
        return cls(
            done.index,
            name,
            pixel_sha256(image),
            None if labels is None else pixel_sha256(labels),
            {key: pixel_sha256(side.written) for key, side in done.sides.items()},
            {key: one.totals for key, one in done.numbers.items()},
            done.seconds,
        )


@dataclass(frozen=True)
class ClipReproduction(Published):
    """A clip, what was done to it, and the scores.

    Attributes:
        pictures: lossless video of the pictures, beside this file.
        labels: lossless video of their labels in all three channels (all void where a picture has
            none); None where no picture has any.
        mask: PNG of the pixels that may change, where the plan's region is "painted".
        source: where the pictures came from, as JSON can hold it.
        models: what was attacked.
        plan: the attack.
        warm_start: each picture's attack began with the perturbation of the one before.
        records: one a picture, in order.
        pooled: scores over the whole clip, by names such as "A 8-bit".
        classes: names of the classes, for tables.
        outputs: files that were written beside this one, and what they are for.
        threads: threads that torch computed with.
        device: on which.
        versions: of what was installed.
        format: version of this file.
        kind: "clip".
    """

    pictures: FileRef
    labels: FileRef | None
    mask: FileRef | None
    source: dict[str, Any]
    models: ModelPair
    plan: AttackPlan
    warm_start: bool
    records: list[PictureRecord]
    pooled: dict[str, Scores]
    classes: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    threads: int = field(default_factory=torch.get_num_threads)
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=versions)
    format: int = FORMAT
    kind: str = "clip"

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        write_text(path, to_text(self))

    @classmethod
    def load(cls, path: Path) -> "ClipReproduction":
        """Read what `save` wrote; the videos are opened by `frames`.

        Args:
            path: the JSON file, or the folder with its `repro.json`.

        Raises:
            InputError: it is no such file, of another version, or holds no scores.
        """
        read = parsed(cls, read_text(json_path(path)), "clip")
        if not read.records or not read.pooled:
            raise InputError(
                "this repro.json holds no figures to compare; export the clip once more."
            )
        return read

    def frames(self, folder: Path) -> Iterator[tuple[PictureRecord, Pixels, Pixels | None]]:
        """The pictures with their labels, in order.

        Args:
            folder: where the videos are.

        Raises:
            InputError: a video is missing, was changed or breaks off, or labels do not fit.
        """
        pictures = iter(Video(self.pictures.path(folder)))
        maps: Iterator[Frame | None] = iter(lambda: None, 0)
        if self.labels is not None:
            maps = iter(Video(self.labels.path(folder)))
        for record, image, labels in zip(self.records, pictures, maps, strict=False):
            known = None if labels is None or record.labels is None else labels[..., 0].copy()
            if known is not None and known.shape != image.shape[:2]:
                raise InputError(
                    f"the labels of picture {record.index} have another size than it; export once "
                    "more."
                )
            yield record, image, known


def replay_clip(
    clip: ClipReproduction,
    folder: Path,
    device: str = "cpu",
    *,
    tolerance: float = 0.0,
    progress: Progress | None = None,
    run_code: bool = False,
    load: Callable[[str], Segmenter] = load_model,
) -> tuple[dict[str, Scores], list[str]]:
    """Attack the clip again and compare every picture; see `reproduce`.

    Args:
        clip: what to do.
        folder: where its videos are.
        device: where to compute.
        tolerance: by how much shares and distances may differ; 0 asks for the same pixels too.
        progress: is told after every picture.
        run_code: models of own code may be run, see `open_model`.
        load: loads a model by its spec.

    Returns:
        Figures over the whole clip, and a line for each figure that is another one.

    Raises:
        InputError: a model or a video is not the recorded one, or does not fit.
    """
    if not clip.records or not clip.pooled:
        raise InputError("the clip holds no figures to compare; export it once more.")
    together, lines, done = Pool(), list[str](), 0
    mask = None if clip.mask is None else read_png(clip.mask.path(folder), 1) > 0
    with torch_threads(clip.threads):
        a, b = open_models(clip.models, device, run_code=run_code, load=load)
        attack = ClipAttack(
            a, b, clip.plan, transfer=clip.models.transfer, mask=mask, warm_start=clip.warm_start
        )
        for record, image, labels in clip.frames(folder):
            _check_recorded(clip, record, image, labels)
            found = attack.attack(record.index, image, labels, record.name)
            together.add(found.numbers)
            lines += _lines(record, PictureRecord.of(found, record.name, image, labels), tolerance)
            done += 1
            if progress is not None:
                progress(done, len(clip.records))
    if done < len(clip.records):
        raise InputError(
            f"{clip.pictures.name} has {done} of {len(clip.records)} pictures; export once more."
        )
    pooled = together.scores
    return pooled, [*differences(clip.pooled, pooled, tolerance), *lines]


def _check_recorded(
    clip: ClipReproduction, record: PictureRecord, image: Pixels, labels: Pixels | None
) -> None:
    """Refuse another picture, or other labels, than were attacked."""
    other = _what_differs(record, image, labels)
    if other == "picture":
        raise InputError(
            f"picture {record.index} of {clip.pictures.name} is not the one that was attacked; "
            "export once more."
        )
    if other == "labels":
        where = "" if clip.labels is None else f" of {clip.labels.name}"
        raise InputError(
            f"the labels of picture {record.index}{where} are not those that were used; export "
            "once more."
        )


def _what_differs(record: PictureRecord, image: Pixels, labels: Pixels | None) -> str | None:
    """Whether the "picture" or its "labels" are others than those recorded; None for neither."""
    if pixel_sha256(image) != record.image:
        return "picture"
    found = None if labels is None else pixel_sha256(labels)
    return "labels" if found != record.labels else None


def _lines(recorded: PictureRecord, found: PictureRecord, tolerance: float) -> list[str]:
    where = f"picture {recorded.index}"
    lines = [f"{where}, {line}" for line in differences(recorded.scores, found.scores, tolerance)]
    if not lines and tolerance == 0 and recorded.written != found.written:
        lines.append(f"{where}: other adversarial pixels")
    return lines


STORE_KIND = "unfinished clip of art-segplugin"
MAPS = ("clean", "attacked")
PNG_NAME = r"\d{6,}(\.[AB](-clean|-attacked)?)?"
OURS = re.compile(rf"{PNG_NAME}\.(json|png)")
HALF = re.compile(rf"\.({PNG_NAME}|setting)\.\w{{8}}\.(json|png)")
"""What `files.replacing` leaves if it is killed."""


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """What is kept of one picture.

    Attributes:
        record: its scores and hashes.
        numbers: all scores with their counts, by names such as "A 8-bit".
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
        setting = json.loads(json.dumps({"kind": STORE_KIND} | setting))
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
                    torch.tensor(one["confusion"]),
                    one["distance"],
                    labelled=one["labelled"],
                    target=from_plain(TargetScores, one["target"]) if one.get("target") else None,
                )
                for name, one in tree["numbers"].items()
            }
        except (OSError, ValueError, TypeError, KeyError, RuntimeError):
            return None
        names = [name for key in record.written for name in _png_names(key)]
        whole = all(self._path(index, name).is_file() for name in names)
        return StoredPicture(record, numbers) if whole else None

    def add(self, done: AttackedPicture, record: PictureRecord) -> None:
        """Keep a picture; it counts as done once all of it is written.

        Raises:
            InputError: the folder cannot be written, for instance on a full disk.
        """
        for key, side in done.sides.items():
            arrays = (side.written, predicted(side.clean.logits), predicted(side.logits_8_bit))
            for name, array in zip(_png_names(key), arrays, strict=True):
                write_bytes(self._path(done.index, name), png(array))
        tree = {
            "record": to_plain(record),
            "numbers": {
                name: {
                    "confusion": one.confusion.tolist(),
                    "distance": one.distance,
                    "labelled": one.labelled,
                    "target": None if one.target is None else to_plain(one.target),
                }
                for name, one in done.numbers.items()
            },
        }
        write_text(self._path(done.index, "json"), json.dumps(tree) + "\n")

    def written(self, index: int, model: str) -> Pixels:
        """The adversarial image of a picture against a model ("A", "B"), RGB uint8 (h, w, 3)."""
        return read_png(self._path(index, _png_names(model)[0]), 3)

    def predictions(self, index: int, model: str) -> tuple[Pixels, Pixels]:
        """Predicted classes for the picture and for that image, uint8 (h, w)."""
        clean, attacked = _png_names(model)[1:]
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
        if not isinstance(tree, dict) or tree.get("kind") != STORE_KIND:
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


def _png_names(model: str) -> tuple[str, str, str]:
    return f"{model}.png", f"{model}-{MAPS[0]}.png", f"{model}-{MAPS[1]}.png"


class ClipImage(Protocol):
    """One image of a clip as it is attacked, of whatever source."""

    @property
    def name(self) -> str:
        """For messages and tables."""

    @property
    def image(self) -> Pixels:
        """RGB, uint8 (h, w, 3), even sides."""

    @property
    def labels(self) -> Pixels | None:
        """True classes, uint8 (h, w), 255 for void; None where there are none."""


def check_same(image: ClipImage, record: PictureRecord) -> None:
    """Refuse an image, or labels, that changed since the image was attacked.

    Raises:
        InputError: they did.
    """
    other = _what_differs(record, image.image, image.labels)
    if other is None:
        return
    if other == "picture":
        what = f"picture {record.index} is another one than was attacked"
    else:
        what = f"the labels of picture {record.index} are others than when it was attacked"
    raise InputError(f"{what} ({record.name}); begin anew, or choose another folder.")


@dataclass(frozen=True, eq=False)
class ClipStep:
    """One image of a clip is done.

    Attributes:
        index: position in the source.
        scores: by names such as "A 8-bit".
        image: what was attacked; None where an earlier run did it.
        done: what came of it, likewise.
    """

    index: int
    scores: dict[str, Scores]
    image: ClipImage | None = None
    done: AttackedPicture | None = None


class ClipRun:
    """The attack on a clip, which goes on where an earlier run was stopped.

    Args:
        attack: of the models; has attacked nothing yet.
        models: names of the models, ("A",) or ("A", "B").
        store: what is done, and where more is kept.
        read: reads an image by its position in the source.

    Attributes:
        pool: scores of all images so far.
        records: one an image, in order.
    """

    def __init__(
        self,
        attack: ClipAttack,
        models: Sequence[str],
        store: ClipStore,
        read: Callable[[int], ClipImage],
    ) -> None:
        self._attack, self._models, self.store, self.read = attack, models, store, read
        self.pool, self.records = Pool(), list[PictureRecord]()
        self._spent, self._attacked = 0.0, 0

    @property
    def seconds(self) -> float | None:
        """What an attacked image took on average, its reading too; None before the first."""
        return self._spent / self._attacked if self._attacked else None

    def steps(self, span: Sequence[int]) -> Iterator[ClipStep]:
        """Every image of a range, attacked now or by an earlier run.

        Raises:
            InputError: as `ClipAttack.attack`, an image changed since an earlier run, or the store
                cannot be written.
        """
        restored: int | None = None
        for index in span:
            stored = self.store.find(index)
            if stored is not None:
                check_same(self.read(index), stored.record)
                restored = index
                self._note(stored.record, stored.numbers)
                yield ClipStep(index, stored.numbers)
                continue
            started = time.perf_counter()
            image = self.read(index)
            if restored == index - 1:
                written = {key: self.store.written(index - 1, key) for key in self._models}
                self._attack.go_on_after(self.read(index - 1).image, written)
            done = self._attack.attack(index, image.image, image.labels, image.name)
            record = PictureRecord.of(done, image.name, image.image, image.labels)
            self.store.add(done, record)
            self._note(record, done.numbers)
            self._spent += time.perf_counter() - started
            self._attacked += 1
            yield ClipStep(index, done.numbers, image, done)

    def _note(self, record: PictureRecord, scores: dict[str, Scores]) -> None:
        self.pool.add(scores)
        self.records.append(record)
