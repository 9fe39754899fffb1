"""What is wrong is said in a sentence, and the window lives on."""

import errno
import os
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from gui_parts import FakeSource, Sources, small_state, tiny_engine
from PIL import Image
from PySide6.QtCore import QTimer
from session_parts import segmenter
from shiboken6 import isValid
from torch import nn

from art_segplugin.data.video import VideoWriter
from art_segplugin.models import Segmenter
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.session.session import with_attack, with_models, with_source
from art_segplugin_gui.session.sources.base import SourceLostError


def noise(seed=0, shape=(32, 40)):
    return np.random.default_rng(seed).integers(0, 255, (*shape, 3), dtype=np.uint8)


def says(qtbot, made, *words):
    """Wait for a banner with these words; it is one or two sentences."""

    def found():
        return [text for text in made.banners if all(word in text for word in words)]

    qtbot.waitUntil(lambda: found() != [])
    (text,) = found()
    assert len(text) < 400
    assert "Traceback" not in text
    assert made.window.isVisible()
    return text


def lives(qtbot, made):
    """It still attacks what it is given."""
    before = made.shown.step
    seed = made.session.state.attack.seed + 1
    made.session.change(with_attack(with_models(made.session.state, a="one"), seed=seed))
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)


class Blocks(nn.Module):
    """One operation that takes until `go`."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.entered = threading.Event()
        self.net = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        self.entered.set()
        self.go.wait(30)
        return self.net(x)


@pytest.fixture
def blocks():
    made = Blocks()
    yield made
    made.go.set()


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
    assert made.director.count < 30 or made.banners
    made.window.files.open_dropped("source", str(tmp_path / "none.mkv"))
    says(qtbot, made, "none.mkv")
    lives(qtbot, made)


def test_no_camera(qtbot, open_window):
    made = open_window()
    camera = made.parts.source.camera
    qtbot.waitUntil(lambda: "none found" in camera.text())
    assert not camera.isEnabled()
    made.change(with_source, spec="camera:7")
    says(qtbot, made, "camera")
    assert made.session.state.source.spec == "fake"
    lives(qtbot, made)


def test_a_camera_that_is_unplugged_can_be_opened_again(qtbot, open_window):
    camera = FakeSource("camera:0", count=None, shape=(36, 48))
    made = open_window(
        state=small_state("camera:0"), sources=Sources(**{"camera:0": camera}), cameras=[0]
    )
    made.director.play()
    qtbot.waitUntil(lambda: len(camera.reads) > 3)
    camera.broken = {n: SourceLostError("camera lost: plug it in again.") for n in range(99_999)}
    says(qtbot, made, "camera lost")
    assert not made.parts.source.play.isChecked()
    frame = made.shown.frame
    assert made.parts.grid.panes[0].composition is not None  # the last picture stays
    camera.broken = {}
    (banner,) = made.parts.banners.banners
    assert banner.action.text() == "Retry"
    banner.action.click()
    qtbot.waitUntil(lambda: made.shown.frame is not frame and made.answered)
    assert made.banners == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("raises", ("raises", "no such layer")),
        ("nan", ("nan",)),
        ("missing.safetensors", ("missing.safetensors",)),
    ],
)
def test_a_model_that_is_no_good(qtbot, open_window, model, words):
    made = open_window()
    made.change(with_models, a=model)
    qtbot.waitUntil(lambda: made.banners != [])
    text = made.banners[0].lower()
    assert all(word in text for word in words)
    assert not made.parts.attack.buttons.stop_button.isEnabled()
    lives(qtbot, made)


def test_models_of_other_classes_are_not_compared(qtbot, open_window):
    made = open_window()
    made.change(with_models, b="five")
    says(qtbot, made, "five", "classes")
    assert not made.parts.grid.panes[2].isVisible()
    qtbot.waitUntil(lambda: made.answered)


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
    ("changes", "words"),
    [
        ({"recipe": "no-such-attack"}, ("no-such-attack",)),
        ({"options": {"eps": -1.0}}, ("eps",)),
        ({"options": {"steps": 3, "colour": "red"}}, ("colour",)),
        ({"goal": "class", "to_class": 77}, ("77",)),
    ],
)
def test_an_attack_that_does_not_exist(qtbot, open_window, changes, words):
    made = open_window()
    good = made.session.state
    made.change(with_attack, **changes)
    says(qtbot, made, *words)
    made.session.change(good)
    lives(qtbot, made)


def test_a_model_that_blocks_and_a_new_worker(qtbot, open_window, blocks):
    made = open_window(engine=tiny_engine(blocks=lambda: Segmenter(blocks, classes=4)))
    made.window.watch.patience = 0.2
    ticks = []
    timer = QTimer(made.window, interval=10)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    made.change(with_models, a="blocks")
    assert blocks.entered.wait(5)
    says(qtbot, made, "not answered")
    assert len(ticks) > 5
    assert max(np.diff(ticks)) < 0.3  # the window stays live
    made.key("3")
    assert made.session.state.view.layer == "error"
    (banner,) = made.parts.banners.banners
    assert banner.action.text() == "Restart worker"
    old = made.director.runner.worker
    made.session.change(with_models(made.session.state, a="two"))  # waits behind it
    banner = made.parts.banners.banners[0]
    banner.action.click()
    assert made.director.runner.worker is not old
    before = made.shown.step
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)
    assert made.director.runner.request.models.a == "two"
    qtbot.waitUntil(lambda: made.banners == [])
    shown = made.shown
    blocks.go.set()  # the old one wakes up
    qtbot.waitUntil(lambda: not old._thread.is_alive())
    qtbot.wait(30)
    assert made.shown is shown


def test_a_model_that_recovers_takes_the_banner_away(qtbot, open_window, blocks):
    made = open_window(engine=tiny_engine(blocks=lambda: Segmenter(blocks, classes=4)))
    made.window.watch.patience = 0.2
    made.change(with_models, a="blocks")
    says(qtbot, made, "not answered")
    blocks.go.set()
    qtbot.waitUntil(lambda: made.banners == [] and made.answered)


@pytest.mark.parametrize("when", ["running", "opening", "playing", "loading", "starting"])
def test_closing_in_the_middle(qtbot, open_window, when):
    loaded = threading.Event()

    def slow():
        loaded.set()
        time.sleep(0.3)
        return segmenter()

    source = FakeSource(shape=(36, 48))
    made = open_window(
        wait=when != "starting",
        engine=tiny_engine(slow=slow),
        sources=Sources(fake=source, slow=FakeSource("slow")),
    )
    if when == "running":
        made.change(with_attack, options={"steps": 1000})
        qtbot.waitUntil(lambda: made.director.runner.attacking)
    elif when == "opening":
        made.sources.fakes["slow"].gate.clear()
        QTimer.singleShot(100, made.sources.fakes["slow"].gate.set)
        made.change(with_source, spec="slow")
        qtbot.waitUntil(lambda: made.sources.fakes["slow"].reads != [])
        threading.Timer(0.2, made.sources.fakes["slow"].gate.set).start()
    elif when == "playing":
        made.director.play()
        qtbot.waitUntil(lambda: len(source.reads) > 2)
    elif when == "loading":
        made.change(with_models, a="slow")
        assert loaded.wait(5)
    ended = []
    made.window.closed.connect(ended.append)
    start = time.monotonic()
    made.window.close()
    assert time.monotonic() - start < 3
    assert ended == [True]
    assert not made.director.source.alive
    qtbot.wait(30)  # nothing comes to a window that is gone
    assert not isValid(made.window)


def run_app(code, tmp_path, *arguments, timeout=60):
    """Run the app in a process of its own, after `code`."""
    script = tmp_path / "start.py"
    script.write_text(
        textwrap.dedent(code)
        + "\nimport sys\nfrom art_segplugin_gui.__main__ import main\n"
        + f"sys.exit(main({list(map(str, arguments))!r}))\n"
    )
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_NUM_THREADS": "1",
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )


def test_closing_beside_a_stuck_worker_ends_the_process(tmp_path):
    code = """
        import time, torch
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication
        import art_segplugin_gui.app as app
        from art_segplugin.models import Segmenter
        from art_segplugin_gui.session.engine import Engine
        from art_segplugin_gui.session.ready import Ready

        class Blocks(torch.nn.Module):
            def forward(self, x):
                print("entered", flush=True)
                time.sleep(600)

        def start():
            return Engine(load=lambda _: Segmenter(Blocks(), classes=4)), Ready((), (), "cpu", 1)

        usual = app.services
        def services(arguments):
            from dataclasses import replace
            return replace(usual(arguments), start_engine=start)
        app.services = services

        QApplication(["test"])
        def close():
            print(f"closing at {time.time()}", flush=True)
            QApplication.activeWindow().close()
        QTimer.singleShot(2500, close)
    """
    done = run_app(code, tmp_path, "--safe-mode", timeout=40)
    ended = time.time()
    assert "entered" in done.stdout
    closed = float(done.stdout.split("closing at ")[1].split()[0])
    assert ended - closed < 5
    assert done.returncode == 0
    assert "Fatal" not in done.stderr


def test_a_screenshot_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    picture = tmp_path / "street.png"
    Image.fromarray(noise(shape=(48, 64))).save(picture)
    done = run_app("", tmp_path, picture, "--screenshot", tmp_path / "file" / "window.png")
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert "window.png" in said[0]
