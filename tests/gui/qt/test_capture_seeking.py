"""Opening a source and asking it for a picture, and the end of its thread."""

import threading
import time

from capture_parts import FPS, opened, play_until

from art_segplugin_gui.session.sources.base import SourceInfo


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
    assert time.perf_counter() - start < 4  # the read takes 5


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


def test_closing_is_quick_even_when_a_device_blocks(qtbot, watched, fakes):
    opened(qtbot, watched)
    fakes["a"].gate.clear()
    watched.thread.show(1)
    qtbot.waitUntil(lambda: fakes["a"].reads == [0, 1])
    start = time.perf_counter()
    watched.thread.close()
    assert time.perf_counter() - start < 4  # the read takes 5
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
