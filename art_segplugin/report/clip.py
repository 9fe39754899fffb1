"""The files of a finished clip: videos, tables, JSON and `repro.json`."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from art_segplugin.clip_names import CLIP_FILES, video_name
from art_segplugin.data.palettes import Colour, Palette
from art_segplugin.data.video import LOSSLESS, VideoWriter
from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import (
    ClipImage,
    ClipReproduction,
    ClipStore,
    PictureRecord,
    check_same,
)
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.evaluation.exact_files import FileRef, Pixels, pixel_sha256, png
from art_segplugin.evaluation.model_refs import ModelPair
from art_segplugin.evaluation.pipeline import VOID, AttackPlan, Mask
from art_segplugin.evaluation.repro import FILE_NAME
from art_segplugin.files import file_sha256, remove_stale, replacing, write_bytes, write_text
from art_segplugin.report.panel import font, overlay, shortened
from art_segplugin.report.tables import write_rows
from art_segplugin.scores import REFERENCES, Scores, percent, share, target_text

NOT_FOR_SCORES = "lossy: not for re-evaluation"
EXACT = "exact: frame by frame what was scored as 8-bit"

STRIP = 28
"""Height of the line above a picture, in pixels; even, as codecs want all sides."""
TEXT_SIZE = 15
PAPER = (32, 34, 38)
INK = (235, 235, 235)
MARGIN = 6


@dataclass(frozen=True, eq=False)
class ClipContents:
    """All that the files are made from.

    Attributes:
        out: folder for everything that is written.
        store: adversarial images and predictions.
        origin: where the pictures came from, as JSON can hold it.
        fps: pictures a second.
        models: what was attacked.
        plan: the attack.
        records: one a picture, in order.
        pooled: scores over the whole clip.
        classes: names of the classes.
        colours: their colours.
        device: where the models ran.
        warm_start: each attack began with the perturbation of the picture before.
        mask: pixels that may change, bool (h, w), where the plan's region is "painted".
        video_suffix: one of `data.video.CODECS`; all but ".mkv" are lossy.
        side_by_side: write a video of the clean and the adversarial predictions side by side.
        overlay: write a video of the adversarial predictions over their images.
    """

    out: Path
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
    warm_start: bool = False
    mask: Mask | None = None
    video_suffix: str = LOSSLESS
    side_by_side: bool = True
    overlay: bool = True

    @property
    def lossy(self) -> bool:
        """Whether the videos lose values."""
        return self.video_suffix != LOSSLESS

    @property
    def palette(self) -> Palette:
        """Names and colours of the classes."""
        return Palette("model", self.classes, self.colours, VOID)

    def video(self, name: str) -> str:
        """Name of a video file; it says where values are lost."""
        return video_name(name, self.video_suffix)


def write_clip(
    contents: ClipContents, read: Callable[[int], ClipImage]
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
    out, records = contents.out, contents.records
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
    remove_stale(out, CLIP_FILES, written)
    yield tuple(written)


def _videos(contents: ClipContents) -> dict[str, str]:
    """Names of the videos to show, and what they are good for."""
    note = NOT_FOR_SCORES if contents.lossy else EXACT
    notes = {contents.video("adversarial"): note}
    if contents.models.b is not None and not contents.models.transfer:
        notes[contents.video("adversarial-b")] = note
    drawn = "lossy drawing" if contents.lossy else "drawing"
    if contents.side_by_side:
        notes[contents.video("side-by-side")] = drawn
    if contents.overlay:
        notes[contents.video("overlay")] = drawn
    return notes


def _pictures(
    contents: ClipContents, frame: ClipImage, record: PictureRecord
) -> Iterator[tuple[str, Pixels]]:
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
    if not (contents.side_by_side or contents.overlay):
        return
    rows = [_row(contents, frame, record, key, pixels) for key, pixels in written.items()]
    if contents.side_by_side:
        yield contents.video("side-by-side"), grid(rows)
    if contents.overlay:
        yield contents.video("overlay"), grid([[row[1]] for row in rows])


def _row(
    contents: ClipContents, frame: ClipImage, record: PictureRecord, key: str, pixels: Pixels
) -> list[Pixels]:
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


def _labels(frame: ClipImage) -> Pixels:
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
    mask = contents.mask
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
        warm_start=contents.warm_start,
        records=contents.records,
        pooled=contents.pooled,
        classes=list(contents.classes),
        outputs=notes,
        threads=torch.get_num_threads(),
        device=contents.device,
    )
    wanted = (
        "source", "models", "plan", "warm_start", "classes", "outputs", "records", "pooled",
        "threads", "device", "versions",
    )  # fmt: skip
    write_text(out / "clip.json", json.dumps(to_plain(made, wanted), indent=1))
    made.save(out / FILE_NAME)
    return paths


def caption(title: str, score: Scores) -> str:
    """The line above a prediction, such as "A clean  mIoU .859  error 1.1 %"."""
    against = "" if score.labelled else "  vs clean prediction"
    target = target_text(score)
    reached = f"  {target}" if target else ""
    return f"{title}{reached}  mIoU {share(score.miou)}  error {percent(score.mis_ratio)}{against}"


def tile(image: Pixels, prediction: Pixels, palette: Palette, text: str) -> Pixels:
    """A prediction over its image with a line above.

    Args:
        image: RGB, uint8 (h, w, 3), even sides.
        prediction: classes, uint8 (h, w).
        palette: their colours.
        text: the line; what does not fit is left out.

    Returns:
        RGB, uint8 (h + STRIP, w, 3).
    """
    strip = Image.new("RGB", (image.shape[1], STRIP), PAPER)
    pen = ImageDraw.Draw(strip)
    line = shortened(text, image.shape[1] - 2 * MARGIN, TEXT_SIZE)
    pen.text((MARGIN, (STRIP - TEXT_SIZE) // 2 - 1), line, INK, font(TEXT_SIZE))
    drawn: Pixels = np.vstack([np.asarray(strip), overlay(image, prediction, palette)])
    return drawn


def grid(rows: Sequence[Sequence[Pixels]]) -> Pixels:
    """Tiles of one size in rows, RGB uint8."""
    joined: Pixels = np.vstack([np.hstack(row) for row in rows])
    return joined


def picture_rows(records: Iterable[PictureRecord]) -> list[dict[str, Any]]:
    """Error, mIoU and distance of every picture, and what they are against.

    After a targeted attack, what it reached and what else it changed, too.
    """
    records, rows = list(records), []
    targeted = {side for one in records for side, score in one.scores.items() if score.target}
    for record in records:
        row: dict[str, Any] = {"index": record.index, "picture": record.name}
        labelled = all(score.labelled for score in record.scores.values())
        row["reference"] = REFERENCES[labelled]
        for side, score in record.scores.items():
            row |= {f"{side} error": score.mis_ratio, f"{side} mIoU": score.miou}
            if not side.endswith("clean"):
                row[f"{side} distance"] = score.distance
            if side in targeted:
                row |= {f"{side} reached": score.reached, f"{side} collateral": score.collateral}
        rows.append(row | {"seconds": record.seconds})
    return rows


def class_rows(
    classes: Sequence[str], numbers: Mapping[str, Scores], attacked: str
) -> list[dict[str, Any]]:
    """IoU of every class, clean and under attack, and what is lost; one row a class.

    A class that is neither in the reference nor in the prediction has no IoU, NaN; where it has none
    before or after the attack, nothing can be said to be lost: its drop is NaN too.

    Args:
        classes: their names.
        numbers: scores by names such as "A clean" and "A 8-bit".
        attacked: which of them the drop is to, such as "8-bit".
    """
    labelled = all(one.labelled for one in numbers.values())
    rows = []
    for index, name in enumerate(classes):
        row: dict[str, Any] = {"class": name}
        row["reference"] = REFERENCES[labelled]
        for model in ("A", "B"):
            iou = {
                side: float(one.class_iou[index])
                for side, one in numbers.items()
                if side.startswith(f"{model} ")
            }
            row |= {f"{side} IoU": value for side, value in iou.items()}
            before, after = iou.get(f"{model} clean"), iou.get(f"{model} {attacked}")
            if before is not None and after is not None:
                row[f"{model} drop"] = before - after
        rows.append(row)
    return rows
