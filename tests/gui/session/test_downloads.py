import threading
import time

import pytest
from session_parts import engine, events, net, of, run
from tqdm import tqdm
from tqdm.auto import tqdm as tqdm_auto

from art_segplugin.models import Segmenter
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Clean, Failed, Progress, Stopped
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.model_cache import Loading, watched_downloads


@pytest.mark.parametrize("kind", [tqdm, tqdm_auto])
@pytest.mark.parametrize("disable", [True, False])
def test_bars_are_overheard_also_those_that_are_not_drawn(kind, disable, capsys):
    usual = tqdm.update
    with watched_downloads() as found:
        assert found.share is None
        with kind(total=200, disable=disable) as bar:
            bar.update(50)
            assert found.share == 0.25
            with kind(total=200, disable=disable) as other:
                other.update(100)
            assert found.share == 150 / 400
            bar.update(150)
        assert found.share == 0.75
    assert tqdm.update is usual


def test_bars_without_an_end_say_nothing():
    with watched_downloads() as found, tqdm(disable=True) as bar:
        bar.update(5)
    assert found.share is None


def test_two_loads_at_once_leave_tqdm_as_it_was():
    usual = tqdm.update
    first, second = watched_downloads(), watched_downloads()
    with first as one:
        with second as two, tqdm(total=10, disable=True) as bar:
            bar.update(5)
        assert tqdm.update is not usual
    assert (one.share, two.share) == (0.5, 0.5)
    assert tqdm.update is usual


class Slow:
    """A download of 100 bytes that waits in the middle."""

    def __init__(self):
        self.go_on, self.loads = threading.Event(), 0

    def __call__(self, spec):
        self.loads += 1
        with tqdm(total=100, disable=True) as bar:
            bar.update(50)
            assert self.go_on.wait(10)
            bar.update(50)
        return Segmenter(net(), classes=4)


def test_a_download_is_told():
    slow, shares = Slow(), []
    for share in (loading := Loading("far", slow)).progress():
        shares.append(share)
        slow.go_on.set()
    assert 0.5 in shares
    assert isinstance(loading.model(), Segmenter)


def test_what_loading_raises_is_raised_where_the_model_is_asked_for():
    def fails(spec):
        raise OSError("no network")

    loading = Loading("far", fails)
    assert list(loading.progress()) == []
    with pytest.raises(OSError, match="no network"):
        loading.model()


def test_a_load_can_be_left_and_is_found_again():
    slow, token = Slow(), CancelToken()
    made, seen = Engine("cpu", load=slow), []
    started = time.monotonic()
    for event in run(a="far").run(made, token):
        seen.append(event)
        if isinstance(event, Progress) and event.share == 0.5:
            token.cancel()
    assert of(Stopped, seen)
    assert time.monotonic() - started < 8  # the load waits 10
    slow.go_on.set()
    assert of(Clean, events(made, run(rev=2, a="far")))
    assert slow.loads == 1


def test_a_load_that_was_left_and_failed_is_tried_again():
    calls, go_on = [], threading.Event()

    def load(spec):
        calls.append(spec)
        if len(calls) > 1:
            return Segmenter(net(), classes=4)
        assert go_on.wait(10)
        raise OSError("network down")

    token, made = CancelToken(), Engine("cpu", load=load)
    for event in run(a="far").run(made, token):
        if isinstance(event, Progress):
            token.cancel()
    go_on.set()
    time.sleep(0.3)
    assert of(Clean, events(made, run(rev=2, a="far")))
    assert len(calls) == 2


def test_a_load_that_failed_is_tried_again():
    made, calls = engine(), []

    def load(spec):
        calls.append(spec)
        if len(calls) == 1:
            raise OSError("no network")
        return Segmenter(net(), classes=4)

    made = Engine("cpu", load=load)
    (failed,) = of(Failed, events(made, run(a="far")))
    assert "no network" in failed.text
    assert of(Clean, events(made, run(rev=2, a="far")))
