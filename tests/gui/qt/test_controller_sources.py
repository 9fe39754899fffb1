"""Another picture or source, and those that cannot be read."""

from dataclasses import replace

import numpy as np
from controller_parts import answered, rerun
from gui_parts import FakeSource

from art_segplugin.errors import InputError
from art_segplugin_gui.session.painted import Painted
from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view
from art_segplugin_gui.session.state import Source, State


def test_another_picture_keeps_models_and_attack(qtbot, rig):
    made = rig()
    found = rerun(qtbot, made, lambda: made.change(with_source, index=3))
    assert [run.frame.index for run in found] == [3]
    assert made.shown.frame.index == 3


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
    made.controller.start()
    qtbot.waitUntil(lambda: made.said.of("failed") == [("bad is gone.", "")])
    made.controller.run()
    made.controller.step()
    made.controller.look_at(3)
    made.change(with_attack, painted=Painted.of(np.ones((3, 3), bool)))
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


def test_a_warning_of_a_picture_is_said(qtbot, rig):
    class Warns(FakeSource):
        def read(self, index):
            return replace(super().read(index), warning="its labels are of another size.")

    made = rig(fake=Warns())
    assert made.said.of("warned") == ["its labels are of another size."]
