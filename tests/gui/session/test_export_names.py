"""The names that are ours, and which of them lie in a folder."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from clip_problem import ATTACK, FakeSource, files, request
from clip_problem import run as run_clip
from export_parts import on_screen
from session_parts import engine, events, of, picture, run

from art_segplugin.clip_names import EXACT_VIDEO, VIDEOS
from art_segplugin.data.video import CODECS, LOSSLESS
from art_segplugin.errors import InputError
from art_segplugin_gui.qt import export as dialogs
from art_segplugin_gui.qt.docks.clip import FORMATS
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.export import export
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.export_names import (
    KINDS,
    OWNED,
    UNFINISHED,
    is_one_file,
    present,
    present_for_clip,
)
from art_segplugin_gui.session.frames import Clean
from art_segplugin_gui.session.jobs import Cancelled
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.state import Models, State


@pytest.fixture(scope="module")
def jobs():
    """All that an export can have, and as little as it can have."""
    request = replace(run(frame=picture(labelled=False)), attack=None)
    (clean,) = of(Clean, events(engine(), request))
    painted = {"region": "painted", "painted": Painted.of(np.ones((18, 22), bool))}
    return [
        on_screen(number=2, **painted),  # a point, not the answer: it has weights
        on_screen(transfer=False),
        Exported(DisplayState(request.frame, clean), request, State()),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_of_a_kind_is_owned_and_no_other(kind, jobs, tmp_path):
    written = set()
    for number, job in enumerate(jobs):
        folder = tmp_path / str(number)
        export(folder, {kind}, job)
        written |= files(folder)
    assert written == OWNED[kind]


def test_every_file_of_a_clip_is_owned(tmp_path):
    wish = request(tmp_path / "clip")
    painted = replace(ATTACK, region="painted", painted=Painted.of(np.ones((33, 32), bool)))
    own = replace(wish, models=Models("a", "b", transfer=False), attack=painted)
    run_clip(own)
    written = files(wish.out)
    for suffix in sorted(set(CODECS) - {LOSSLESS}):
        lossy = replace(wish, out=tmp_path / suffix, models=own.models, video_suffix=suffix)
        run_clip(lossy, FakeSource(1))
        written |= files(lossy.out)
    of_a_picture = {"repro-image.png", "repro-labels.png"}  # which the clip's repro.json replaces
    assert written == OWNED["clip"] - of_a_picture


def test_what_the_window_offers_is_what_can_be_written():
    assert tuple(dialogs.KINDS) == KINDS == tuple(OWNED)[: len(KINDS)]
    assert tuple(CODECS) == VIDEOS
    assert set(FORMATS) <= set(VIDEOS)
    assert EXACT_VIDEO == LOSSLESS


def test_present_names_those_of_the_kinds_in_order(tmp_path):
    for name in ("labels.png", "figure.png", "classes.csv", "clean.png", "mine.png", "curve.txt"):
        (tmp_path / name).write_text("mine")
    assert present(tmp_path, KINDS) == ["classes.csv", "clean.png", "figure.png", "labels.png"]
    assert present(str(tmp_path), ["pictures"]) == ["clean.png", "labels.png"]
    assert present(tmp_path, ["numbers"]) == present(tmp_path, []) == []


def test_present_is_what_an_export_does_not_keep(tmp_path, jobs):
    folder, target = tmp_path / "out", tmp_path / "theirs"
    (folder / "adversarial-b.png").mkdir(parents=True)
    target.write_text("theirs")
    (folder / "labels.png").symlink_to(target)
    (folder / "adversarial-b-error.png").symlink_to(tmp_path / "gone")
    assert present(folder, ["pictures"]) == ["adversarial-b-error.png", "labels.png"]
    export(folder, {"pictures"}, jobs[2])  # without labels and B: both are deleted
    assert present(folder, ["pictures"]) == ["clean-error.png", "clean-prediction.png", "clean.png"]
    assert target.read_text() == "theirs"


def test_one_file_is_present_itself(tmp_path, jobs):
    (tmp_path / "labels.png").touch()
    panes = tmp_path / "panes.SVG"
    assert is_one_file(panes)
    assert present(panes, KINDS) == []
    export(panes, KINDS, jobs[2])
    assert present(panes, KINDS) == ["panes.SVG"]
    (tmp_path / "street.png").mkdir()
    (tmp_path / "street.png" / "labels.png").touch()
    assert not is_one_file(tmp_path / "street.png")
    assert present(tmp_path / "street.png", KINDS) == ["labels.png"]


@pytest.mark.parametrize(
    "odd",
    [
        "/nowhere/at/all",
        "a\0b",
        "~a\0b",
        "~nobody-of-this-name/x",
        "\udcff",
        "x" * 9000,
        "/dev/null",
    ],
    ids=ascii,
)
def test_odd_paths_hold_nothing(odd):
    assert present(odd, KINDS) == present_for_clip(odd) == []
    assert present(f"{odd}.json", KINDS) == []


def test_a_folder_that_cannot_be_looked_into_holds_nothing(tmp_path, monkeypatch):
    (tmp_path / "labels.png").touch()
    (tmp_path / "labels.mkv").touch()

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        for name in ("stat", "lstat"):
            patch.setattr(os, name, denied)
        found = SimpleNamespace(export=present(tmp_path, KINDS), clip=present_for_clip(tmp_path))
    assert found == SimpleNamespace(export=[], clip=[])


def test_short_and_empty_paths_mean_what_they_mean_to_an_export(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.png").touch()
    assert present("", KINDS) == present("~", KINDS) == present(".", KINDS) == ["labels.png"]


def test_a_folder_with_a_clip_is_gone_on_with(tmp_path):
    wish = request(tmp_path / "clip")
    wish.out.mkdir()
    assert present_for_clip(wish.out) == []
    for name in ("labels.mkv", "clip.json", "repro.json"):
        (wish.out / name).write_text("mine")
    assert present_for_clip(wish.out) == ["clip.json", "labels.mkv", "repro.json"]
    with pytest.raises(Cancelled):
        run_clip(wish, stop_after=1)
    assert present_for_clip(wish.out) == []
    run_clip(wish)
    assert UNFINISHED not in files(wish.out)
    assert present_for_clip(wish.out) == []
    (wish.out / "clip.json").unlink()
    assert "adversarial.mkv" in present_for_clip(wish.out)


def test_a_folder_that_the_clip_refuses_is_not_taken_for_a_clip(tmp_path):
    wish = request(tmp_path / "clip")
    (wish.out / UNFINISHED).mkdir(parents=True)
    (wish.out / UNFINISHED / "thesis.txt").touch()
    (wish.out / "classes.csv").touch()
    assert present_for_clip(wish.out) == ["classes.csv"]
    with pytest.raises(InputError, match="holds no unfinished clip"):
        run_clip(wish)
