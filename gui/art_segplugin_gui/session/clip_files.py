"""The files of a finished clip: videos, tables, JSON and `repro.json`."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from art_segplugin.data.palettes import Colour, Palette
from art_segplugin.data.video import LOSSLESS, VideoWriter
from art_segplugin.errors import InputError
from art_segplugin.evaluation.attack_plan import AttackPlan
from art_segplugin.evaluation.clip_reproduction import ClipReproduction, PictureRecord
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.evaluation.exact_files import FileRef, pixel_sha256, png
from art_segplugin.evaluation.model_refs import ModelPair
from art_segplugin.evaluation.repro import FILE_NAME
from art_segplugin.evaluation.scores import Scores
from art_segplugin.files import file_sha256, replacing, write_bytes, write_text
from art_segplugin.report.tables import write_rows
from art_segplugin_gui.session.class_table import class_rows
from art_segplugin_gui.session.clip_drawing import caption, grid, tile
from art_segplugin_gui.session.clip_request import NOT_FOR_SCORES, ClipRequest
from art_segplugin_gui.session.clip_source import check_same
from art_segplugin_gui.session.clip_store import ClipStore
from art_segplugin_gui.session.clip_tables import picture_rows
from art_segplugin_gui.session.export_names import OWNED, video_name
from art_segplugin_gui.session.frames import VOID, Picture, SourceFrame
from art_segplugin_gui.session.stale import remove_stale

EXACT = "exact: frame by frame what was scored as 8-bit"


@dataclass(frozen=True, eq=False)
class ClipContents:
    """All that the files are made from.

    Attributes:
        request: what was asked for.
        store: adversarial images and predictions.
        origin: where the pictures came from, as JSON can hold it.
        fps: pictures a second.
        models: what was attacked.
        plan: the attack.
        records: one a picture, in order.
        pooled: figures over the whole clip.
        classes: names of the classes.
        colours: their colours.
        device: where the models ran.
    """

    request: ClipRequest
    store: ClipStore
    origin: dict[str, Any]
    fps: float
    models: ModelPair
    plan: AttackPlan
    records: list[PictureRecord]
    pooled: dict[str, Scores]
    classes: tuple[str, ...]
    colours: tuple[Colour, ...]
    device: str

    @property
    def lossy(self) -> bool:
        """Whether the videos lose values."""
        return self.request.video_suffix != LOSSLESS

    @property
    def palette(self) -> Palette:
        """Names and colours of the classes."""
        return Palette("model", self.classes, self.colours, VOID)

    def video(self, name: str) -> str:
        """Name of a video file; it says where values are lost."""
        return video_name(name, self.request.video_suffix)


def write_clip(
    contents: ClipContents, read: Callable[[int], SourceFrame]
) -> Generator[float | tuple[Path, ...], None, None]:
    """Write all files; each appears when it is whole.

    Args:
        contents: what to write.
        read: reads a picture of the source again, with even sides.

    Yields:
        The share that is done, 0..1, after each picture; at last the paths, those of the adversarial
        images first and that of `repro.json` last.

    Raises:
        InputError: a file cannot be written, or the source gives other pictures than before.
    """
    out, records = contents.request.out, contents.records
    labelled = any(record.labels is not None for record in records)
    notes = _videos(contents)
    kept = ["pictures.mkv", *(["labels.mkv"] if labelled else [])]
    with ExitStack() as stack:
        writers = {}
        for name in (*notes, *kept):
            beside = stack.enter_context(replacing(out / name))
            writers[name] = stack.enter_context(VideoWriter(beside, contents.fps))
        for done, record in enumerate(records):
            frame = read(record.index)
            check_same(frame, record)
            for name, picture in _pictures(contents, frame, record):
                writers[name].write(picture)
            if labelled:
                writers["labels.mkv"].write(_labels(frame))
            yield (done + 1) / len(records)
    written = [out / name for name in (*notes, *kept)]
    written += _tables(contents, out)
    notes |= dict.fromkeys(kept, "exact: what was attacked")
    written += _jsons(contents, out, notes, labelled)
    remove_stale(out, OWNED["clip"], written)
    yield tuple(written)


def _videos(contents: ClipContents) -> dict[str, str]:
    """Names of the videos to show, and what they are good for."""
    request, note = contents.request, NOT_FOR_SCORES if contents.lossy else EXACT
    notes = {contents.video("adversarial"): note}
    if contents.models.b is not None and not contents.models.transfer:
        notes[contents.video("adversarial-b")] = note
    drawn = "lossy drawing" if contents.lossy else "drawing"
    if request.side_by_side:
        notes[contents.video("side-by-side")] = drawn
    if request.overlay:
        notes[contents.video("overlay")] = drawn
    return notes


def _pictures(
    contents: ClipContents, frame: SourceFrame, record: PictureRecord
) -> Iterator[tuple[str, Picture]]:
    """One picture of each video but that of the labels, by the video's name."""
    written = {key: contents.store.written(record.index, key) for key in record.written}
    for key, pixels in written.items():
        if pixel_sha256(pixels) != record.written[key]:
            raise InputError(
                f"picture {record.index} in {contents.store.folder} was changed; begin anew."
            )
    yield "pictures.mkv", frame.image
    yield contents.video("adversarial"), written["A"]
    if "B" in written and not contents.models.transfer:
        yield contents.video("adversarial-b"), written["B"]
    request = contents.request
    if not (request.side_by_side or request.overlay):
        return
    rows = [_row(contents, frame, record, key, pixels) for key, pixels in written.items()]
    if request.side_by_side:
        yield contents.video("side-by-side"), grid(rows)
    if request.overlay:
        yield contents.video("overlay"), grid([[row[1]] for row in rows])


def _row(
    contents: ClipContents, frame: SourceFrame, record: PictureRecord, key: str, pixels: Picture
) -> list[Picture]:
    """A model's clean and its adversarial prediction, drawn."""
    maps = contents.store.predictions(record.index, key)
    images, titles = (frame.image, pixels), ("clean", "8-bit")
    drawn = []
    for image, classes, kind, word in zip(
        images, maps, titles, ("clean", "adversarial"), strict=True
    ):
        text = caption(f"{key} {word}", record.scores[f"{key} {kind}"])
        drawn.append(tile(image, classes, contents.palette, text))
    return drawn


def _labels(frame: SourceFrame) -> Picture:
    labels = (
        np.full(frame.image.shape[:2], VOID, np.uint8) if frame.labels is None else frame.labels
    )
    return np.dstack([labels] * 3)


def _tables(contents: ClipContents, out: Path) -> list[Path]:
    paths = [out / "pictures.csv", out / "classes.csv"]
    write_rows(picture_rows(contents.records), paths[0])
    write_rows(class_rows(contents.classes, contents.pooled, "8-bit"), paths[1])
    return paths


def _jsons(contents: ClipContents, out: Path, notes: dict[str, str], labelled: bool) -> list[Path]:
    kept = ("pictures.mkv", "labels.mkv") if labelled else ("pictures.mkv",)
    refs = {name: FileRef(name, file_sha256(out / name)) for name in kept}
    paths = [out / "clip.json", out / FILE_NAME]
    mask = contents.request.attack.mask
    if mask is not None:
        data = png(mask.astype(np.uint8) * np.uint8(255))
        refs["mask"] = FileRef("repro-mask.png", hashlib.sha256(data).hexdigest())
        write_bytes(out / "repro-mask.png", data)
        paths.insert(0, out / "repro-mask.png")
    made = ClipReproduction(
        pictures=refs["pictures.mkv"],
        labels=refs.get("labels.mkv"),
        mask=refs.get("mask"),
        source=contents.origin,
        models=contents.models,
        plan=contents.plan,
        warm_start=contents.request.warm_start,
        records=contents.records,
        pooled=contents.pooled,
        classes=list(contents.classes),
        outputs=notes,
        threads=torch.get_num_threads(),
        device=contents.device,
    )
    tree = to_plain(made)
    wanted = (
        "source", "models", "plan", "warm_start", "classes", "outputs", "records", "pooled",
        "threads", "device", "versions",
    )  # fmt: skip
    write_text(out / "clip.json", json.dumps({name: tree[name] for name in wanted}, indent=1))
    made.save(out / FILE_NAME)
    return paths
