import threading
from dataclasses import replace

import pytest
from gui_parts import CLASSES, COLOURS, FakeEngine, Said, Sources, ready, side, starting
from session_parts import picture

from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.controller import AttackController
from art_segplugin_gui.session.frames import Clean, Faded, Failed, Idle, Progress, Step, Stopped
from art_segplugin_gui.session.identity import Identity
from art_segplugin_gui.session.request import Fade
from art_segplugin_gui.session.session import Session, with_view
from art_segplugin_gui.session.state import Attack, Models

SIGNALS = ("ready", "restarted", "stepped", "running", "idle", "told", "failed")


def controlling(start):
    """A controller that opens no source; it says which events it handles, too, and what it draws."""
    made = AttackController(Session(), SourceThread(Sources()), start)
    made.said = Said(**{name: getattr(made, name) for name in SIGNALS})
    for name, kind in (("clean", Clean), ("faded", Faded)):
        made.handlers[kind].insert(0, lambda event, name=name: made.said.all.append((name, event)))
    made.shown_changed.connect(lambda shown: made.said.all.append(("drawn", shown.step)))
    return made


def attack(controller, models, choice, frame=None, **more):
    """Show a picture, and attack it."""
    frame = frame or picture()
    controller.show(frame=frame)
    controller.attack(frame, models, choice, **more)
    return frame


@pytest.fixture
def engine():
    made = FakeEngine()
    yield made
    made.gate.set()


@pytest.fixture
def controller(qtbot, engine):
    made = controlling(starting(engine))
    made.worker.start()
    qtbot.waitUntil(lambda: made.said.names() == ["ready"])
    made.said.all.clear()
    yield made
    made.close()


def numbers(controller, signal):
    return [step.number for step in controller.said.of(signal) if step is not None]


def finished(qtbot, controller, times=1):
    qtbot.waitUntil(lambda: controller.said.names().count("idle") >= times)


def test_a_run_is_told_from_its_start_to_its_end(qtbot, controller, engine):
    engine.gate.clear()  # it would be done before one could look
    frame = attack(controller, Models("one"), Attack())
    assert controller.said.names() == ["drawn", "running", "restarted"]
    assert controller.attacking
    engine.gate.set()
    finished(qtbot, controller)
    (request,) = engine.requests
    assert (request.frame, request.models, request.quick) == (frame, Models("one"), False)
    assert controller.said.of("restarted") == [request]
    assert controller.said.of("running") == [True, False]
    assert numbers(controller, "stepped") == [0, 1, 2, 3]
    assert numbers(controller, "drawn")[-1] == 3
    assert controller.said.of("told") == [("", -1.0)]
    assert controller.trace.numbers == {0, 1, 2, 3}
    assert controller.newest == 3
    assert not controller.attacking
    assert not controller.paused


def test_points_that_came_together_are_all_kept_and_only_the_last_is_drawn(
    qtbot, controller, engine
):
    frame = picture()
    identity = Identity(frame.id, Models("one"), Attack())
    clean = Clean(0, True, side(), None, CLASSES, COLOURS, identity=identity)
    point = Step(0, 0, 9, side(exact=True), None, 0.0, identity=identity)
    engine.answers["Run"] = [
        lambda rev: replace(clean, rev=rev),
        *[lambda rev, n=n: replace(point, rev=rev, number=n) for n in range(5)],
        Idle,
    ]
    attack(controller, Models("one"), Attack(), frame)
    while controller.worker.busy:
        pass  # the window has no time meanwhile
    finished(qtbot, controller)
    assert numbers(controller, "stepped") == [0, 1, 2, 3, 4]
    assert numbers(controller, "drawn") == [4]
    names = controller.said.names()
    assert len(names) - names[::-1].index("drawn") <= names.index("idle")


def test_what_belongs_to_an_older_request_is_dropped(qtbot, controller, engine):
    engine.gate.clear()
    attack(controller, Models("one"), Attack())
    qtbot.waitUntil(lambda: controller.said.names().count("clean") == 1)
    attack(controller, Models("two"), Attack(seed=5))
    controller.said.all.clear()
    engine.gate.set()
    finished(qtbot, controller)
    qtbot.wait(20)
    newest = controller.request.rev
    assert controller.said.names().count("idle") == 1
    assert {
        one.rev for name in ("clean", "stepped", "drawn") for one in controller.said.of(name) if one
    } == {newest}
    assert engine.requests[-1].attack.seed == 5


def test_a_run_that_waits_goes_on_without_forgetting(qtbot, controller, engine):
    attack(controller, Models("one"), Attack(), pause_at=1)
    finished(qtbot, controller)
    assert controller.paused
    assert controller.newest == 1
    controller.resume(2)
    finished(qtbot, controller, 2)
    first, second = engine.requests
    assert second.resume
    assert first.identity == second.identity
    assert second.rev > first.rev
    assert numbers(controller, "stepped") == [0, 1, 2]
    assert controller.trace.numbers == {0, 1, 2}
    assert len(controller.said.of("restarted")) == 1


def test_a_new_run_forgets_the_points(qtbot, controller):
    attack(controller, Models("one"), Attack())
    finished(qtbot, controller)
    attack(controller, Models("one"), None)
    assert controller.trace.numbers == frozenset()
    assert controller.newest == -1
    assert not controller.attacking
    finished(qtbot, controller, 2)
    assert controller.newest == -1


def test_stop_and_pause_reach_what_runs(qtbot, controller, engine):
    engine.gate.clear()
    attack(controller, Models("one"), Attack())
    qtbot.waitUntil(lambda: len(engine.tokens) == 1)
    controller.step()
    assert engine.tokens[0].paused
    controller.stop()
    assert engine.tokens[0].cancelled
    finished(qtbot, controller)
    assert controller.said.of("running") == [True, False]


def fade(controller, share):
    controller.session.change(with_view(controller.session.state, fade=share))


def test_fading_asks_for_both_models(qtbot, controller):
    frame, models = picture(), Models("one", "two")
    identity = Identity(frame.id, models, Attack(options={"norm": "l2"}))
    clean = Clean(1, True, side(), side(), CLASSES, COLOURS, identity=identity)
    a, b = side(exact=True), side(0.5, exact=True)
    step = Step(1, 3, 3, a, b, 0.0, True, identity)
    controller.show(frame=frame, clean=clean, step=step)
    fade(controller, 0.7)
    finished(qtbot, controller)
    (faded,) = controller.said.of("faded")
    assert faded.share == 0.7
    assert controller.shown.faded is faded
    assert (faded.identity, faded.number) == (identity, 3)


def test_a_fade_request_has_the_images_of_the_point(qtbot, controller, engine):
    frame = attack(controller, Models("one"), Attack(options={"norm": "l2"}))
    finished(qtbot, controller)
    fade(controller, 0.7)
    finished(qtbot, controller, 2)
    request = engine.requests[-1]
    assert isinstance(request, Fade)
    assert (request.share, request.norm, request.frame) == (0.7, 2.0, frame)
    assert request.exact_a is controller.shown.step.a.exact
    assert request.exact_b is None


def test_a_fade_leaves_the_run_that_waits(qtbot, controller, engine):
    attack(controller, Models("one"), Attack(), pause_at=1)
    finished(qtbot, controller)
    engine.answers["Fade"] = [lambda rev: Idle(rev, paused=True)]
    fade(controller, 0.7)
    finished(qtbot, controller, 2)
    assert controller.paused
    controller.resume(2)
    finished(qtbot, controller, 3)
    assert engine.requests[0].identity == engine.requests[2].identity
    assert numbers(controller, "stepped") == [0, 1, 2]


def test_words_and_failures(qtbot, controller, engine):
    engine.answers["Run"] = [
        lambda rev: Progress(rev, "loading one"),
        lambda rev: Progress(rev, "loading one", 0.25),
        lambda rev: Failed(rev, "one failed.", "Traceback"),
        Idle,
    ]
    attack(controller, Models("one"), Attack())
    finished(qtbot, controller)
    assert controller.said.of("told") == [("loading one", -1.0), ("loading one", 0.25), ("", -1.0)]
    assert controller.said.of("failed") == [("one failed.", "Traceback")]


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

    controller = controlling(start)
    controller.worker.start()
    attack(controller, Models("one"), Attack())
    qtbot.waitUntil(lambda: bool(engines) and len(engines[0].requests) == 1)
    old = controller.worker
    controller.held = True  # else what is due would run
    controller.restart_worker()
    controller.held = False
    assert controller.worker is not old
    assert controller.said.of("running") == [True, False]
    assert controller.said.all[-2:] == [("told", "", -1.0), ("idle",)]  # nothing more comes of it
    attack(controller, Models("two"), Attack())
    finished(qtbot, controller, 2)
    assert engines[1].requests[0].models.a == "two"
    count = len(controller.said.all)
    assert not controller.close()  # the old thread is still there: the process has to be ended
    held.set()
    qtbot.waitUntil(lambda: not old.busy)
    qtbot.wait(20)
    assert len(controller.said.all) == count
    assert old.close()
