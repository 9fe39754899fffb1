"""Playing follows the clock and never runs ahead of the window."""

import time

from capture_parts import opened, play_until


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
