"""The figures of a `ClipReproduction`, computed once more."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipAttack
from art_segplugin.evaluation.clip_reproduction import ClipReproduction, PictureRecord, Pool
from art_segplugin.evaluation.exact_files import pixel_sha256, read_png
from art_segplugin.evaluation.numbers import MOST_LISTED, Numbers, differences, same
from art_segplugin.evaluation.reproduce import Progress, open_models
from art_segplugin.evaluation.reproduction import torch_threads
from art_segplugin.models import Segmenter, load_model


def replay_clip(
    clip: ClipReproduction,
    folder: Path,
    device: str = "cpu",
    *,
    tolerance: float = 0.0,
    progress: Progress | None = None,
    run_code: bool = False,
    load: Callable[[str], Segmenter] = load_model,
) -> tuple[dict[str, Numbers], list[str]]:
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
    together, lines, done = Pool(), [], 0
    mask = None if clip.mask is None else read_png(clip.mask.path(folder), 1) > 0
    with torch_threads(clip.threads):
        a, b = open_models(clip.models, device, run_code=run_code, load=load)
        attack = ClipAttack(
            a, b, clip.plan, transfer=clip.models.transfer, mask=mask, warm_start=clip.warm_start
        )
        for record, image, labels in clip.frames(folder):
            if pixel_sha256(image) != record.image or _hash(labels) != record.labels:
                raise InputError(
                    f"picture {record.index} of {clip.pictures.name} is not the one that was "
                    "attacked; export once more."
                )
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
    pooled = together.numbers
    return pooled, [*differences(clip.pooled, pooled, tolerance), *lines[:MOST_LISTED]]


def _hash(labels: np.typing.NDArray[np.uint8] | None) -> str | None:
    return None if labels is None else pixel_sha256(labels)


def _lines(recorded: PictureRecord, found: PictureRecord, tolerance: float) -> list[str]:
    lines = []
    for side, score in recorded.scores.items():
        now = found.scores.get(side)
        for name in ("miou", "mis_ratio", "distance"):
            before, after = getattr(score, name), getattr(now, name, float("nan"))
            if not same(before, after, tolerance):
                lines.append(f"picture {recorded.index}, {side}: {name} {before!r}, now {after!r}")
    if not lines and tolerance == 0 and recorded.written != found.written:
        lines.append(f"picture {recorded.index}: other adversarial pixels")
    return lines
