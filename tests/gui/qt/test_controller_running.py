"""When a run begins, goes on, stops and begins anew."""

from dataclasses import replace

from controller_parts import answered, finished, rerun

from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view
from art_segplugin_gui.session.state import Attack, Source, State


def test_it_opens_the_source_of_the_state_and_attacks(rig):
    made = rig(State(source=Source("fake", index=2, longest_side=320)))
    assert made.sources.asked == [("fake", 320)]
    assert made.said.of("opened")[0].spec == "fake"
    (request,) = made.engine.requests
    assert request.frame.name == "fake-2"
    assert request.attack == Attack()
    assert not request.quick
    assert made.shown.frame is request.frame
    assert made.shown.clean is not None
    assert made.controller.count == 4


def test_without_auto_only_the_clean_prediction_is_made(qtbot, rig):
    made = rig(State(source=Source("fake"), attack=Attack(auto=False)), start=False)
    made.controller.start()
    qtbot.waitUntil(lambda: made.shown.clean is not None and made.at_rest)
    assert made.runs[0].attack is None
    assert made.shown.step is None
    made.change(with_attack, seed=3)
    qtbot.wait(120)
    assert len(made.runs) == 1
    made.controller.run()
    finished(qtbot, made)
    assert made.runs[1].attack.seed == 3


def test_dragging_runs_cheaply_at_once_and_fully_after_it_settles(qtbot, rig):
    made = rig()
    made.controller.dragging = True
    made.engine.gate.clear()
    before = len(made.runs)
    for eps in (0.01, 0.02, 0.03):
        made.session.change(
            replace(made.session.state, attack=made.session.state.attack.with_options(eps=eps)),
            "attack",
        )
        assert made.shown.outdated
        assert made.controller.request.quick
        # The first is let end: were each cancelled by the next, a fast drag would show nothing.
        assert made.controller.request.attack.options["eps"] == 0.01
    made.engine.gate.set()
    qtbot.waitUntil(lambda: made.controller.request.attack.options["eps"] == 0.03)
    made.controller.dragging = False
    qtbot.waitUntil(lambda: answered(made) and not made.runs[-1].quick)
    later = made.runs[before:]
    assert [run.quick for run in later[:-1]] == [True] * (len(later) - 1)
    assert later[-1].attack.options["eps"] == 0.03
    assert not made.shown.outdated


def test_a_change_that_is_no_drag_waits_for_the_next_one(qtbot, rig):
    made = rig()
    found = rerun(
        qtbot,
        made,
        lambda: [made.change(with_attack, seed=seed) for seed in range(1, 6)],
    )
    assert [(run.attack.seed, run.quick) for run in found] == [(5, False)]


def test_step_by_step_and_on_to_a_number(qtbot, rig):
    made = rig()
    made.engine.last = 9
    controller = made.controller

    def act(what, number):
        what()
        qtbot.waitUntil(lambda: made.at_rest and made.shown.step.number == number)

    act(controller.step, 1)
    assert controller.paused
    act(controller.step, 2)
    act(lambda: controller.run_to(5), 5)
    act(lambda: controller.run_to(3), 3)  # before where it waits: from the start
    assert not made.runs[-1].resume
    assert [run.resume for run in made.runs[1:4]] == [False, True, True]
    act(lambda: controller.run_to(9), 9)
    assert made.shown.step.answer
    assert controller.trace.numbers == set(range(10))


def test_step_pauses_what_runs(qtbot, rig):
    made = rig()
    made.engine.last = 400
    made.engine.gate.clear()
    made.controller.run()
    qtbot.waitUntil(lambda: len(made.engine.tokens) == 2)
    made.controller.step()
    made.engine.gate.set()
    qtbot.waitUntil(lambda: made.controller.paused)
    assert made.shown.step.number == 0
    assert len(made.runs) == 2
    made.controller.step()
    qtbot.waitUntil(lambda: made.shown.step.number == 1)


def test_after_a_change_a_step_begins_anew(qtbot, rig):
    made = rig(State(source=Source("fake"), attack=Attack(auto=False)), start=False)
    made.controller.start()
    qtbot.waitUntil(lambda: made.shown.clean is not None and made.at_rest)
    made.controller.step()
    qtbot.waitUntil(lambda: made.controller.paused)
    made.change(with_attack, seed=1)
    made.controller.step()
    qtbot.waitUntil(lambda: len(made.runs) == 3 and made.at_rest)
    assert not made.runs[-1].resume
    assert made.runs[-1].attack.seed == 1


def test_stop_keeps_what_is_on_screen(qtbot, rig):
    made = rig()
    shown = made.shown
    made.engine.gate.clear()
    made.controller.run()
    qtbot.waitUntil(lambda: len(made.engine.tokens) == 2)
    made.controller.stop()
    qtbot.waitUntil(lambda: made.at_rest)
    assert made.engine.tokens[1].cancelled
    assert made.shown.step is shown.step
    made.change(with_attack, seed=9)
    made.controller.stop()  # before it has settled
    qtbot.wait(120)
    assert len(made.runs) == 2


def test_looking_at_a_stored_point_asks_no_model(qtbot, rig):
    made = rig()
    count = len(made.engine.requests)
    made.controller.look_at(1)
    assert made.shown.step.number == 1
    made.controller.look_at(99)
    assert made.shown.step.number == 3
    made.controller.look_at(0)
    made.controller.look_at(None)
    assert made.shown.step.number == 3
    assert len(made.engine.requests) == count


def test_undo_of_attack_model_and_source(qtbot, rig):
    made = rig()
    rerun(qtbot, made, lambda: made.change(with_attack, seed=4))
    rerun(qtbot, made, lambda: made.change(with_models, a="two"))
    rerun(qtbot, made, lambda: made.change(with_source, spec="other"))
    assert made.shown.frame.name == "other-0"
    (back,) = rerun(qtbot, made, made.session.undo)
    assert back.frame.name == "fake-0"
    (back,) = rerun(qtbot, made, made.session.undo)
    assert (back.models.a, back.attack.seed) == ("small-scenes", 4)
    (back,) = rerun(qtbot, made, made.session.undo)
    assert back.attack.seed == 0
    (again,) = rerun(qtbot, made, made.session.redo)
    assert again.attack.seed == 4
    assert made.sources.asked == [("fake", 640), ("other", 640), ("fake", 640)]


def test_a_view_asks_nothing(qtbot, rig):
    made = rig()
    made.change(with_view, layer="error", opacity=0.2, isolated=1)
    qtbot.wait(90)
    assert len(made.engine.requests) == 1


def test_a_worker_that_is_restarted_releases_and_runs_once(qtbot, rig):
    made = rig()
    made.controller.idle.connect(
        lambda: made.controller.hold(False) if made.controller.held else None
    )
    made.controller.hold(True)
    found = rerun(qtbot, made, made.controller.restart_worker)
    assert len(found) == 1
    assert not made.controller.held


def test_points_of_before_a_change_say_so(qtbot, rig):
    made = rig()
    made.engine.last = 500
    made.controller.run()
    qtbot.waitUntil(lambda: made.controller.newest > 1)
    assert not made.shown.outdated
    made.change(with_attack, auto=False)
    assert not made.shown.outdated  # this changes no run
    made.change(with_attack, seed=9)
    newest = made.controller.newest
    qtbot.waitUntil(lambda: made.controller.newest > newest + 3)
    assert made.shown.outdated
    made.controller.run()
    finished(qtbot, made)
    assert not made.shown.outdated
