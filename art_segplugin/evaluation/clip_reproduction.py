"""`repro.json` of a clip: its pictures, the attack on them, and the figures of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import PlainSerializer

from art_segplugin.data.video import Frame, Video
from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import AttackPlan
from art_segplugin.evaluation.clip import AttackedPicture
from art_segplugin.evaluation.documents import Published, to_text
from art_segplugin.evaluation.exact_files import FileRef, Pixels, pixel_sha256
from art_segplugin.evaluation.model_refs import ModelPair
from art_segplugin.evaluation.repro import FORMAT, json_path, parsed, read_text
from art_segplugin.evaluation.scores import Scores
from art_segplugin.evaluation.summary import versions
from art_segplugin.files import write_text


def _totals(scores: Scores) -> dict[str, float | bool | None]:
    return {
        "miou": scores.miou,
        "mis_ratio": scores.mis_ratio,
        "distance": scores.distance,
        "labelled": scores.labelled,
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
        scores: figures by names such as "A clean", "A exact", "A 8-bit".
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
    """A clip, what was done to it, and the figures.

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
        pooled: figures over the whole clip, by names such as "A 8-bit".
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
            InputError: it is no such file, of another version, or holds no figures.
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
