import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from sklearn.metrics import confusion_matrix

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    ClassCounts,
    ConfusionMatrix,
    iou_per_class,
    mean_iou,
    mis_ratio,
    pixel_accuracy,
)


def maps(seed, classes=4):
    generator = torch.Generator().manual_seed(seed)
    prediction = torch.randint(0, classes, (3, 5, 6), generator=generator)
    labels = torch.randint(0, classes, (3, 5, 6), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return prediction, labels


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_counts_equal_scikit_learn_and_add_up(seed):
    prediction, labels = maps(seed)
    whole = ConfusionMatrix(4)
    whole.update(prediction, labels)
    parts = ConfusionMatrix(4)
    for i in range(3):
        part = ConfusionMatrix(4)
        part.update(prediction[i : i + 1], labels[i : i + 1])
        parts = parts + part
    valid = labels != 255
    expected = confusion_matrix(labels[valid], prediction[valid], labels=range(4))
    assert torch.equal(whole.counts, torch.from_numpy(expected))
    assert torch.equal(whole.counts, parts.counts)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_scores_are_their_definitions(seed):
    prediction, labels = maps(seed)
    labels[labels == 3] = 255
    prediction[prediction == 3] = 0  # class 3 is absent
    matrix = ConfusionMatrix(4)
    matrix.update(prediction, labels)
    valid = labels != 255
    ious = []
    for c in range(3):
        truth, guess = (labels == c) & valid, (prediction == c) & valid
        ious.append(float((truth & guess).sum() / (truth | guess).sum()))
    measured = iou_per_class(matrix.counts)
    torch.testing.assert_close(
        measured[:3], torch.tensor(ious, dtype=torch.float64), atol=1e-6, rtol=0
    )
    assert measured[3].isnan()
    assert mean_iou(matrix.counts) == pytest.approx(sum(ious) / 3, abs=1e-6)
    right = float((prediction == labels)[valid].double().mean())
    assert pixel_accuracy(matrix.counts) == pytest.approx(right, abs=1e-6)
    assert mis_ratio(matrix.counts) == pytest.approx(1 - right, abs=1e-6)


def test_mean_iou_equals_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional")
    prediction, labels = maps(0)
    matrix = ConfusionMatrix(4)
    matrix.update(prediction, labels)
    expected = functional.jaccard_index(
        prediction, labels, task="multiclass", num_classes=4, ignore_index=255
    )
    assert mean_iou(matrix.counts) == pytest.approx(float(expected), abs=1e-6)


def test_8_bit_labels_do_not_wrap_a_negative_void():
    labels = torch.full((1, 2, 2), 156, dtype=torch.uint8)  # -100 modulo 256
    matrix = ConfusionMatrix(200, ignore_index=-100)
    matrix.update(labels, labels)
    assert matrix.counts[156, 156] == 4
    assert ClassCounts.of(torch.zeros(1, 200, 2, 2), labels, -100).confusion[156, 0] == 4


def test_bad_classes_are_named():
    matrix = ConfusionMatrix(3)
    good = torch.zeros(1, 2, 2, dtype=torch.int64)
    with pytest.raises(InputError, match="label 7 is outside the classes 0 to 2"):
        matrix.update(good, good + 7)
    with pytest.raises(InputError, match="prediction -1"):
        matrix.update(good - 1, good)
    with pytest.raises(InputError, match="differ in shape"):
        matrix.update(good, good[:, :1])
    with pytest.raises(InputError, match="cannot add"):
        matrix + ConfusionMatrix(4)
