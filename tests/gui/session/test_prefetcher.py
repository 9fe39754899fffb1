import threading
import time

import pytest
from session_parts import engine, events, of, run

from art_segplugin_gui.session.frames import Step
from art_segplugin_gui.session.jobs import CancelToken, Prefetcher


def test_one_thing_after_the_other_in_a_thread_of_its_own():
    ahead, seen = Prefetcher(), []
    futures = [
        ahead.start(lambda n=n: (seen.append(n), threading.get_ident())[1]) for n in range(5)
    ]
    threads = {future.result(5) for future in futures}
    assert seen == [0, 1, 2, 3, 4]
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    ahead.close()


def test_what_is_raised_is_raised_where_the_result_is_asked_for():
    ahead = Prefetcher()

    def fails():
        raise SystemExit("no")

    with pytest.raises(SystemExit, match="no"):
        ahead.start(fails).result(5)
    assert ahead.start(lambda: 7).result(5) == 7
    ahead.close()


def test_the_next_point_is_computed_while_one_is_looked_at_but_not_while_the_run_waits():
    made = engine()
    computed = []
    original = made.models._load

    def load(spec):
        model = original(spec)
        model.register_forward_hook(lambda *_: computed.append(1))
        return model

    made.models._load = load
    stream = run(options={"steps": 30}).run(made, CancelToken())
    step = next(event for event in stream if isinstance(event, Step))
    deadline = time.monotonic() + 5
    while len(computed) < 4 and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(0.05)
    assert step.number == 0
    assert len(computed) == 4  # checks, prediction, this point and the next one, and no more
    stream.close()
    made.close()

    made = engine()
    made.models._load = load
    token = CancelToken()
    token.pause()
    assert [one.number for one in of(Step, events(made, run(), token))] == [0]
    before = len(computed)
    time.sleep(0.05)
    assert len(computed) == before
    made.close()


def test_a_closed_engine_leaves_no_thread():
    before = threading.active_count()
    made = engine()
    events(made, run())
    made.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
