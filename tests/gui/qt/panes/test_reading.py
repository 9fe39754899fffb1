import numpy as np

from art_segplugin_gui.qt.panes.reading import Sides, reading

NAMES = ("road", "car", "sky")


def test_truth_clean_and_adversarial(clean, adv):
    text = reading(45, 15, Sides(clean, adv), NAMES)
    assert text == "(45, 15)  truth car | clean car .80 | adv road .80"


def test_both_models(clean, adv):
    text = reading(45, 15, Sides(clean, adv, clean, adv), NAMES)
    assert text == (
        "(45, 15)  truth car | A clean car .80 | A adv road .80 | B clean car .80 | B adv road .80"
    )


def test_without_labels_it_is_a_reference(clean, adv):
    text = reading(45, 15, Sides(clean, adv, labelled=False), NAMES)
    assert text.startswith("(45, 15)  reference car |")


def test_void_and_unknown_confidence(side_of):
    prediction, labels = np.full((4, 4), 7, np.uint8), np.full((4, 4), 255, np.uint8)
    side = side_of(prediction, labels, confidence=None)
    assert reading(1, 2, Sides(side), NAMES) == "(1, 2)  truth void | clean class 7 —"


def test_full_and_no_confidence(side_of):
    labels = np.zeros((1, 2), np.uint8)
    side = side_of(labels, labels, confidence=np.array([[255, 0]], np.uint8))
    assert reading(0, 0, Sides(side), NAMES).endswith("road 1.00")
    assert reading(1, 0, Sides(side), NAMES).endswith("road .00")


def test_outside_and_before_anything_is_known(clean):
    assert reading(60, 0, Sides(clean), NAMES) == "(60, 0)"
    assert reading(-1, 0, Sides(clean), NAMES) == "(-1, 0)"
    assert reading(3, 4, Sides(), NAMES) == "(3, 4)"
