"""What cannot be read is told, and the thread lives on."""

import numpy as np
from capture_parts import opened, play_until
from PIL import Image

from art_segplugin.data import video
from art_segplugin.data.video import VideoWriter
from art_segplugin.errors import InputError
from art_segplugin_gui.session.sources.base import SourceLostError


def test_what_cannot_be_opened_leaves_the_old_source(qtbot, watched, fakes, tmp_path):
    opened(qtbot, watched)
    watched.thread.open(str(tmp_path / "none.png"), 640)
    qtbot.waitUntil(lambda: ("busy", False) in watched.said)
    assert "none.png' does not exist" in watched.values("failed")[0]
    assert watched.values("opened") == []
    watched.thread.show(3)
    qtbot.waitUntil(lambda: watched.names() == ["a-3"])
    assert fakes["a"].closed == 0


def test_a_picture_that_cannot_be_read_is_told_and_the_thread_lives_on(qtbot, watched, fakes):
    fakes["a"].broken = {2: InputError("frame 2 is damaged."), 3: RuntimeError("driver")}
    opened(qtbot, watched)
    watched.thread.show(2)
    qtbot.waitUntil(lambda: watched.values("busy") == [True, False])
    watched.thread.show(3)
    qtbot.waitUntil(lambda: watched.values("busy") == [True, False, True, False])
    assert watched.values("failed") == [
        "frame 2 is damaged.",
        "The source could not be read (RuntimeError: driver); open it again.",
    ]
    watched.thread.show(4)
    qtbot.waitUntil(lambda: watched.names() == ["a-4"])


def test_nothing_is_open(qtbot, watched):
    watched.thread.show(1)
    qtbot.waitUntil(lambda: watched.values("busy") == [True, False])
    assert "Nothing is open" in watched.values("failed")[0]


def test_a_camera_that_is_lost(qtbot, watched, fakes):
    fakes["a"].count = None
    fakes["a"].broken = {5: SourceLostError("camera lost: plug it in again.")}
    opened(qtbot, watched)
    watched.thread.ready()
    watched.thread.play()
    play_until(qtbot, watched, lambda: watched.values("lost") != [])
    assert watched.values("lost") == ["camera lost: plug it in again."]
    assert watched.values("playing") == [True, False]
    assert fakes["a"].closed == 1
    fakes["a"].broken, fakes["a"].closed = {}, 0
    watched.said.clear()
    watched.thread.open("a", 640)  # Retry
    qtbot.waitUntil(lambda: watched.names() == ["a-0"])


def test_files_from_a_folder_with_a_corrupt_first_picture(qtbot, watched, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    Image.new("RGB", (32, 24), (9, 8, 7)).save(tmp_path / "b.png")
    watched.thread.open(str(tmp_path), 640)
    qtbot.waitUntil(lambda: ("busy", False) in watched.said)
    assert watched.values("opened")[0].count == 2
    assert watched.values("opened")[0].size is None
    assert "a.png cannot be read" in watched.values("failed")[0]
    watched.thread.show(1)
    qtbot.waitUntil(lambda: watched.names() == ["b"])
    watched.thread.open(str(tmp_path / "a.png"), 640)
    qtbot.waitUntil(lambda: len(watched.values("failed")) == 2)
    assert len(watched.values("opened")) == 1


def test_a_video_that_breaks_off_is_counted_again(qtbot, watched, tmp_path, monkeypatch):
    monkeypatch.setattr(video._VideoFile, "index", lambda self: video._Index(40, [], []))
    path = tmp_path / "clip.mkv"
    noise = np.random.default_rng(0)
    with VideoWriter(path, 50) as writer:
        for _ in range(40):
            writer.write(noise.integers(0, 256, (32, 48, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    opened(qtbot, watched, str(path))
    watched.thread.show(39)
    qtbot.waitUntil(lambda: watched.values("recounted") != [])
    (count,) = watched.values("recounted")
    assert 0 < count < 40
    assert f"breaks off after {count} frames" in watched.values("failed")[0]
    watched.thread.show(count - 1)
    qtbot.waitUntil(lambda: watched.values("frame") != [])
