import threading

import pytest
from gui_parts import FakeEngine, Said, ready, side, starting, within
from PySide6.QtCore import QCoreApplication, QEvent
from session_parts import run

from art_segplugin_gui.qt.worker import QUEUED, Worker
from art_segplugin_gui.session.frames import Clean, Failed, Idle, Step, Stopped


class Many:
    """Answered by so many events without a pause."""

    rev = 1

    def __init__(self, count):
        self.count = count

    def run(self, engine, token):
        for number in range(self.count):
            yield Step(1, number, self.count, side(), None, 0.0)
        yield Idle(1)


@pytest.fixture
def made(qtbot):
    workers = []

    def make(start):
        worker = Worker(start)
        worker.said = Said(ready=worker.ready, arrived=worker.arrived)
        workers.append(worker)
        worker.start()
        return worker

    yield make
    for worker in workers:
        worker.close(1)


def all_of(qtbot, worker, until=Idle, times=1):
    """Everything that comes until there were so many events of a kind."""
    found = []

    def enough():
        found.extend(worker.take())
        return sum(isinstance(event, until) for event in found) >= times

    qtbot.waitUntil(enough)
    return found


def test_it_starts_the_engine_in_its_own_thread(qtbot, made):
    started = []

    def start():
        started.append(threading.current_thread())
        return FakeEngine(), ready()

    worker = made(start)
    qtbot.waitUntil(lambda: worker.said.names() == ["ready"])
    assert worker.said.of("ready")[0].shipped == ("one", "two")
    assert started[0] is not threading.main_thread()
    assert started[0].daemon


def test_a_request_is_answered_in_order(qtbot, made):
    engine = FakeEngine(2)
    worker = made(starting(engine))
    worker.submit(run(rev=7))
    found = all_of(qtbot, worker)
    assert [type(event) for event in found] == [Clean, Step, Step, Step, Idle]
    assert {event.rev for event in found} == {7}
    assert not worker.busy
    assert worker.silent_for == 0
    assert engine.threads[0] is not threading.main_thread()


def test_the_latest_wins_and_those_between_never_run(qtbot, made):
    engine = FakeEngine()
    engine.gate.clear()
    worker = made(starting(engine))
    worker.submit(run(rev=1))
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    for rev in range(2, 30):
        worker.submit(run(rev=rev))
    engine.gate.set()
    qtbot.waitUntil(lambda: not worker.busy)
    found = worker.take()
    revs = [request.rev for request in engine.requests]
    assert (revs[0], revs[-1]) == (1, 29)
    assert len(revs) < 6  # one that was free for a moment may have taken one of those between
    assert [event.rev for event in found if isinstance(event, Stopped)] == revs[:-1]
    assert [event.number for event in found if isinstance(event, Step)] == [0, 1, 2, 3]


def test_there_is_never_more_than_one_announcement_on_its_way(qtbot, made):
    worker = made(starting(FakeEngine()))
    qtbot.waitUntil(lambda: worker.said.names() == ["ready"])
    worker.submit(Many(5000))
    assert within(5, lambda: not worker.busy)  # the window was busy meanwhile
    qtbot.wait(20)
    assert worker.said.names() == ["ready", "arrived"]
    assert len(worker.take()) == 5001
    assert worker.take() == []
    worker.submit(Many(3))
    qtbot.waitUntil(lambda: worker.said.names().count("arrived") == 2)


def test_cancelling_stops_and_pausing_waits(qtbot, made):
    engine = FakeEngine(50)
    engine.gate.clear()
    worker = made(starting(engine))
    worker.submit(run(rev=1))
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    worker.cancel()
    assert any(isinstance(event, Stopped) for event in all_of(qtbot, worker))
    worker.submit(run(rev=2))
    qtbot.waitUntil(lambda: len(engine.requests) == 2)
    worker.pause()
    engine.gate.set()
    found = all_of(qtbot, worker)
    assert found[-1].paused
    assert [event.number for event in found if isinstance(event, Step)] == [0]


def test_silence_is_measured_while_there_is_something_to_do(qtbot, made):
    engine = FakeEngine()
    engine.gate.clear()
    worker = made(starting(engine))
    assert worker.silent_for == 0
    worker.submit(run())
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    qtbot.wait(120)
    assert 0.1 < worker.silent_for < 5
    engine.gate.set()
    all_of(qtbot, worker)
    assert worker.silent_for == 0


def test_closing_ends_the_thread_and_drops_what_waits(qtbot, made):
    engine = FakeEngine()
    engine.gate.clear()
    worker = made(starting(engine))
    worker.submit(run(rev=1))
    qtbot.waitUntil(lambda: len(engine.requests) == 1)
    worker.submit(run(rev=2))
    assert worker.close()
    assert [request.rev for request in engine.requests] == [1]
    worker.submit(run(rev=3))  # nobody is there any more
    qtbot.wait(20)
    assert len(engine.requests) == 1
    assert worker.close()


def test_a_worker_that_was_never_started_can_be_closed(qtbot):
    assert Worker(starting(FakeEngine())).close()


def test_one_that_is_stuck_is_left_alone_in_time(qtbot, made):
    held, begun = threading.Event(), threading.Event()

    class Stuck:
        def close(self):
            pass

        def attack(self, request, token):
            begun.set()
            held.wait(20)
            yield Idle(request.rev)

    worker = made(lambda: (Stuck(), ready()))
    worker.submit(run())
    assert begun.wait(5)
    assert not worker.close(0.1)
    assert worker._thread.is_alive()
    held.set()
    assert worker.close(2)


def test_an_engine_that_does_not_start(qtbot, made):
    def start():
        raise RuntimeError("no such device")

    worker = made(start)
    (failed,) = all_of(qtbot, worker, Failed)
    assert failed.text == "The engine did not start: no such device"
    assert "Traceback" in failed.details
    assert failed.rev == 0
    worker.submit(run(rev=4))  # is answered, too: nothing waits for ever
    found = all_of(qtbot, worker)
    assert [type(event) for event in found] == [Failed, Idle]
    assert found[0].rev == found[1].rev == 4
    assert not worker.busy


def test_events_after_the_window_is_gone_are_nobodys(qtbot):
    engine = FakeEngine()
    engine.gate.clear()
    failures = []
    hook, threading.excepthook = threading.excepthook, failures.append
    try:
        worker = Worker(starting(engine))
        worker.arrived.connect(lambda: None, QUEUED)
        worker.start()
        worker.submit(run())
        qtbot.waitUntil(lambda: len(engine.requests) == 1)
        thread = engine.threads[0]
        worker.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        engine.gate.set()
        qtbot.waitUntil(lambda: not worker.busy)
        worker.close(2)
        assert not thread.is_alive()
    finally:
        threading.excepthook = hook
    assert failures == []
