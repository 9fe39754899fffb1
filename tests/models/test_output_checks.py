import warnings

import pytest
import torch
import torch.nn.functional as F

from art_segplugin.models.outputs import check_outputs, no_predictions


def cosines(classes=10, count=4, size=(3, 3)):
    """Cosines of features that point roughly to the class of the label, and the labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, classes, (count, *size), generator=generator)
    features = 0.3 * torch.rand(count, classes, *size, generator=generator)
    features.scatter_(1, labels[:, None], 1.0)
    return F.normalize(features, dim=1), labels


def said(logits, labels):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_outputs(logits, labels)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("size", [(3, 3), (1, 1)])
def test_cosines_are_warned_of_even_if_all_are_right(size):
    logits, labels = cosines(size=size)
    assert (logits.argmax(1) == labels).all()
    (message,) = said(logits, labels)
    assert "looks like cosines" in message


def test_what_is_no_cosine_is_not_warned_of():
    logits, labels = cosines()
    assert said(15 * logits, labels) == []
    assert said(logits, (labels + 1) % 10) == []  # not trained
    assert said(logits, None) == []
    assert said(logits, torch.full_like(labels, 255)) == []


def test_void_pixels_do_not_count():
    logits, labels = cosines()
    labels[:, 0] = 255
    assert len(said(logits, labels)) == 1


def test_labels_that_may_be_predictions_are_no_truth():
    logits, labels = cosines()
    assert no_predictions(logits, None) is None
    assert no_predictions(logits, labels) is None
    assert no_predictions(logits, labels[:, :1]) is None
    labels[0, 0, 0] = (labels[0, 0, 0] + 1) % 10
    assert no_predictions(logits, labels) is labels
