import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
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
    scores,
)

from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipReproduction, replay_clip
from art_segplugin_gui.session.export_names import UNFINISHED
from art_segplugin_gui.session.jobs import Cancelled, CancelToken
from art_segplugin_gui.session.painted import Painted


@pytest.fixture
def wish(tmp_path):
    return request(tmp_path / "clip")


def test_goes_on_where_it_was_cancelled(wish, tmp_path):
    wish = replace(wish, warm_start=True)
    whole = run(replace(wish, out=tmp_path / "whole"))
    with pytest.raises(Cancelled):
        run(wish, stop_after=2)
    assert files(wish.out) == {UNFINISHED}
    source = FakeSource()
    events = run(wish, source)
    restored, attacked = frames(events)[:2], frames(events)[2:]
    assert all(event.frame is None and event.a is None for event in restored)
    assert all(event.frame is not None for event in attacked)
    assert scores(events) == scores(whole)
    # for the checks, then all compared, then 1 for the perturbation to begin with
    assert source.reads[:6] == [0, 0, 1, 2, 1, 3]
    assert UNFINISHED not in files(wish.out)
    for name in ("adversarial.mkv", "side-by-side.mkv"):
        for one, other in zip(
            pixels(wish.out / name), pixels(tmp_path / "whole" / name), strict=True
        ):
            assert np.array_equal(one, other)
    assert replay_clip(ClipReproduction.load(wish.out), wish.out, load=load)[1] == []


def test_stops_within_a_picture(wish):
    token = CancelToken()
    source = FakeSource()
    read = source.read

    def cancelling(index):
        if index == 1:
            token.cancel()
        return read(index)

    source.read = cancelling
    with pytest.raises(Cancelled):
        run(wish, source, token)
    assert source.closed
    assert (wish.out / UNFINISHED / "000000.json").exists()
    assert not (wish.out / UNFINISHED / "000001.json").exists()


def test_goes_on_with_files_if_only_they_are_missing(wish, monkeypatch):
    def full(*_):
        raise InputError("cannot write it: No space left on device.")

    with monkeypatch.context() as patch:
        patch.setattr("art_segplugin.report.clip.write_rows", full)
        with pytest.raises(InputError, match="No space left"):
            run(wish)
    events = run(replace(wish, video_suffix=".mp4"))
    assert all(event.frame is None for event in frames(events))
    assert len(frames(events)[0].scores) == 3
    assert "repro.json" in files(wish.out)


def test_a_damaged_picture_is_done_again(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=3)
    (wish.out / UNFINISHED / "000001.json").write_text('{"record":')
    (wish.out / UNFINISHED / "000002.A-clean.png").unlink()
    events = run(wish)
    assert [event.frame is None for event in frames(events)] == [True, False, False, False]


def test_another_request_does_not_go_on(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=1)
    other = replace(wish, attack=replace(ATTACK, seed=6), warm_start=True)
    with pytest.raises(InputError, match="another attack, warm start"):
        run(other)
    assert frames(run(replace(other, anew=True)))[0].frame is not None


def test_a_mask_that_is_not_used_does_not_matter(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=1)
    events = run(
        replace(wish, attack=replace(wish.attack, painted=Painted.of(np.ones((33, 32), bool))))
    )
    assert frames(events)[0].frame is None
    assert ClipReproduction.load(wish.out).mask is None


def test_a_changed_source_is_said(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=4)
    with pytest.raises(InputError, match="picture 0 is another one"):
        run(wish, FakeSource(seed=9))


def test_a_full_disk_leaves_no_half_file(wish, monkeypatch):
    write = Path.write_bytes

    def full(self, data):
        if "000002" in self.name:
            write(self, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="No space left"):
            run(wish)
    assert not [name for name in files(wish.out / UNFINISHED) if "000002" in name]
    assert len(frames(run(wish))) == 4  # nothing that was done is lost


@pytest.mark.parametrize("anew", [False, True])
def test_a_folder_of_the_user_s_is_left_alone(wish, anew):
    theirs = wish.out / UNFINISHED
    theirs.mkdir(parents=True)
    (theirs / "thesis.txt").write_text("three years")
    with pytest.raises(InputError, match="holds no unfinished clip; rename it"):
        run(replace(wish, anew=anew))
    assert files(wish.out) == {UNFINISHED}
    (theirs / "setting.json").write_text('{"volume": 11}')
    with pytest.raises(InputError, match="holds no unfinished clip"):
        run(replace(wish, anew=anew))
    assert files(theirs) == {"thesis.txt", "setting.json"}


def test_only_files_of_the_clip_are_deleted(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=2)
    ours = wish.out / UNFINISHED
    (ours / "notes.txt").write_text("mine")
    (ours / ".000001.A.abcd_123.png").write_bytes(b"")  # left by a process that was killed
    (ours / "sub").mkdir()
    run(replace(wish, anew=True))
    assert files(ours) == {"notes.txt", "sub"}


def test_a_half_written_setting_does_not_block_the_folder(wish):
    (wish.out / UNFINISHED).mkdir(parents=True)
    (wish.out / UNFINISHED / ".setting.abcd_123.json").write_text("{")
    run(wish)
    assert "repro.json" in files(wish.out)
    assert UNFINISHED not in files(wish.out)


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False), (True, "others")])
def test_changed_labels_are_said_before_anything_is_attacked(wish, before, after):
    with pytest.raises(Cancelled):
        run(wish, FakeSource(labelled=before), stop_after=2)
    source = FakeSource(labelled=bool(after))
    if after == "others":
        source._labels = (source._labels + 1) % CLASSES
    with pytest.raises(InputError, match=r"labels of picture 0 .* \(street-0\); begin anew"):
        run(wish, source)
    assert source.reads == [0, 0]  # for the checks of the models, then to compare


def test_files_that_are_nested_too_deeply_are_done_again(wish):
    with pytest.raises(Cancelled):
        run(wish, stop_after=2)
    (wish.out / UNFINISHED / "000001.json").write_text("[" * 100_000)
    assert [event.frame is None for event in frames(run(wish))] == [True, False, False, False]
    with pytest.raises(Cancelled):
        run(replace(wish, out=wish.out / "b"), stop_after=1)
    (wish.out / "b" / UNFINISHED / "setting.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="holds no unfinished clip"):
        run(replace(wish, out=wish.out / "b"))
