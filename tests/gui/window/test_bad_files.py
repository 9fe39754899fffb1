"""A file that is no good is said in a sentence, and the window lives on."""

import errno
import json
import math
import os
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image
from window_parts import lives, noise, says

from art_segplugin.data.video import VideoWriter
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.forms import Field
from art_segplugin_gui.session.saving import to_tree
from art_segplugin_gui.session.session import with_attack, with_models, with_source


def test_a_corrupt_image(qtbot, open_window, tmp_path):
    made = open_window()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    made.window.files.open_dropped("source", str(tmp_path / "bad.png"))
    says(qtbot, made, "bad.png")
    assert made.session.state.source.spec == "fake"
    lives(qtbot, made)


def test_a_video_that_breaks_off(qtbot, open_window, tmp_path):
    made = open_window()
    with VideoWriter(tmp_path / "clip.mkv", 20) as writer:
        for number in range(30):
            writer.write(noise(number))
    whole = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "none.mkv").write_bytes(whole[:200])
    made.window.files.open_dropped("source", str(tmp_path / "cut.mkv"))
    qtbot.waitUntil(lambda: made.shown.frame.name.startswith("cut") and made.answered)
    made.change(with_source, index=29)
    qtbot.waitUntil(lambda: made.banners != [] or made.shown.frame.index > 0)
    assert made.controller.count < 30 or made.banners
    made.window.files.open_dropped("source", str(tmp_path / "none.mkv"))
    says(qtbot, made, "none.mkv")
    lives(qtbot, made)


def test_labels_of_another_size(qtbot, open_window, tmp_path):
    made = open_window()
    Image.fromarray(noise()).save(tmp_path / "street.png")
    Image.fromarray(np.zeros((7, 9), np.uint8)).save(tmp_path / "street_label.png")
    made.window.files.open_dropped("source", str(tmp_path / "street.png"))
    says(qtbot, made, "street")
    qtbot.waitUntil(lambda: made.answered and made.shown.frame.name == "street")
    assert "vs clean prediction" in made.parts.grid.panes[0].caption.figures


def test_labels_of_classes_that_the_model_has_not(qtbot, open_window, tmp_path):
    made = open_window()
    Image.fromarray(noise()).save(tmp_path / "street.png")
    Image.fromarray(np.full((32, 40), 77, np.uint8)).save(tmp_path / "street_label.png")
    made.window.files.open_dropped("source", str(tmp_path / "street.png"))
    says(qtbot, made, "not used")
    qtbot.waitUntil(lambda: made.answered and not made.shown.clean.labelled)


def test_a_full_disk(qtbot, open_window, tmp_path, monkeypatch):
    made = open_window()
    path = tmp_path / "talk.segstudio.json"
    made.window.files.save(path)
    kept = path.read_text()

    def full(self, *_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    made.change(with_models, a="two")
    made.window.files.save(path)
    says(qtbot, made, "talk.segstudio.json", "No space left")
    assert path.read_text() == kept
    assert [one.name for one in tmp_path.glob("*talk*")] == ["talk.segstudio.json"]
    monkeypatch.undo()
    lives(qtbot, made)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}', '{"format": 1, "source": 3}'])
def test_a_corrupt_session(qtbot, open_window, tmp_path, text):
    made = open_window()
    path = tmp_path / "bad.segstudio.json"
    path.write_text(text)
    before = made.session.state
    made.window.files.open_dropped("session", str(path))
    says(qtbot, made, "bad.segstudio.json")
    assert made.session.state == before


def test_corrupt_settings(qtbot, open_window, tmp_path):
    path = tmp_path / "kept.ini"
    path.write_bytes(
        b"[General]\ntheme=purple\ngeometry=@ByteArray(xx)\ndocks=7\nrecent={\nshortcuts=[1]\n"
        b"safe_colours=perhaps\n\xff\xfe"
    )
    made = open_window(settings=Settings(path))
    assert made.banners == []
    assert made.parts.docks["attack"].isVisible()
    lives(qtbot, made)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("attack", {"options": {"eps": [1]}}),
        ("attack", {"options": {"eps": "x"}}),
        ("attack", {"options": {"eps": math.inf}}),
        ("attack", {"options": {"eps": math.nan}}),
        ("attack", {"options": {"steps": 10**400}}),
        ("source", {"index": 2**31 - 1}),
        ("source", {"first": 2**31 - 1}),
    ],
)
def test_a_session_with_values_that_no_editor_can_hold(qtbot, open_window, tmp_path, part, values):
    made = open_window()
    tree = to_tree(made.session.state)
    tree[part].update(values)
    path = tmp_path / "odd.segstudio.json"
    path.write_text(json.dumps(tree))
    made.window.files.open_dropped("session", str(path))
    if "options" in values:
        says(qtbot, made, next(iter(values["options"])))
        made.change(with_attack, options=MappingProxyType({}))
    lives(qtbot, made)


def test_an_editor_shows_the_nearest_number_it_can():
    steps = Field("steps", "integer", 20, low=1, high=1000)
    assert [steps.shown(value) for value in (7, 10**400, -3, "x", [1], True)] == [
        7, 1000, 1, 20, 20, 20,
    ]  # fmt: skip
    decay = Field("decay", "optional-float", None, high=2.0)
    assert [decay.shown(value) for value in (0.5, None, math.nan, math.inf)] == [0.5, None, None, 2]
    several = Field("temperatures", "numbers", (1.0,))
    assert [several.shown(value) for value in ([1, 2], 3, ["x"])] == [[1, 2], (1.0,), (1.0,)]
