import threading
import time

import pytest
from gui_parts import Said

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.background import Background


@pytest.fixture
def background(qtbot):
    made = Background()
    made.said = Said(done=made.done, failed=made.failed, running=made.running)
    yield made
    assert made.wait(2)


def test_the_result_comes_back(qtbot, background):
    threads = []
    background.run(lambda: threads.append(threading.current_thread()) or 42)
    qtbot.waitUntil(lambda: background.said.names() == ["running", "done", "running"])
    assert background.said.of("done") == [42]
    assert background.said.of("running") == [True, False]
    assert threads[0] is not threading.main_thread()


def test_one_at_a_time(qtbot, background):
    doing, most = [], []

    def work():
        doing.append(1)
        most.append(len(doing))
        time.sleep(0.01)
        doing.pop()

    for _ in range(5):
        background.run(work)
    qtbot.waitUntil(lambda: background.said.names().count("done") == 5)
    assert most == [1] * 5


def test_failures_are_sentences(qtbot, background):
    def refuse():
        raise InputError("disk is full.")

    def break_down():
        raise KeyError("x")

    background.run(refuse)
    qtbot.waitUntil(lambda: len(background.said.of("failed")) == 1)
    background.run(break_down)
    qtbot.waitUntil(lambda: len(background.said.of("failed")) == 2)
    (first, none), (second, details) = background.said.of("failed")
    assert (first, none) == ("disk is full.", "")
    assert second == "KeyError: 'x'"
    assert "Traceback" in details
    qtbot.waitUntil(lambda: background.said.of("running")[-1] is False)


def test_waiting_has_one_limit_for_all(qtbot):
    background, held = Background(), threading.Event()
    for _ in range(6):
        background.run(lambda: held.wait(20))
    start = time.monotonic()
    assert not background.wait(0.5)
    assert time.monotonic() - start < 2  # one limit each would be 3
    held.set()
    assert background.wait(2)
