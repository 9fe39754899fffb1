"""The figures of a `ClipReproduction`, computed once more."""

from collections.abc import Callable
from pathlib import Path

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipAttack
from art_segplugin.evaluation.clip_reproduction import ClipReproduction, PictureRecord
from art_segplugin.evaluation.exact_files import Pixels, pixel_sha256, read_png
from art_segplugin.evaluation.repro import Progress, open_models, torch_threads
from art_segplugin.evaluation.scores import Pool, Scores, differences, same
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
            _check(clip, record, image, labels)
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


def _check(
    clip: ClipReproduction, record: PictureRecord, image: Pixels, labels: Pixels | None
) -> None:
    """Refuse another picture, or other labels, than were attacked."""
    if pixel_sha256(image) != record.image:
        raise InputError(
            f"picture {record.index} of {clip.pictures.name} is not the one that was attacked; "
            "export once more."
        )
    if (None if labels is None else pixel_sha256(labels)) != record.labels:
        where = "" if clip.labels is None else f" of {clip.labels.name}"
        raise InputError(
            f"the labels of picture {record.index}{where} are not those that were used; export "
            "once more."
        )


def _lines(recorded: PictureRecord, found: PictureRecord, tolerance: float) -> list[str]:
    where = f"picture {recorded.index}"
    lines = [
        f"{where}, {side}: recorded, but not there now"
        for side in recorded.scores
        if side not in found.scores
    ]
    for side, now in found.scores.items():
        score = recorded.scores.get(side)
        if score is None:
            lines.append(f"{where}, {side}: there now, but not recorded")
            continue
        if score.labelled != now.labelled:
            lines.append(f"{where}, {side}: other labels")
        for name in ("miou", "mis_ratio", "distance"):
            before, after = getattr(score, name), getattr(now, name)
            if not same(before, after, tolerance):
                lines.append(f"{where}, {side}: {name} {before!r}, now {after!r}")
    if not lines and tolerance == 0 and recorded.written != found.written:
        lines.append(f"{where}: other adversarial pixels")
    return lines
