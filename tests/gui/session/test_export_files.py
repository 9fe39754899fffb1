"""Which files an export writes, replaces and leaves alone."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from export_parts import on_screen
from session_parts import engine, events, of, picture, run

from art_segplugin.errors import InputError
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.export import KINDS, export
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.frames import Clean
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.state import State


def test_everything_at_once(tmp_path):
    job = on_screen()
    written = export(tmp_path / "new" / "folder", KINDS, job)
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == sorted(
        p.name for p in written
    )
    names = {path.name for path in written}
    assert {
        "clean.png", "clean-prediction.png", "adversarial.png", "adversarial-prediction.png",
        "adversarial-error.png", "adversarial-newly-wrong.png", "adversarial-healed.png",
        "adversarial-confidence.png", "adversarial-perturbation-x10.png", "adversarial-b.png",
        "labels.png", "figure.png", "classes.csv", "curve.csv", "numbers.json", "repro.json",
    } <= names  # fmt: skip


def test_before_the_first_prediction_there_is_nothing(tmp_path):
    job = Exported(DisplayState(), run(), State())
    for kind in KINDS:
        with pytest.raises(InputError, match="nothing to export"):
            export(tmp_path, {kind}, job)
    assert list(tmp_path.iterdir()) == []


def test_unknown_kinds_are_named(tmp_path):
    with pytest.raises(InputError, match="'song' cannot be exported"):
        export(tmp_path, {"song"}, on_screen())


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_one_sentence_and_leaves_no_half_file(kind, tmp_path, monkeypatch):
    job = on_screen()

    def full(method):
        def write(self, data, *rest, **more):
            method(self, data[:5], *rest, **more)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return write

    for name in ("write_bytes", "write_text"):
        monkeypatch.setattr(Path, name, full(getattr(Path, name)))
    with pytest.raises(InputError, match=r"cannot write .*: No space left on device\.$"):
        export(tmp_path / "out", {kind}, job)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "out", tmp_path / "file" / "figure.png"):
        with pytest.raises(InputError, match=r"cannot write .*(Not a directory|File exists)\.$"):
            export(target, {"pictures"}, on_screen())


def test_files_of_an_earlier_export_do_not_stay(tmp_path):
    export(
        tmp_path, KINDS, on_screen(region="painted", painted=Painted.of(np.ones((18, 22), bool)))
    )
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "adversarial-mine.png").write_bytes(b"mine")
    request = replace(run(frame=picture(labelled=False)), attack=None)
    (clean,) = of(Clean, events(engine(), request))
    job = Exported(DisplayState(request.frame, clean), request, State())
    before = {path.name for path in tmp_path.iterdir()}
    assert export(tmp_path, {"numbers"}, job) == [tmp_path / "numbers.json"]
    assert {path.name for path in tmp_path.iterdir()} == before  # of a kind that is not exported
    written = export(tmp_path, KINDS, job)
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.png", "adversarial-mine.png", *(path.name for path in written)
    }  # fmt: skip


def test_a_folder_that_is_named_as_a_picture_stays(tmp_path):
    (tmp_path / "adversarial-b.png").mkdir()
    export(tmp_path, {"pictures"}, on_screen(b=None))
    assert (tmp_path / "adversarial-b.png").is_dir()
