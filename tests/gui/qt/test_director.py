from dataclasses import replace

import numpy as np
import pytest
from gui_parts import FakeEngine, FakeSource, Said, Sources, starting

from art_segplugin.errors import InputError
from art_segplugin_gui.qt import director as module
from art_segplugin_gui.qt.capture import SourceThread
from art_segplugin_gui.qt.director import Director
from art_segplugin_gui.session.frames import Failed, Idle
from art_segplugin_gui.session.request import Fade, Run
from art_segplugin_gui.session.session import (
    Session,
    with_attack,
    with_models,
    with_source,
    with_view,
)
from art_segplugin_gui.session.sources.base import SourceLostError
from art_segplugin_gui.session.state import Attack, Source, State


class Rig:
    """A director with a fake engine and fake sources."""

    def __init__(self, state, fakes):
        self.engine, self.sources = FakeEngine(), Sources(**fakes)
        self.session = Session(state)
        self.director = Director(
            self.session, SourceThread(self.sources), starting(self.engine), None
        )
        d = self.director
        self.said = Said(
            shown=d.shown_changed, failed=d.failed, warned=d.warned, opened=d.source_opened
        )

    @property
    def shown(self):
        return self.director.shown

    @property
    def runs(self):
        return [request for request in self.engine.requests if isinstance(request, Run)]

    @property
    def at_rest(self):
        d = self.director
        return not d.runner.worker.busy and not d._settle.isActive()

    def change(self, made, **changes):
        self.session.change(made(self.session.state, **changes))


@pytest.fixture
def rig(qtbot, monkeypatch):
    monkeypatch.setattr(module, "SETTLE_MS", 60)
    rigs = []

    def make(state=None, start=True, **fakes):
        state = state or State(source=Source("fake"))
        rig = Rig(state, fakes or {"fake": FakeSource(), "other": FakeSource("other", 2)})
        rigs.append(rig)
        if start:
            rig.director.start()
            finished(qtbot, rig)
        return rig

    yield make
    for rig in rigs:
        rig.engine.gate.set()
        for fake in rig.sources.fakes.values():
            if isinstance(fake, FakeSource):
                fake.gate.set()
        assert rig.director.close()


def answered(rig):
    step = rig.shown.step
    return step is not None and step.answer and rig.at_rest


def finished(qtbot, rig):
    qtbot.waitUntil(lambda: answered(rig))


def rerun(qtbot, rig, act):
    """The requests that an act leads to."""
    before = len(rig.engine.requests)
    act()
    qtbot.waitUntil(lambda: len(rig.engine.requests) > before)
    qtbot.waitUntil(lambda: rig.at_rest and answered(rig))
    return rig.engine.requests[before:]


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
    assert made.director.count == 4


def test_without_auto_only_the_clean_prediction_is_made(qtbot, rig):
    made = rig(State(source=Source("fake"), attack=Attack(auto=False)), start=False)
    made.director.start()
    qtbot.waitUntil(lambda: made.shown.clean is not None and made.at_rest)
    assert made.runs[0].attack is None
    assert made.shown.step is None
    made.change(with_attack, seed=3)
    qtbot.wait(120)
    assert len(made.runs) == 1
    made.director.run()
    finished(qtbot, made)
    assert made.runs[1].attack.seed == 3


def test_dragging_runs_cheaply_at_once_and_fully_after_it_settles(qtbot, rig):
    made = rig()
    made.director.dragging = True
    before = len(made.runs)
    for eps in (0.01, 0.02, 0.03):
        made.session.change(
            replace(made.session.state, attack=made.session.state.attack.with_options(eps=eps)),
            "attack",
        )
        assert made.shown.outdated
        assert made.director.runner.request.quick
        # The first is let end: were each cancelled by the next, a fast drag would show nothing.
        assert made.director.runner.request.attack.options["eps"] == 0.01
    qtbot.waitUntil(lambda: made.director.runner.request.attack.options["eps"] == 0.03)
    made.director.dragging = False
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
    director = made.director

    def act(what, number):
        what()
        qtbot.waitUntil(lambda: made.at_rest and made.shown.step.number == number)

    act(director.step, 1)
    assert director.runner.waits
    act(director.step, 2)
    act(lambda: director.run_to(5), 5)
    act(lambda: director.run_to(3), 3)  # before where it waits: from the start
    assert not made.runs[-1].resume
    assert [run.resume for run in made.runs[1:4]] == [False, True, True]
    act(lambda: director.run_to(9), 9)
    assert made.shown.step.answer
    assert director.runner.trace.numbers == set(range(10))


def test_step_pauses_what_runs(qtbot, rig):
    made = rig()
    made.engine.last = 400
    made.engine.gate.clear()
    made.director.run()
    qtbot.waitUntil(lambda: len(made.engine.tokens) == 2)
    made.director.step()
    made.engine.gate.set()
    qtbot.waitUntil(lambda: made.director.runner.waits)
    assert made.shown.step.number == 0
    assert len(made.runs) == 2
    made.director.step()
    qtbot.waitUntil(lambda: made.shown.step.number == 1)


def test_after_a_change_a_step_begins_anew(qtbot, rig):
    made = rig(State(source=Source("fake"), attack=Attack(auto=False)), start=False)
    made.director.start()
    qtbot.waitUntil(lambda: made.shown.clean is not None and made.at_rest)
    made.director.step()
    qtbot.waitUntil(lambda: made.director.runner.waits)
    made.change(with_attack, seed=1)
    made.director.step()
    qtbot.waitUntil(lambda: len(made.runs) == 3 and made.at_rest)
    assert not made.runs[-1].resume
    assert made.runs[-1].attack.seed == 1


def test_stop_keeps_what_is_on_screen(qtbot, rig):
    made = rig()
    shown = made.shown
    made.engine.gate.clear()
    made.director.run()
    qtbot.waitUntil(lambda: len(made.engine.tokens) == 2)
    made.director.stop()
    qtbot.waitUntil(lambda: made.at_rest)
    assert made.engine.tokens[1].cancelled
    assert made.shown.step is shown.step
    made.change(with_attack, seed=9)
    made.director.stop()  # before it has settled
    qtbot.wait(120)
    assert len(made.runs) == 2


def test_looking_at_a_stored_point_asks_no_model(qtbot, rig):
    made = rig()
    count = len(made.engine.requests)
    made.director.look_at(1)
    assert made.shown.step.number == 1
    made.director.look_at(99)
    assert made.shown.step.number == 3
    made.director.look_at(0)
    made.director.look_at(None)
    assert made.shown.step.number == 3
    assert len(made.engine.requests) == count


def test_fading_asks_for_label_maps_and_one_does_not(qtbot, rig):
    made = rig()
    made.change(with_view, fade=0.5)
    assert made.shown.share == 0.5
    assert made.shown.faded is None
    qtbot.waitUntil(lambda: made.shown.faded is not None)
    request = made.engine.requests[-1]
    assert isinstance(request, Fade)
    assert (request.share, request.norm) == (0.5, float("inf"))
    assert request.exact_a is made.shown.step.a.exact
    made.director.look_at(1)
    qtbot.waitUntil(lambda: made.shown.faded is not None)
    assert made.engine.requests[-1].exact_a is made.shown.step.a.exact
    count = len(made.engine.requests)
    made.change(with_view, fade=1.0)
    qtbot.wait(30)
    assert made.shown.faded is None
    assert len(made.engine.requests) == count


def test_a_fade_waits_for_the_end_of_the_run(qtbot, rig):
    made = rig()
    made.engine.gate.clear()
    made.director.run()
    qtbot.waitUntil(lambda: len(made.engine.requests) == 2)
    made.change(with_view, fade=0.5)
    qtbot.wait(30)
    assert not made.engine.tokens[1].cancelled
    made.engine.gate.set()
    qtbot.waitUntil(lambda: made.shown.faded is not None)
    assert [type(request) for request in made.engine.requests] == [Run, Run, Fade]
    assert made.shown.step.answer


@pytest.mark.parametrize("ending", ["failed", "stopped"])
def test_a_fade_that_comes_to_nothing_is_not_asked_for_again_and_again(qtbot, rig, ending):
    made = rig()
    made.engine.answers["Fade"] = [lambda rev: Failed(rev, "one gives NaN."), Idle]
    if ending == "stopped":
        made.engine.answers["Fade"] = [Idle]
    made.change(with_view, fade=0.5)
    qtbot.waitUntil(lambda: len(made.engine.requests) == 2)
    qtbot.wait(60)
    assert len(made.engine.requests) == 2
    assert made.said.names().count("failed") == (ending == "failed")
    del made.engine.answers["Fade"]
    made.change(with_view, fade=0.6)  # another one is asked for
    qtbot.waitUntil(lambda: made.shown.faded is not None)


def test_another_picture_keeps_models_and_attack(qtbot, rig):
    made = rig()
    found = rerun(qtbot, made, lambda: made.change(with_source, index=3))
    assert [run.frame.index for run in found] == [3]
    assert made.shown.frame.index == 3


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


def test_playing_waits_for_each_picture_and_attacks_it_quickly(qtbot, rig):
    made = rig()
    made.engine.gate.clear()
    made.director.play()
    qtbot.waitUntil(lambda: made.shown.frame.index == 1)
    assert made.director.playing
    assert made.session.state.source.index == 1  # follows
    assert not made.session.can_undo
    qtbot.wait(80)
    assert made.shown.frame.index == 1  # its points have not come yet
    made.engine.gate.set()
    seen = set()

    def all_seen():
        seen.add(made.shown.frame.index)
        return seen == {0, 1, 2, 3}

    qtbot.waitUntil(all_seen)
    assert all(run.quick for run in made.runs[1:])
    made.director.pause()
    assert not made.director.playing
    finished(qtbot, made)
    assert not made.runs[-1].quick  # all steps for the picture that stays
    assert made.runs[-1].frame is made.shown.frame
    index = made.shown.frame.index
    qtbot.wait(60)
    assert made.shown.frame.index == index


def test_playing_on_after_a_model_that_fails(qtbot, rig):
    made = rig()
    made.engine.answers["Run"] = [lambda rev: Failed(rev, "one failed."), Idle]
    made.director.play()
    qtbot.waitUntil(lambda: made.shown.frame.index == 2)
    assert ("one failed.", "") in made.said.of("failed")
    made.director.stop()
    assert not made.director.playing


def test_an_opening_that_fails_goes_back_to_what_is_open(qtbot, rig):
    made = rig(fake=FakeSource(), bad=InputError("bad cannot be read."))
    rerun(qtbot, made, lambda: made.change(with_source, index=2))
    made.change(with_source, spec="bad", index=0)
    qtbot.waitUntil(lambda: made.said.names().count("failed") == 1)
    assert made.said.of("failed") == [("bad cannot be read.", "")]
    assert made.session.state.source.spec == "fake"
    assert made.session.state.source.index == 2
    qtbot.waitUntil(lambda: answered(made))
    assert made.shown.frame.name == "fake-2"


def test_the_models_of_a_change_count_although_its_source_cannot_be_opened(qtbot, rig):
    made = rig(fake=FakeSource(), bad=InputError("bad cannot be read."))
    state = with_models(with_source(made.session.state, spec="bad"), a="two")
    rerun(qtbot, made, lambda: made.session.change(state))
    assert made.runs[-1].models.a == "two"
    assert made.session.state.source.spec == "fake"


def test_nothing_can_be_opened_at_the_start(qtbot, rig):
    made = rig(State(source=Source("bad")), start=False, bad=InputError("bad is gone."))
    made.director.start()
    qtbot.waitUntil(lambda: made.said.of("failed") == [("bad is gone.", "")])
    made.director.run()
    made.director.step()
    made.director.look_at(3)
    made.director.paint(np.ones((3, 3), bool))
    made.change(with_view, fade=0.3)
    made.change(with_models, a="two")
    qtbot.wait(90)
    assert made.engine.requests == []
    assert made.shown.frame is None


def test_a_picture_that_cannot_be_read_does_not_bar_the_way(qtbot, rig):
    made = rig()
    made.sources.fakes["fake"].broken[2] = InputError("frame 2 is damaged.")
    made.change(with_source, index=2)
    qtbot.waitUntil(lambda: made.said.of("failed") == [("frame 2 is damaged.", "")])
    assert made.shown.frame.index == 0
    rerun(qtbot, made, lambda: made.change(with_source, index=3))
    assert made.shown.frame.index == 3


def test_going_back_before_the_other_picture_has_come(qtbot, rig):
    made = rig()
    made.sources.fakes["fake"].gate.clear()
    made.change(with_source, index=3)
    qtbot.waitUntil(lambda: made.sources.fakes["fake"].reads[-1] == 3)
    made.change(with_source, index=0)
    made.sources.fakes["fake"].gate.set()
    qtbot.waitUntil(lambda: made.sources.fakes["fake"].reads[-1] == 0)
    qtbot.wait(60)
    assert made.session.state.source.index == 0
    assert made.shown.frame.index == 0


def test_a_lost_camera_can_be_opened_again(qtbot, rig):
    made = rig(fake=FakeSource(count=None))
    camera = made.sources.fakes["fake"]
    lost = Said(lost=made.director.source.lost)
    made.director.play()
    qtbot.waitUntil(lambda: len(made.runs) > 2)
    camera.broken = {index: SourceLostError("camera lost.") for index in range(10_000)}
    qtbot.waitUntil(lambda: lost.of("lost") == ["camera lost."])
    assert not made.director.playing
    frame = made.shown.frame
    assert frame is not None  # the last picture stays
    camera.broken = {}
    made.director.reopen()
    qtbot.waitUntil(lambda: made.shown.frame is not frame)


def test_a_painted_region_reaches_the_run(qtbot, rig):
    made = rig()
    mask = np.zeros((18, 22), bool)
    mask[3:6] = True
    made.director.paint(mask)
    qtbot.wait(90)
    assert len(made.runs) == 1  # nobody asked for a painted region yet
    (found,) = rerun(qtbot, made, lambda: made.change(with_attack, region="painted"))
    assert found.mask is mask
    made.director.paint(None)
    qtbot.wait(90)
    assert len(made.runs) == 2  # nothing is painted: nothing is run
    assert made.shown.outdated
    made.director.run()  # but who asks gets an answer
    qtbot.waitUntil(lambda: len(made.runs) == 3)
    assert not made.runs[-1].mask.any()


def test_a_region_painted_on_a_picture_of_another_size_is_forgotten(qtbot, rig):
    made = rig(fake=FakeSource(), other=FakeSource("other", 2, shape=(20, 30)))
    made.director.paint(np.ones((18, 22), bool))
    rerun(qtbot, made, lambda: made.change(with_source, spec="other"))
    assert made.director.mask is None
    made.change(with_attack, region="painted")
    (found,) = rerun(qtbot, made, made.director.run)
    assert found.mask.shape == (20, 30)


def test_a_warning_of_a_picture_is_said(qtbot, rig):
    class Warns(FakeSource):
        def read(self, index):
            return replace(super().read(index), warning="its labels are of another size.")

    made = rig(fake=Warns())
    assert made.said.of("warned") == ["its labels are of another size."]
