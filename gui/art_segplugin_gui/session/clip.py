"""The attack on a whole clip, image by image, as a generator of events."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from art_segplugin.data.resampling import even
from art_segplugin.data.video import check_video_suffix
from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import (
    AttackedSide,
    ClipAttack,
    ClipRun,
    ClipStep,
    ClipStore,
)
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.evaluation.exact_files import pixel_sha256
from art_segplugin.evaluation.pipeline import image_batch
from art_segplugin.files import file_sha256
from art_segplugin.report.clip import ClipContents, write_clip
from art_segplugin_gui.session import arrays
from art_segplugin_gui.session.clip_request import (
    ClipDone,
    ClipFrame,
    ClipRequest,
    ClipSide,
)
from art_segplugin_gui.session.frames import Event, Progress, SourceFrame
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.label_names import usable_labels
from art_segplugin_gui.session.model_cache import LoadedModel, ModelCache
from art_segplugin_gui.session.plan import model_pair, plan_of
from art_segplugin_gui.session.sources.base import FrameSource

OpenSource = Callable[[str, int | None], FrameSource]
"""Opens a source by its spec, with the longest side that its pictures may have."""


def clip_events(
    shelf: ModelCache, open_source: OpenSource, request: ClipRequest, token: CancelToken
) -> Iterator[Event]:
    """Attack a clip; pictures that an earlier run has done are not attacked again.

    Whatever ends it early leaves the pictures that are done in the folder, and the same request
    goes on after them.

    Args:
        shelf: the models.
        open_source: opens `request.spec`; its pictures are read in this thread.
        request: what to do.
        token: stops it, between two layers of a model too.

    Yields:
        One ClipFrame a picture, Progress between them, and ClipDone once all files are written.

    Raises:
        Cancelled: the token was told to.
        InputError: a source, model, attack or folder cannot be used.
    """
    check_video_suffix(request.video_suffix)
    with closing(open_source(request.spec, request.longest_side)) as source:
        span = span_of(request, source)
        specs = list(filter(None, (request.models.a, request.models.b)))
        for spec in specs:
            if not shelf.holds(spec):
                yield Progress(request.rev, f"loading {spec}")
            for share in shelf.load(spec):
                token.check()
                yield Progress(request.rev, f"loading {spec}", share)
        models = [shelf.get(spec, token) for spec in specs]
        names = models[0].palette[0]

        def read(index: int) -> SourceFrame:
            """A picture of even sides, with its labels if they are of the model's classes."""
            frame = read_even(source, index)
            labels, _ = usable_labels(names, frame, models[0].reduces_labels)
            return replace(frame, labels=labels)

        first = read_even(source, span[0])
        origin = origin_of(request, span, source.fps)
        if "label_rule" in first.origin:
            origin["label_rule"] = first.origin["label_rule"]
        contents = _contents(shelf, models, request, origin, source.fps)
        run = ClipRun(_attack(models, request), ("A", "B")[: len(models)], contents.store, read)
        _check_models(models, first, shelf.device)
        token.check()
        for step in run.steps(span):
            yield _event(request, run, step, len(span), models[0])
            token.check()
        contents = replace(contents, records=run.records, pooled=run.pool.scores)
        with closing(write_clip(contents, read)) as writing:
            for told in writing:
                token.check()
                if isinstance(told, float):
                    yield Progress(request.rev, "writing videos", told)
                    continue
                contents.store.remove()
                yield ClipDone(request.rev, told, contents.pooled, contents.lossy)


def _attack(models: list[LoadedModel], request: ClipRequest) -> ClipAttack:
    return ClipAttack(
        models[0].model,
        models[1].model if len(models) > 1 else None,
        plan_of(request.attack),
        transfer=request.models.transfer,
        mask=request.attack.mask,
        warm_start=request.warm_start,
    )


def _contents(
    shelf: ModelCache,
    models: list[LoadedModel],
    request: ClipRequest,
    origin: dict[str, Any],
    fps: float,
) -> ClipContents:
    """What there is to write, before a picture is done."""
    hashes = (models[0].sha256, models[1].sha256 if len(models) > 1 else None)
    refs, plan = model_pair(request.models, sha256=hashes), plan_of(request.attack)
    mask, device = request.attack.mask, str(shelf.device)
    attack = to_plain(plan)
    if not plan.goal.keep:
        del attack["goal"]["keep"]  # which version 0.1, whose clips go on here, did not know
    setting = {
        "source": origin,
        "models": to_plain(refs),
        "attack": attack,
        "mask": None if mask is None else pixel_sha256(mask.astype("uint8")),
        "warm start": request.warm_start,
        "device": device,
        "threads": torch.get_num_threads(),
    }
    names, colours = models[0].palette
    return ClipContents(
        out=request.out,
        store=ClipStore(request.out, setting, anew=request.anew),
        origin=origin,
        fps=fps,
        models=refs,
        plan=plan,
        records=[],
        pooled={},
        classes=names,
        colours=colours,
        device=device,
        warm_start=request.warm_start,
        mask=mask,
        video_suffix=request.video_suffix,
        side_by_side=request.side_by_side,
        overlay=request.overlay,
    )


def _check_models(models: list[LoadedModel], first: SourceFrame, device: torch.device) -> None:
    """Check the models on the first picture, and whether they can stand side by side.

    Raises:
        InputError: a model does not take it, or they have other classes.
    """
    for loaded in models:
        loaded.validate(image_batch(first.image, device))
    a, *others = models
    for b in others:
        if b.palette[0] != a.palette[0]:
            raise InputError(
                f"{b.spec} has other classes than {a.spec}; choose models of the same classes, or "
                "leave B out."
            )


def _event(
    request: ClipRequest, run: ClipRun, step: ClipStep, total: int, a: LoadedModel
) -> ClipFrame:
    count, each = len(run.records), run.seconds
    sides: dict[str, ClipSide] = {}
    if step.done is not None:
        assert isinstance(step.image, SourceFrame), "as `read` gives it"
        sides = {name: _side(side, step.image) for name, side in step.done.sides.items()}
    return ClipFrame(
        request.rev,
        step.index,
        count,
        total,
        None if each is None else each * (total - count),
        step.scores,
        run.pool.scores,
        step.image if isinstance(step.image, SourceFrame) else None,
        sides.get("A"),
        sides.get("B"),
        a.palette[0] if a.model.classes else (),
    )


def _side(side: AttackedSide, frame: SourceFrame) -> ClipSide:
    clean = side.clean
    attacked = arrays.side(
        clean,
        side.logits_8_bit,
        arrays.Adversarial.of(side.x_8_bit, clean.x),
        None,
        side.rounded.distances,
    )
    return ClipSide(arrays.side(clean, clean.logits, frame.image), attacked)


def read_even(source: FrameSource, index: int) -> SourceFrame:
    """A picture of even sides, with its labels: video codecs cannot write others.

    Raises:
        InputError: it cannot be read, or nothing would be left.
    """
    frame = source.read(index)
    if min(frame.image.shape[:2]) < 2:
        raise InputError(f"{frame.name} is too small for a video; take pictures of 2 x 2 and more.")
    labels = None if frame.labels is None else even(frame.labels)
    return replace(frame, image=even(frame.image), labels=labels)


def span_of(request: ClipRequest, source: FrameSource) -> range:
    """Numbers of the pictures that are asked for.

    Raises:
        InputError: the source never ends, or has no such pictures.
    """
    if source.count is None:
        raise InputError(f"{request.spec} never ends; choose a video, a folder, scenes or a drive.")
    last = source.count - 1 if request.last is None else request.last
    if not 0 <= request.first <= last < source.count:
        raise InputError(
            f"pictures {request.first} to {last} are asked for and {request.spec} has 0 to "
            f"{source.count - 1}; choose a range within."
        )
    return range(request.first, last + 1)


def origin_of(request: ClipRequest, span: range, fps: float) -> dict[str, Any]:
    """Where the pictures come from, as JSON can hold it; of a file its sha256 too.

    Raises:
        InputError: the file cannot be read.
    """
    path = Path(request.spec)
    origin: dict[str, Any] = {
        "spec": request.spec,
        "first": span[0],
        "last": span[-1],
        "longest_side": request.longest_side,
        "fps": fps,
    }
    if path.exists():
        origin["path"] = str(path.resolve())
    if path.is_file():
        origin["sha256"] = file_sha256(path)
    return origin
