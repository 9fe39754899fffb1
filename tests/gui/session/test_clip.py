import json
import math
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from clip_problem import (
    ATTACK,
    CLASSES,
    FakeSource,
    files,
    frames,
    load,
    pixels,
    request,
    run,
    table,
)

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipReproduction, replay_clip
from art_segplugin.evaluation.exact_files import pixel_sha256
from art_segplugin.evaluation.pipeline import image_batch
from art_segplugin.files import file_sha256
from art_segplugin.metrics import count, mis_ratio
from art_segplugin.models import load_model
from art_segplugin.models.checkpoint import shipped
from art_segplugin.report.panel import font, shortened
from art_segplugin_gui.session.clip import clip_events
from art_segplugin_gui.session.clip_request import ClipDone
from art_segplugin_gui.session.frames import Progress
from art_segplugin_gui.session.jobs import Cancelled, CancelToken
from art_segplugin_gui.session.model_cache import ModelCache
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.state import Models


def painted_attack(mask):
    return replace(ATTACK, region="painted", painted=Painted.of(mask))


class ByRule(FakeSource):
    """Labels that were read by a rule."""

    rule = "class indices; 255 void"

    def read(self, index):
        frame = super().read(index)
        frame.origin["label_rule"] = self.rule
        return frame


@pytest.fixture
def wish(tmp_path):
    return request(tmp_path / "clip")


def test_the_label_rule_is_of_the_clip(wish):
    run(wish, ByRule())
    document = json.loads((wish.out / "clip.json").read_text())
    assert document["source"]["label_rule"] == ByRule.rule


def test_a_clip_by_another_label_rule_is_not_resumed(wish):
    with pytest.raises(Cancelled):
        run(wish, ByRule(), stop_after=1)
    other = ByRule()
    other.rule = "class indices; 255 = 1"
    with pytest.raises(InputError, match="source"):
        run(wish, other)


def test_all_that_happens(wish):
    source = FakeSource()
    told, *rest = run(wish, source)
    assert told == Progress(3, "loading a")
    assert [(e.index, e.done, e.total) for e in frames(rest)] == [(i, i + 1, 4) for i in range(4)]
    assert frames(rest)[0].seconds_left > frames(rest)[3].seconds_left == 0
    first, last = frames(rest)[0], frames(rest)[3]
    assert set(first.scores) == {"A clean", "A exact", "A 8-bit"}
    assert first.scores["A 8-bit"].mis_ratio > first.scores["A clean"].mis_ratio
    assert first.scores["A 8-bit"].labelled
    assert first.frame.image.shape == first.a.adversarial.image.shape == (32, 32, 3)
    assert first.a.adversarial.delta is not None
    assert first.a.clean.prediction.shape == (32, 32)
    assert first.b is None
    assert len(first.classes) == CLASSES
    assert first.pooled["A clean"].confusion.sum() == 32 * 32  # is not changed by what comes after
    assert last.pooled["A clean"].confusion.sum() == 4 * 32 * 32
    shares = [event.share for event in rest if isinstance(event, Progress)]
    assert shares == [0.25, 0.5, 0.75, 1.0]
    done = rest[-1]
    assert isinstance(done, ClipDone)
    assert not done.lossy
    assert files(wish.out) == {path.name for path in done.written} == {
        "adversarial.mkv", "side-by-side.mkv", "overlay.mkv", "pictures.mkv", "labels.mkv",
        "pictures.csv", "classes.csv", "clip.json", "repro.json",
    }  # fmt: skip
    assert source.closed


def test_the_exact_video_is_what_was_scored(wish):
    events = run(wish)
    written = pixels(wish.out / "adversarial.mkv")
    model = load("a")
    assert len(written) == 4
    for event, image in zip(frames(events), written, strict=True):
        assert np.array_equal(image, event.a.adversarial.image)
        prediction = model(image_batch(image, torch.device("cpu"))).argmax(1)
        reference = torch.tensor(event.a.clean.reference).long().unsqueeze(0)
        found = mis_ratio(count(prediction, reference, CLASSES, 255))
        assert found == event.scores["A 8-bit"].mis_ratio
    for event, image, labels in zip(
        frames(events), pixels(wish.out / "pictures.mkv"), pixels(wish.out / "labels.mkv"),
        strict=True,
    ):  # fmt: skip
        assert np.array_equal(image, event.frame.image)
        assert np.array_equal(labels[..., 0], event.frame.labels)


def test_drawn_videos_have_the_sizes_of_their_tiles(wish):
    run(replace(wish, models=Models("a", "b")))
    (height, width, _), *_ = [one.shape for one in pixels(wish.out / "side-by-side.mkv")]
    assert (height, width) == (2 * (32 + 28), 64)
    drawn = pixels(wish.out / "overlay.mkv")
    assert drawn[0].shape == (2 * (32 + 28), 32, 3)
    assert drawn[0][28:60].std() > 5


def test_renderings_are_left_out_if_not_wanted(wish):
    run(replace(wish, side_by_side=False, overlay=False))
    assert not files(wish.out) & {"side-by-side.mkv", "overlay.mkv"}


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_lossy_video_says_so(wish, suffix):
    events = run(replace(wish, video_suffix=suffix))
    assert events[-1].lossy
    assert {f"adversarial.lossy{suffix}", f"overlay.lossy{suffix}"} <= files(wish.out)
    notes = json.loads((wish.out / "clip.json").read_text())["outputs"]
    assert notes[f"adversarial.lossy{suffix}"] == "lossy: not for re-evaluation"
    assert notes["pictures.mkv"].startswith("exact")
    assert len(pixels(wish.out / f"adversarial.lossy{suffix}")) == 4


def test_tables_and_json_hold_the_same_figures(wish):
    events = run(wish)
    rows = table(wish.out / "pictures.csv")
    assert [float(row["A 8-bit error"]) for row in rows] == [
        event.scores["A 8-bit"].mis_ratio for event in frames(events)
    ]
    assert {row["reference"] for row in rows} == {"labels"}
    assert all(float(row["seconds"]) > 0 for row in rows)
    classes = table(wish.out / "classes.csv")
    assert len(classes) == CLASSES
    for row in classes:
        if row["A clean IoU"] and row["A 8-bit IoU"]:
            drop = float(row["A clean IoU"]) - float(row["A 8-bit IoU"])
            assert float(row["A drop"]) == pytest.approx(drop)
    tree = json.loads((wish.out / "clip.json").read_text())
    assert tree["pooled"]["A 8-bit"]["mis_ratio"] == events[-1].scores["A 8-bit"].mis_ratio
    pooled = np.mean([event.scores["A 8-bit"].mis_ratio for event in frames(events)])
    assert events[-1].scores["A 8-bit"].mis_ratio == pytest.approx(pooled)


@pytest.mark.parametrize(
    ("models", "labelled", "warm"),
    [
        (Models("a"), True, False),
        (Models("a", "b"), True, True),
        (Models("a", "b", transfer=False), False, True),
    ],
    ids=str,
)
def test_replays_to_identical_figures(wish, models, labelled, warm):
    events = run(replace(wish, models=models, warm_start=warm), FakeSource(labelled=labelled))
    clip = ClipReproduction.load(wish.out)
    found, lines = replay_clip(clip, wish.out, load=load)
    assert lines == []
    for name, score in events[-1].scores.items():
        assert found[name].mis_ratio == score.mis_ratio
        assert found[name].labelled is score.labelled is labelled
    assert ("adversarial-b.mkv" in files(wish.out)) is (not models.transfer)


def test_a_painted_region_is_written_down(wish):
    mask = np.zeros((33, 32), bool)
    mask[:9] = True
    run(replace(wish, attack=painted_attack(mask)))
    for clean, image in zip(
        pixels(wish.out / "pictures.mkv"), pixels(wish.out / "adversarial.mkv"), strict=True
    ):
        changed = (clean != image).any(-1)
        assert changed[:9].any()
        assert not changed[9:].any()
    assert replay_clip(ClipReproduction.load(wish.out), wish.out, load=load)[1] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": 2, "last": 1}, "pictures 2 to 1"),
        ({"last": 9}, "has 0 to 3"),
        ({"video_suffix": ".gif"}, "not as '.gif'"),
        ({"models": Models("a", "wide")}, "other classes"),
        ({"attack": ATTACK.with_options(eps=-1.0)}, "eps is -1.0"),
        ({"attack": replace(ATTACK, goal="class", from_class=77)}, "no class"),
        ({"attack": painted_attack(np.ones((4, 4), bool))}, "mask has"),
    ],
)
def test_bad_requests_are_said(wish, changes, message):
    with pytest.raises(InputError, match=message):
        run(replace(wish, **changes))


def test_a_live_source_has_no_clip(wish):
    with pytest.raises(InputError, match="never ends"):
        run(wish, FakeSource(count=None))


def test_a_range_of_the_source(wish):
    events = run(replace(wish, first=1, last=2))
    assert [event.index for event in frames(events)] == [1, 2]
    assert ClipReproduction.load(wish.out).source["first"] == 1


def test_files_name_the_video_and_its_hash(wish, tmp_path):
    video = tmp_path / "drive.mkv"
    video.write_bytes(b"video")
    run(replace(wish, spec=str(video)))
    source = ClipReproduction.load(wish.out).source
    assert source["path"] == str(video)
    assert len(source["sha256"]) == 64
    assert source["fps"] == 12.0


def test_figures_of_all_void_pictures_are_none(wish):
    source = FakeSource()
    source._labels = np.full((33, 32), 255, np.uint8)
    events = run(wish, source)
    assert math.isnan(events[-1].scores["A clean"].miou)
    assert replay_clip(ClipReproduction.load(wish.out), wish.out, load=load)[1] == []


def test_hashes_see_shapes():
    pixels = np.zeros((2, 6), np.uint8)
    assert pixel_sha256(pixels) != pixel_sha256(pixels.reshape(3, 4))


def test_files_of_an_earlier_clip_do_not_stay(wish):
    painted = np.ones((33, 32), bool)
    run(
        replace(
            wish,
            models=Models("a", "b", transfer=False),
            attack=painted_attack(painted),
        )
    )
    (wish.out / "mine.mkv").write_bytes(b"mine")
    events = run(replace(wish, video_suffix=".mp4"), FakeSource(labelled=False))
    assert files(wish.out) == {path.name for path in events[-1].written} | {"mine.mkv"}


def test_frames_without_the_region_are_left_as_they_are(wish):
    source = FakeSource()
    source._labels = np.zeros((33, 32), np.uint8)
    events = run(replace(wish, attack=replace(ATTACK, region="class", region_class=2)), source)
    assert [event.scores["A exact"].distance for event in frames(events)] == [0.0] * 4
    with pytest.raises(InputError, match="region 9 is no class; give 0 to 3"):
        run(replace(wish, attack=replace(ATTACK, region="class", region_class=9), anew=True))


def test_nothing_painted_is_said(wish):
    nothing = replace(wish, attack=replace(ATTACK, region="painted"))
    with pytest.raises(InputError, match="nothing is painted yet"):
        run(nothing)
    assert not wish.out.exists()


def test_loading_can_be_left(wish):
    token, waiting = CancelToken(), threading.Event()

    def slow(spec):
        waiting.wait(20)
        return load(spec)

    shelf = ModelCache(torch.device("cpu"), slow)
    events = clip_events(shelf, lambda *_: FakeSource(), wish, token)
    assert next(events).text == "loading a"
    assert next(events) == Progress(3, "loading a", None)  # it is followed, not waited for
    token.cancel()
    with pytest.raises(Cancelled):
        next(events)
    waiting.set()


def test_the_hash_is_that_of_the_loaded_model(wish, tmp_path):
    path = tmp_path / "own.safetensors"
    shutil.copy(shipped()["small-scenes"], path)
    before = file_sha256(path)

    def load_and_train(spec):
        model = load_model(spec)
        shutil.copy(shipped()["small-scenes-segpgd"], path)
        return model

    shelf = ModelCache(torch.device("cpu"), load_and_train)
    named = replace(wish, models=Models(str(path)))
    *_, done = clip_events(shelf, lambda *_: FakeSource(), named, CancelToken())
    assert isinstance(done, ClipDone)
    assert file_sha256(path) != before
    assert ClipReproduction.load(wish.out).models.a.sha256 == before


def test_drawn_captions_fit():
    assert shortened("short", 500, 15) == "short"
    cut = shortened("A adversarial  mIoU .123", 80, 15)
    assert cut.endswith("…")
    assert font(15).getlength(cut) <= 80
