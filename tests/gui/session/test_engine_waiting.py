"""Runs that wait, go on and are cancelled."""

from dataclasses import replace

import numpy as np
from session_parts import engine, events, of, picture, run

from art_segplugin_gui.session.frames import Clean, Idle, Step, Stopped
from art_segplugin_gui.session.jobs import CancelToken
from art_segplugin_gui.session.request import Fade


def test_a_run_that_waits_goes_on_to_the_same_end():
    frame, made = picture(), engine()
    request = run(frame=frame)
    whole = of(Step, events(engine(), request))
    first = events(made, replace(request, pause_at=1))
    assert first[-1].paused
    more = events(made, replace(request, rev=2, pause_at=2, resume=True))
    assert not of(Clean, more)
    rest = events(made, replace(request, rev=3, pause_at=None, resume=True))
    assert not rest[-1].paused
    steps = of(Step, first) + of(Step, more) + of(Step, rest)
    assert [step.number for step in steps] == [0, 1, 2, 3][-len(steps) :]
    np.testing.assert_array_equal(steps[-1].a.exact, whole[-1].a.exact)


def test_another_run_is_not_gone_on_with():
    made = engine()
    events(made, replace(run(), pause_at=1))
    found = events(made, replace(run(rev=2, options={"eps": 0.1}), resume=True))
    assert of(Clean, found)
    assert of(Step, found)[0].number == 0


def test_a_pause_lets_the_run_wait_at_its_next_point():
    token = CancelToken()
    token.pause()
    found = events(engine(), run(), token)
    assert [step.number for step in of(Step, found)] == [0]
    assert found[-1].paused


def test_cancelled_between_points():
    token, made, seen = CancelToken(), engine(), []
    for event in run(options={"steps": 50}).run(made, token):
        seen.append(event)
        if isinstance(event, Step):
            token.cancel()
    assert len(of(Step, seen)) == 1
    assert isinstance(seen[-2], Stopped)
    assert seen[-1] == Idle(1, paused=False)


def test_a_fade_that_is_cancelled_leaves_the_run_that_waits():
    frame, made = picture(), engine()
    first = events(made, replace(run(frame=frame), pause_at=1))
    step = of(Step, first)[-1]
    token = CancelToken()
    token.cancel()
    found = events(made, Fade(2, frame, run().models, 0.5, step.a.exact), token)
    assert of(Stopped, found)
    assert found[-1].paused
    more = events(made, replace(run(frame=frame), rev=3, pause_at=2, resume=True))
    assert not of(Clean, more)
