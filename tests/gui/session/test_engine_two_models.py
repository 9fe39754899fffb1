"""Two models side by side, and what cannot be compared."""

import numpy as np
import pytest
import torch
from session_parts import MODELS, engine, events, of, picture, run, segmenter

from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Clean, Step


def test_transfer_shows_b_the_images_made_against_a():
    found = events(engine(), run(b="two"))
    model = MODELS["two"]()
    for step in of(Step, found):
        np.testing.assert_array_equal(step.a.exact, step.b.exact)
        logits = model(torch.from_numpy(step.b.exact)[None])
        np.testing.assert_array_equal(step.b.prediction, logits.argmax(1)[0].numpy())
        assert step.b.weights is None


def test_each_under_its_own_attack_is_as_if_alone():
    frame = picture()
    both = of(Step, events(engine(), run(frame=frame, b="two", transfer=False)))[-1]
    alone = of(Step, events(engine(), run(frame=frame, a="two")))[-1]
    np.testing.assert_array_equal(both.b.exact, alone.a.exact)
    assert both.b.scores.miou == alone.a.scores.miou


@pytest.mark.parametrize(
    ("other", "said"), [("five", "five has 5 classes and one has 4"), ("renamed", "other classes")]
)
def test_a_model_of_other_classes_is_not_compared(other, said):
    found = events(engine(), run(b=other))
    (clean,) = of(Clean, found)
    assert clean.b is None
    assert said in clean.warning
    assert of(Step, found)[-1].b is None


def test_a_broken_second_model_leaves_the_first_alone():
    found = events(engine(), run(b="nan"))
    (clean,) = of(Clean, found)
    assert clean.b is None
    assert "nan is not compared" in clean.warning
    assert of(Step, found)[-1].answer


def test_labels_that_only_one_model_understands_make_no_comparison():
    void_11 = segmenter(1)
    void_11.ignore_index = 7
    made = Engine("cpu", load=lambda spec: void_11 if spec == "a" else MODELS["one"]())
    frame = picture()
    frame.labels[3, 3] = 7
    (clean,) = of(Clean, events(made, run(frame=frame, a="a", b="b")))
    assert clean.labelled
    assert clean.b is None
    assert "b is not compared" in clean.warning
