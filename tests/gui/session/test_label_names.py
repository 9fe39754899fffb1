from dataclasses import replace

import numpy as np
import pytest
from session_parts import CLASSES, MODELS, engine, events, of, picture, run

from art_segplugin.evaluation.repro import reproduce
from art_segplugin_gui.session.display import DisplayState
from art_segplugin_gui.session.export import reproduction
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.frames import Clean, Step
from art_segplugin_gui.session.label_names import usable_labels
from art_segplugin_gui.session.state import State


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (("sky", "road", "car"), "they name 3 classes and the model has 4"),
        (("road", "sky", "car", "tree"), "class 0 is 'sky' to the model and 'road' in the data"),
    ],
)
def test_labels_of_other_classes_are_not_used(classes, said):
    labels, why = usable_labels(CLASSES, replace(picture(), classes=classes))
    assert labels is None
    assert said in why


@pytest.mark.parametrize(
    "classes", [(), CLASSES, ("0", "1", "2", "3"), ("Sky", "ROAD", "car", "tree")]
)
def test_labels_of_the_same_classes_or_of_numbers_are_used(classes):
    frame = replace(picture(), classes=classes)
    labels, why = usable_labels(CLASSES, frame)
    assert labels is frame.labels
    assert why == ""


def test_labels_are_read_by_the_rule_of_the_model():
    stored = np.array([[0, 1, 4, 255]], np.uint8)
    frame = replace(picture(), labels=stored, plain=True, classes=())
    labels, said = usable_labels(CLASSES, frame, reduce_labels=True)
    assert labels.tolist() == [[255, 0, 3, 255]]
    assert "read by the model's rule: 0 is void" in said
    for given, reduces in ((frame, False), (replace(frame, plain=False), True)):
        labels, said = usable_labels(CLASSES, given, reduce_labels=reduces)
        assert labels is stored
        assert said == ""


def test_the_engine_says_so_and_compares_with_the_clean_prediction():
    frame = replace(picture(), classes=("a", "b"))
    found = events(engine(), run(frame=frame))
    (clean,) = of(Clean, found)
    assert not clean.labelled
    assert "they name 2 classes" in clean.warning
    np.testing.assert_array_equal(clean.a.reference, clean.a.prediction)
    assert of(Step, found)[-1].answer


def test_the_answer_keeps_the_weights_of_the_last_step():
    made, request = engine(), run(b="two", transfer=False, options={"steps": 2})
    before = of(Step, events(made, replace(request, pause_at=1)))[-1]
    last = of(Step, events(made, replace(request, rev=2, resume=True)))[-1]
    assert (before.number, last.number) == (1, 2)
    for side in ("a", "b"):
        np.testing.assert_array_equal(getattr(last, side).weights, getattr(before, side).weights)
        assert getattr(last, side).weights.max() == 255


def test_an_export_replays_although_labels_were_not_used(tmp_path):
    frame = replace(picture(), classes=("a", "b"))
    request = run(frame=frame)
    found = events(engine(), request)
    shown = DisplayState(frame, of(Clean, found)[0], of(Step, found)[-1])
    saved = reproduction(Exported(shown, request, State()))
    assert saved.labels is None
    again = reproduce(saved, load=lambda spec: MODELS[spec]())
    assert again["A adversarial"].miou == shown.attacked_a.scores.miou
