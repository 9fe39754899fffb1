"""The attack on a whole clip, picture by picture, as a generator of events."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import torch

from art_segplugin.data.video import check_video_suffix
from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import AttackedPicture, AttackedSide, ClipAttack
from art_segplugin.evaluation.clip_reproduction import PictureRecord
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.evaluation.exact_files import pixel_sha256
from art_segplugin.evaluation.picture import image_batch
from art_segplugin.evaluation.scores import Pool, Scores
from art_segplugin_gui.session import arrays
from art_segplugin_gui.session.clip_files import ClipContents, write_clip
from art_segplugin_gui.session.clip_request import (
    ClipDone,
    ClipFrame,
    ClipRequest,
    ClipSide,
)
from art_segplugin_gui.session.clip_source import (
    OpenSource,
    check_same,
    origin_of,
    read_even,
    span_of,
)
from art_segplugin_gui.session.clip_store import ClipStore
from art_segplugin_gui.session.frames import Event, Progress, SourceFrame
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.label_names import usable_labels
from art_segplugin_gui.session.model_cache import ModelCache
from art_segplugin_gui.session.plan import model_pair, plan_of
from art_segplugin_gui.session.sources.base import FrameSource


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
        for spec in filter(None, (request.models.a, request.models.b)):
            if not shelf.holds(spec):
                yield Progress(request.rev, f"loading {spec}")
            for share in shelf.load(spec):
                token.check()
                yield Progress(request.rev, f"loading {spec}", share)
        run = _Run(shelf, source, request, token, span)
        run.check_models()
        yield from run.pictures()
        contents = run.contents()
        with closing(write_clip(contents, run.read)) as writing:
            for told in writing:
                token.check()
                if isinstance(told, float):
                    yield Progress(request.rev, "writing videos", told)
                    continue
                run.store.remove()
                yield ClipDone(request.rev, told, contents.pooled, contents.lossy)


class _Run:
    """One request: its models, its pictures that are done, and what comes next."""

    def __init__(
        self,
        shelf: ModelCache,
        source: FrameSource,
        request: ClipRequest,
        token: CancelToken,
        span: range,
    ) -> None:
        self.request, self.source, self.token, self.span = request, source, token, span
        self.a = shelf.get(request.models.a, token)
        self.b = None if request.models.b is None else shelf.get(request.models.b, token)
        self.plan = plan_of(request.attack)
        hashes = (self.a.sha256, None if self.b is None else self.b.sha256)
        self.models = model_pair(request.models, sha256=hashes)
        self.device = str(shelf.device)
        self.origin = origin_of(request, span, source.fps)
        self.pool, self.records = Pool(), list[PictureRecord]()
        self.store = ClipStore(request.out, self._setting(), anew=request.anew)
        self._attack = ClipAttack(
            self.a.model,
            None if self.b is None else self.b.model,
            self.plan,
            transfer=request.models.transfer,
            mask=request.attack.mask,
            warm_start=request.warm_start,
        )
        self._spent, self._attacked = 0.0, 0
        self._last_restored: int | None = None

    def pictures(self) -> Iterator[ClipFrame]:
        """Every picture, attacked now or by an earlier run."""
        for index in self.span:
            self.token.check()
            stored = self.store.find(index)
            if stored is None:
                yield self._attack_picture(index)
            else:
                check_same(self.read(index), stored.record)
                self._last_restored = index
                self.pool.add(stored.numbers)
                self.records.append(stored.record)
                yield self._event(index, stored.numbers)

    def contents(self) -> ClipContents:
        """What there is to write, once all pictures are done."""
        names, colours = self.a.palette
        return ClipContents(
            request=self.request,
            store=self.store,
            origin=self.origin,
            fps=self.source.fps,
            models=self.models,
            plan=self.plan,
            records=self.records,
            pooled=self.pool.scores,
            classes=names,
            colours=colours,
            device=self.device,
        )

    def _attack_picture(self, index: int) -> ClipFrame:
        started = time.perf_counter()
        frame = self.read(index)
        if self._last_restored == index - 1:
            before = self.read(index - 1).image
            written = {key: self.store.written(index - 1, key) for key in self._names}
            self._attack.go_on_after(before, written)
        done = self._attack.attack(index, frame.image, frame.labels, frame.name)
        record = PictureRecord.of(done, frame.name, frame.image, frame.labels)
        self.store.add(done, record)
        self.pool.add(done.numbers)
        self.records.append(record)
        self._spent += time.perf_counter() - started
        self._attacked += 1
        return self._event(index, done.numbers, frame, done)

    @property
    def _names(self) -> tuple[str, ...]:
        return ("A",) if self.b is None else ("A", "B")

    def read(self, index: int) -> SourceFrame:
        """A picture of even sides, with its labels if they are of the model's classes."""
        frame = read_even(self.source, index)
        return replace(frame, labels=usable_labels(self.a.palette[0], frame)[0])

    def check_models(self) -> None:
        """Check the models on the first picture, and whether they can stand side by side.

        Raises:
            InputError: a model does not take it, or they have other classes.
        """
        image = read_even(self.source, self.span[0]).image
        loaded = [self.a] if self.b is None else [self.a, self.b]
        for model in loaded:
            model.validate(image_batch(image, torch.device(self.device)))
        if self.b is not None and self.b.palette[0] != self.a.palette[0]:
            raise InputError(
                f"{self.b.spec} has other classes than {self.a.spec}; choose models of the same "
                "classes, or leave B out."
            )

    def _event(
        self,
        index: int,
        scores: dict[str, Scores],
        frame: SourceFrame | None = None,
        done: AttackedPicture | None = None,
    ) -> ClipFrame:
        count = len(self.records)
        each = self._spent / self._attacked if self._attacked else None
        return ClipFrame(
            self.request.rev,
            index,
            count,
            len(self.span),
            None if each is None else each * (len(self.span) - count),
            scores,
            self.pool.scores,
            frame,
            None if done is None else _side(done.a, frame),
            None if done is None or done.b is None
            else _side(done.b, frame),
            self.a.palette[0] if self.a.model.classes else (),
        )  # fmt: skip

    def _setting(self) -> dict[str, Any]:
        mask = self.request.attack.mask
        return {
            "source": self.origin,
            "models": to_plain(self.models),
            "attack": to_plain(self.plan),
            "mask": None if mask is None else pixel_sha256(mask.astype("uint8")),
            "warm start": self.request.warm_start,
            "device": self.device,
            "threads": torch.get_num_threads(),
        }


def _side(side: AttackedSide, frame: SourceFrame | None) -> ClipSide:
    assert frame is not None
    clean = side.clean
    distance = torch.tensor(side.numbers["8-bit"].distance)
    attacked = arrays.side(
        clean,
        side.logits_8_bit,
        arrays.Adversarial.of(side.x_8_bit, clean.x),
        None,
        distance,
    )
    return ClipSide(arrays.side(clean, clean.logits, frame.image), attacked)
