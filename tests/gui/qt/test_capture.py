import threading
import time

import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.video import VideoWriter
from art_segplugin.errors import InputError
from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.session.frames import SourceFrame
from art_segplugin_gui.session.sources.base import SourceInfo, SourceLostError
from art_segplugin_gui.session.sources.opening import open_source

FPS = 100.0


class Fake:
    """A source whose reads can be held back."""

    exact_labels = False

    def __init__(self, spec, count=10, moving=True):
        self.spec = self.name = spec
        self.count, self.moving, self.fps = count, moving, FPS
        self.reads, self.closed = [], 0
        self.gate = threading.Event()
        self.gate.set()
        self.broken = {}

    def read(self, index):
        self.reads.append(index)
        assert self.gate.wait(5)
        if error := self.broken.get(index):
            raise error
        assert not self.closed
        image = np.full((8, 12, 3), index % 256, np.uint8)
        return SourceFrame(f"{self.spec}-{index}", index, image)

    def close(self):
        self.closed += 1


class Watched:
    """A thread and all that it said, as (signal, value)."""

    def __init__(self, opener):
        self.thread, self.said = SourceThread(opener), []
        for name in ("opened", "recounted", "frame", "failed", "lost", "busy", "playing"):
            getattr(self.thread, name).connect(
                lambda value, name=name: self.said.append((name, value))
            )

    def values(self, name):
        return [value for said, value in self.said if said == name]

    def names(self):
        return [frame.name for frame in self.values("frame")]


@pytest.fixture
def fakes():
    return {"a": Fake("a"), "b": Fake("b", 3)}


@pytest.fixture
def watched(qtbot, fakes):
    def opener(spec, longest_side):
        if spec not in fakes:
            return open_source(spec, longest_side)
        fakes[spec].longest_side = longest_side
        return fakes[spec]

    watched = Watched(opener)
    yield watched
    for fake in fakes.values():
        fake.gate.set()
    watched.thread.close()
    assert not watched.thread.alive


def opened(qtbot, watched, spec="a", **options):
    watched.thread.open(spec, 640, **options)
    qtbot.waitUntil(lambda: watched.values("busy")[-1:] == [False])
    watched.said.clear()


def test_opening_shows_the_first_picture(qtbot, watched, fakes):
    watched.thread.open("a", 320)
    assert watched.said == [("busy", True)]  # at once
    qtbot.waitUntil(lambda: ("busy", False) in watched.said)
    info = SourceInfo("a", "a", 10, FPS, (8, 12), True, False)
    assert watched.values("opened") == [info]
    assert [name for name, _ in watched.said] == ["busy", "opened", "frame", "busy"]
    assert watched.names() == ["a-0"]
    assert fakes["a"].longest_side == 320


def test_opening_at_a_picture_or_at_the_last(qtbot, watched, fakes):
    watched.thread.open("a", None, 4)
    qtbot.waitUntil(lambda: watched.names() == ["a-4"])
    watched.thread.open("b", None, 99)
    qtbot.waitUntil(lambda: watched.names() == ["a-4", "b-2"])
    assert fakes["a"].closed == 1


def test_the_latest_seek_wins_and_busy_lasts_until_it_has_come(qtbot, watched, fakes):
    opened(qtbot, watched)
    fakes["a"].gate.clear()
    watched.thread.show(1)
    assert watched.said == [("busy", True)]
    qtbot.waitUntil(lambda: fakes["a"].reads == [0, 1])
    for index in range(2, 10):
        watched.thread.show(index)
    fakes["a"].gate.set()
    qtbot.waitUntil(lambda: ("busy", False) in watched.said)
    assert fakes["a"].reads == [0, 1, 9]
    assert watched.names() == ["a-1", "a-9"]
    assert watched.said[-1] == ("busy", False)
    assert watched.values("busy") == [True, False]


def test_the_methods_never_wait(qtbot, watched, fakes):
    opened(qtbot, watched)
    fakes["a"].gate.clear()
    watched.thread.show(1)
    qtbot.waitUntil(lambda: fakes["a"].reads == [0, 1])
    start = time.perf_counter()
    watched.thread.show(2)
    watched.thread.play()
    watched.thread.ready()
    watched.thread.pause()
    watched.thread.open("b", None)
    assert time.perf_counter() - start < 0.1


def test_pictures_of_a_replaced_source_do_not_arrive(qtbot, watched, fakes):
    opened(qtbot, watched)
    fakes["a"].gate.clear()
    watched.thread.show(5)
    qtbot.waitUntil(lambda: fakes["a"].reads == [0, 5])
    watched.thread.open("b", None)
    fakes["a"].gate.set()
    qtbot.waitUntil(lambda: ("busy", False) in watched.said)
    assert watched.names() == ["b-0"]
    assert fakes["a"].closed == 1


def play_until(qtbot, watched, done, timeout=3000):
    """Acknowledge what comes until `done`."""
    acknowledged = watched.thread.frame.connect(lambda _: watched.thread.ready())
    qtbot.waitUntil(done, timeout=timeout)
    watched.thread.frame.disconnect(acknowledged)


def test_playing_in_a_circle_follows_the_clock(qtbot, watched):
    opened(qtbot, watched, index=2)
    watched.thread.ready()
    start = time.monotonic()
    watched.thread.play(1, 4, loop=True, fps=20)
    seen = lambda: [frame.index for frame in watched.values("frame")]  # noqa: E731
    play_until(qtbot, watched, lambda: len(seen()) >= 9 and set(seen()) == {1, 2, 3, 4})
    assert time.monotonic() - start > 0.4  # 9 pictures at 20 a second
    assert seen()[0] != 2
    watched.thread.pause()
    assert watched.values("playing") == [True, False]
    qtbot.wait(120)
    count = len(watched.names())
    qtbot.wait(150)
    assert len(watched.names()) == count


def test_playing_once_ends_with_the_last_picture(qtbot, watched):
    opened(qtbot, watched)
    watched.thread.ready()
    watched.thread.play(0, 5, loop=False)
    play_until(qtbot, watched, lambda: ("playing", False) in watched.said)
    indices = [frame.index for frame in watched.values("frame")]
    assert indices == sorted(indices)
    assert indices[-1] == 5
    watched.thread.ready()
    qtbot.wait(60)
    assert watched.said[-1] == ("playing", False)  # a late acknowledgement starts nothing
    watched.thread.play(0, 5, loop=False)  # again from the start
    qtbot.waitUntil(lambda: watched.values("frame")[-1].index == 0)


def test_a_window_that_is_slow_gets_fewer_pictures_and_none_late(qtbot, watched, fakes):
    opened(qtbot, watched)
    watched.thread.ready()
    watched.thread.play(0, None, loop=False, fps=10)
    qtbot.waitUntil(lambda: len(watched.names()) == 1)
    qtbot.wait(450)  # the window works on it
    assert watched.names() == ["a-1"]
    watched.thread.ready()
    qtbot.waitUntil(lambda: len(watched.names()) == 2)
    assert watched.values("frame")[1].index >= 5
    assert len(fakes["a"].reads) == 3


def test_a_jump_while_playing_goes_on_from_there(qtbot, watched, fakes):
    fakes["a"].count = 1000
    opened(qtbot, watched)
    watched.thread.ready()
    watched.thread.play()
    play_until(qtbot, watched, lambda: len(watched.names()) > 3)
    watched.thread.show(500)
    play_until(qtbot, watched, lambda: watched.values("frame")[-1].index > 502)
    indices = [frame.index for frame in watched.values("frame")]
    assert 500 in indices
    assert all(i >= 500 for i in indices[indices.index(500) :])


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


def test_a_camera_is_read_on_while_the_window_is_busy(qtbot, watched, fakes):
    """Else the next picture would be an old one, out of the driver's queue."""
    camera = fakes["a"]
    camera.count = None
    read = camera.read
    camera.read = lambda index: (time.sleep(0.01), read(index))[1]
    opened(qtbot, watched)
    watched.thread.play()
    qtbot.waitUntil(lambda: len(camera.reads) > 10)
    assert watched.names() == []
    watched.thread.ready()
    qtbot.waitUntil(lambda: len(watched.names()) == 1)
    assert watched.values("frame")[0].index > 9
    watched.thread.show(0)  # must come although the last one was not acknowledged
    qtbot.waitUntil(lambda: watched.values("busy") == [True, False])
    assert len(watched.names()) == 2


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
    monkeypatch.setattr("art_segplugin.data.video_reader.INDEX_LIMIT", 10)
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


def test_closing_is_quick_even_when_a_device_blocks(qtbot, watched, fakes):
    opened(qtbot, watched)
    fakes["a"].gate.clear()
    watched.thread.show(1)
    qtbot.waitUntil(lambda: fakes["a"].reads == [0, 1])
    start = time.perf_counter()
    watched.thread.close()
    assert time.perf_counter() - start < 1
    assert watched.thread.alive
    fakes["a"].gate.set()
    qtbot.waitUntil(lambda: not watched.thread.alive)
    assert fakes["a"].closed == 1
    assert watched.names() == []


def test_closing_while_playing_ends_the_thread(qtbot, watched, fakes):
    opened(qtbot, watched)
    watched.thread.ready()
    watched.thread.play()
    play_until(qtbot, watched, lambda: len(watched.names()) > 2)
    watched.thread.close()
    assert not watched.thread.alive
    assert fakes["a"].closed == 1
    assert not any(thread.name == "source" for thread in threading.enumerate())
