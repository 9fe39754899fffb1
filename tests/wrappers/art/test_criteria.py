import numpy as np
import pytest

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import AccuracyBelow, NegativeLoss


def test_an_image_counts_as_fooled_below_the_threshold():
    labels = np.zeros((3, 1, 4), np.int64)
    labels[1, 0, 2:] = 255
    scores = np.zeros((3, 2, 1, 4), np.float32)
    scores[:, 1, 0, :2] = 1  # the first two pixels are wrong
    assert AccuracyBelow(0.6)(scores, labels).tolist() == [True, True, True]
    assert AccuracyBelow(0.5)(scores, labels).tolist() == [False, True, False]


def test_an_image_that_is_all_void_is_not_fooled():
    void = np.full((1, 2, 2), 255)
    assert not AccuracyBelow(1.0)(np.zeros((1, 3, 2, 2)), void).any()


def test_void_may_be_one_of_the_classes():
    labels = np.array([[[0, 0, 1, 1]]])
    scores = np.zeros((1, 2, 1, 4))
    scores[:, 0] = 1  # right on the void pixels only
    assert AccuracyBelow(0.5, ignore_index=0)(scores, labels).all()


def test_logits_are_taken_for_labels(problem):
    """SquareAttack hands over the prediction where it got no labels."""
    scores = problem.estimator.predict(problem.x)
    assert not AccuracyBelow(1.0)(scores, scores).any()
    assert AccuracyBelow(0.5)(-scores, scores).all()


@pytest.mark.parametrize("threshold", [0, 1.5, float("nan")])
def test_a_threshold_that_is_no_share(threshold):
    with pytest.raises(InputError, match="threshold is"):
        AccuracyBelow(threshold)


def test_negative_loss(problem):
    loss = NegativeLoss(problem.estimator)(problem.x, problem.y)
    assert np.array_equal(loss, -problem.estimator.compute_loss(problem.x, problem.y))


def test_labels_with_an_axis_of_size_1_are_no_one_hot_labels(problem):
    """An arg max over that axis would make every label class 0."""
    scores, labels = problem.estimator.predict(problem.x), problem.y[:, None]
    for threshold in (0.1, 0.9):
        criterion = AccuracyBelow(threshold)
        assert np.array_equal(criterion(scores, labels), criterion(scores, problem.y))
    predicted = problem.estimator.predict(problem.x, output="labels")
    assert not AccuracyBelow(1.0)(scores, predicted[:, None]).any()


def test_labels_that_do_not_fit_are_refused(problem):
    with pytest.raises(InputError, match="the labels have shape"):
        AccuracyBelow()(problem.estimator.predict(problem.x), problem.y[:, :5])
