import threading
import time

import pytest

from art_segplugin_gui.session.jobs import Cancelled, CancelToken, Latest


def test_a_token_is_asked():
    token = CancelToken()
    token.check()
    assert not token.cancelled
    token.cancel()
    token.cancel()
    assert token.cancelled
    with pytest.raises(Cancelled):
        token.check()


def test_a_pause_is_no_end():
    token = CancelToken()
    token.pause()
    token.check()
    assert token.paused
    assert not token.cancelled


def test_only_the_latest_waits():
    box = Latest()
    assert box.put(1) is None
    assert box.put(2) == 1
    assert box.take() == 2
    assert box.take(timeout=0.01) is None


def test_who_waits_is_woken():
    box, got = Latest(), []
    thread = threading.Thread(target=lambda: got.append(box.take()))
    thread.start()
    time.sleep(0.02)
    box.put("letter")
    thread.join(2)
    assert got == ["letter"]


def test_closing_wakes_drops_and_refuses():
    box, got = Latest(), []
    thread = threading.Thread(target=lambda: got.append(box.take()))
    thread.start()
    box.close()
    thread.join(2)
    assert got == [None]
    box.put("late")
    assert box.take() is None
    assert box.closed
