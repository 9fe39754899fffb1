from dataclasses import replace

import numpy as np
from session_parts import engine, events, of, run

from art_segplugin_gui.session.display import Trace
from art_segplugin_gui.session.frames import Prediction, Scores, Step


def side(size=10):
    image, delta = np.zeros((2, size, size, 3), dtype=np.uint8)
    prediction, confidence, weights = np.zeros((3, size, size), dtype=np.uint8)
    exact = np.zeros((3, size, size), dtype=np.float32)
    scores = Scores(0.0, 0.0, np.zeros(2), np.zeros((2, 2)))
    return Prediction(image, prediction, confidence, prediction, scores, exact, delta, weights)


def size_of(one):
    return sum(array.nbytes for array in one.held)


def step(number, size=10, b=False):
    return Step(1, number, 20, side(size), side(size) if b else None, 0.1)


def test_steps_are_found_again():
    trace = Trace()
    assert trace.newest is None
    assert trace.nearest(3) is None
    for number in (0, 1, 4):
        trace.add(step(number))
    assert trace.numbers == {0, 1, 4}
    assert trace.newest.number == 4
    assert [trace.nearest(n).number for n in (0, 2, 3, 9)] == [0, 1, 4, 4]


def test_a_limit_thins_the_middle_and_keeps_both_ends():
    one = size_of(step(0).a)
    assert one == 10 * 10 * (3 + 1 + 1 + 12 + 3 + 1)
    trace = Trace(limit=6 * one)
    for number in range(40):
        trace.add(step(number))
        assert len(trace.numbers) <= 6
    assert {0, 39} <= trace.numbers
    assert len(trace.numbers) >= 3


def test_the_second_model_counts_too_and_replacing_frees():
    trace = Trace(limit=4 * size_of(step(0).a))
    for _ in range(9):
        trace.add(step(0, b=True))
    trace.add(step(1, b=True))
    assert trace.numbers == {0, 1}
    trace.clear()
    assert trace.newest is None
    trace.add(step(5))
    assert trace.numbers == {5}


def test_a_real_step_is_counted_in_full():
    last = of(Step, events(engine(), run()))[-1]
    pixels = last.a.prediction.size
    assert size_of(last.a) == pixels * (3 + 1 + 1 + 12 + 3 + 1)


def test_images_that_both_models_were_shown_are_counted_once():
    alone = of(Step, events(engine(), run()))
    both = of(Step, events(engine(), run(b="two")))[-1]
    assert both.b.exact is both.a.exact
    assert both.b.image is both.a.image
    own = size_of(alone[-1].a)
    trace = Trace(limit=3 * (own + both.b.prediction.nbytes + both.b.confidence.nbytes))
    for number in range(3):
        trace.add(replace(both, number=number))
    assert trace.numbers == {0, 1, 2}
