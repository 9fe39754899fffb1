"""The strength of the perturbation between and beyond the clean and the attacked picture."""

import pytest

from art_segplugin_gui.session.frames import Failed, Idle
from art_segplugin_gui.session.request import Fade, Run
from art_segplugin_gui.session.session import with_view


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
    made.controller.look_at(1)
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
    made.controller.run()
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
