"""A model that is fetched by name, on what a camera sees."""

import numpy as np
import pytest
from selfie_files import archive_or_skip
from session_parts import events, of, run

from art_segplugin.models.downloads import DOWNLOADS, fetch
from art_segplugin_gui.session.engine import Engine, start_engine
from art_segplugin_gui.session.frames import Clean, Failed, SourceFrame, Step


def test_the_command_is_told_and_the_model_works_once_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "archive.tgz").write_bytes(archive_or_skip())
    pixels = pytest.importorskip("skimage.data").astronaut()[16:496:2, :480:2]
    seen = np.pad(pixels, ((0, 0), (40, 40), (0, 0)), mode="edge")  # 320 x 240
    frame = SourceFrame("camera-0-000000", 0, seen, None, {"spec": "camera:0", "index": 0})
    made = Engine("cpu")
    (failed,) = of(Failed, events(made, run(a="selfie", frame=frame)))
    assert "run `art-segplugin models get selfie`" in failed.text

    fetch("selfie", tmp_path / "archive.tgz")
    found = events(made, run(rev=2, a="selfie", frame=frame, options={"steps": 5}))
    (clean,) = of(Clean, found)
    assert clean.classes == ("background", "person")
    assert clean.a.prediction.shape == seen.shape[:2]
    assert 0.3 < clean.a.prediction.mean() < 0.6
    last = of(Step, found)[-1]
    assert last.answer
    assert last.a.scores.mis_ratio > 0.1


def test_models_to_fetch_are_offered():
    assert set(DOWNLOADS) <= set(start_engine(threads=1, device="cpu")[1].shipped)
