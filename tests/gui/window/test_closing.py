"""The window closes at once, whatever it is doing."""

import threading
import time

import pytest
from gui_parts import FakeSource, Sources, tiny_engine
from PySide6.QtCore import QTimer
from session_parts import segmenter
from shiboken6 import isValid

from art_segplugin_gui.session.session import with_attack, with_models, with_source


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
        qtbot.waitUntil(lambda: made.controller.attacking)
    elif when == "opening":
        made.sources.fakes["slow"].gate.clear()
        QTimer.singleShot(100, made.sources.fakes["slow"].gate.set)
        made.change(with_source, spec="slow")
        qtbot.waitUntil(lambda: made.sources.fakes["slow"].reads != [])
        threading.Timer(0.2, made.sources.fakes["slow"].gate.set).start()
    elif when == "playing":
        made.controller.play()
        qtbot.waitUntil(lambda: len(source.reads) > 2)
    elif when == "loading":
        made.change(with_models, a="slow")
        assert loaded.wait(5)
    ended = []
    made.window.closed.connect(ended.append)
    start = time.monotonic()
    made.window.close()
    assert time.monotonic() - start < 5  # as long as a read that blocks would take
    assert ended == [True]
    assert not made.controller.source.alive
    qtbot.wait(30)  # nothing comes to a window that is gone
    qtbot.waitUntil(lambda: not isValid(made.window))
