import threading
from dataclasses import replace

import pytest
from gui_parts import FakeEngine, Said, ready, side, starting
from session_parts import picture

from art_segplugin_gui.qt.runner import Runner
from art_segplugin_gui.session.frames import Failed, Idle, Step, Stopped, Told
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.state import Attack, Models

SIGNALS = ("ready", "restarted", "clean", "stepped", "reached", "faded", "running", "idle", "told")


@pytest.fixture
def engine():
    made = FakeEngine()
    yield made
    made.gate.set()


@pytest.fixture
def runner(qtbot, engine):
    made = Runner(starting(engine))
    made.said = Said(**{name: getattr(made, name) for name in (*SIGNALS, "failed")})
    made.worker.start()
    qtbot.waitUntil(lambda: made.said.names() == ["ready"])
    made.said.all.clear()
    yield made
    made.close()


def numbers(runner, signal):
    return [step.number for step in runner.said.of(signal)]


def finished(qtbot, runner, times=1):
    qtbot.waitUntil(lambda: runner.said.names().count("idle") >= times)


def test_a_run_is_told_from_its_start_to_its_end(qtbot, runner, engine):
    frame = picture()
    engine.gate.clear()  # it would be done before one could look
    runner.run(frame, Models("one"), Attack())
    assert runner.said.names() == ["running", "restarted"]
    assert runner.attacking
    engine.gate.set()
    finished(qtbot, runner)
    (request,) = engine.requests
    assert (request.frame, request.models, request.quick) == (frame, Models("one"), False)
    assert runner.said.of("restarted") == [request]
    assert runner.said.of("running") == [True, False]
    assert numbers(runner, "stepped") == [0, 1, 2, 3]
    assert numbers(runner, "reached")[-1] == 3
    assert runner.said.of("told") == [("", -1.0)]
    assert runner.trace.numbers == {0, 1, 2, 3}
    assert runner.newest == 3
    assert not runner.attacking
    assert not runner.waits


def test_points_that_came_together_are_all_kept_and_only_the_last_is_drawn(qtbot, runner, engine):
    engine.answers["Run"] = [
        *[lambda rev, n=n: Step(rev, n, 9, side(exact=True), None, 0.0) for n in range(5)],
        Idle,
    ]
    runner.run(picture(), Models("one"), Attack())
    while runner.worker.busy:
        pass  # the window has no time meanwhile
    finished(qtbot, runner)
    assert numbers(runner, "stepped") == [0, 1, 2, 3, 4]
    assert numbers(runner, "reached") == [4]
    assert runner.said.names().index("reached") < runner.said.names().index("idle")


def test_what_belongs_to_an_older_request_is_dropped(qtbot, runner, engine):
    engine.gate.clear()
    runner.run(picture(), Models("one"), Attack())
    qtbot.waitUntil(lambda: runner.said.names().count("clean") == 1)
    runner.run(picture(), Models("two"), Attack(seed=5))
    runner.said.all.clear()
    engine.gate.set()
    finished(qtbot, runner)
    qtbot.wait(20)
    newest = runner.request.rev
    assert runner.said.names().count("idle") == 1
    assert {
        one.rev for name in ("clean", "stepped", "reached") for one in runner.said.of(name)
    } == {newest}
    assert engine.requests[-1].attack.seed == 5


def test_a_run_that_waits_goes_on_without_forgetting(qtbot, runner, engine):
    runner.run(picture(), Models("one"), Attack(), pause_at=1)
    finished(qtbot, runner)
    assert runner.waits
    assert runner.newest == 1
    runner.go_on(2)
    finished(qtbot, runner, 2)
    first, second = engine.requests
    assert second.resume
    assert first.same_run(second)
    assert second.rev > first.rev
    assert numbers(runner, "stepped") == [0, 1, 2]
    assert runner.trace.numbers == {0, 1, 2}
    assert len(runner.said.of("restarted")) == 1


def test_a_new_run_forgets_the_points(qtbot, runner):
    runner.run(picture(), Models("one"), Attack())
    finished(qtbot, runner)
    runner.run(picture(), Models("one"), None)
    assert runner.trace.numbers == frozenset()
    assert runner.newest == -1
    assert not runner.attacking
    finished(qtbot, runner, 2)
    assert runner.newest == -1


def test_stop_and_pause_reach_what_runs(qtbot, runner, engine):
    engine.gate.clear()
    runner.run(picture(), Models("one"), Attack())
    qtbot.waitUntil(lambda: len(engine.tokens) == 1)
    runner.pause()
    assert engine.tokens[0].paused
    runner.stop()
    assert engine.tokens[0].cancelled
    finished(qtbot, runner)
    assert runner.said.of("running") == [True, False]


def test_fading_asks_for_both_models(qtbot, runner, engine):
    step = Step(1, 3, 3, side(exact=True), side(0.5, exact=True), 0.0, True)
    frame = picture()
    runner.fade(frame, Models("one", "two"), 0.7, step, 2.0)
    finished(qtbot, runner)
    (request,) = engine.requests
    assert isinstance(request, Fade)
    assert (request.share, request.norm, request.frame) == (0.7, 2.0, frame)
    assert request.exact_a is step.a.exact
    assert request.exact_b is step.b.exact
    assert runner.said.of("faded")[0].share == 0.7


def test_a_fade_leaves_the_run_that_waits(qtbot, runner, engine):
    runner.run(picture(), Models("one"), Attack(), pause_at=1)
    finished(qtbot, runner)
    engine.answers["Fade"] = [lambda rev: Idle(rev, waits=True)]
    runner.fade(picture(), Models("one"), 0.7, runner.trace.newest, 2.0)
    finished(qtbot, runner, 2)
    assert runner.waits
    runner.go_on(2)
    finished(qtbot, runner, 3)
    assert engine.requests[0].same_run(engine.requests[2])
    assert numbers(runner, "stepped") == [0, 1, 2]


def test_words_and_failures(qtbot, runner, engine):
    engine.answers["Run"] = [
        lambda rev: Told(rev, "loading one"),
        lambda rev: Told(rev, "loading one", 0.25),
        lambda rev: Failed(rev, "one failed.", "Traceback"),
        Idle,
    ]
    runner.run(picture(), Models("one"), Attack())
    finished(qtbot, runner)
    assert runner.said.of("told") == [("loading one", -1.0), ("loading one", 0.25), ("", -1.0)]
    assert runner.said.of("failed") == [("one failed.", "Traceback")]


def test_a_stuck_worker_is_abandoned_and_what_it_says_later_is_ignored(qtbot):
    held, engines = threading.Event(), []

    class Stuck(FakeEngine):
        def close(self):
            pass

        def events(self, request, token):
            self.requests.append(request)
            held.wait(20)
            yield replace(Step(0, 0, 1, side(), None, 0.0), rev=request.rev + 1)  # a bad guess
            yield Stopped(request.rev)
            yield Idle(request.rev + 1)

    def start():
        engines.append(Stuck() if not engines else FakeEngine())
        return engines[-1], ready()

    runner = Runner(start)
    runner.said = Said(**{name: getattr(runner, name) for name in SIGNALS})
    runner.worker.start()
    runner.run(picture(), Models("one"), Attack())
    qtbot.waitUntil(lambda: engines and len(engines[0].requests) == 1)
    old = runner.worker
    runner.restart_worker()
    assert runner.worker is not old
    assert runner.said.of("running") == [True, False]
    assert runner.said.all[-2:] == [("told", "", -1.0), ("idle",)]  # nothing more comes of it
    runner.run(picture(), Models("two"), Attack())
    finished(qtbot, runner, 2)
    assert engines[1].requests[0].models.a == "two"
    count = len(runner.said.all)
    assert not runner.close()  # the old thread is still there: the process has to be ended
    held.set()
    qtbot.waitUntil(lambda: not old.busy)
    qtbot.wait(20)
    assert len(runner.said.all) == count
    assert old.close()
