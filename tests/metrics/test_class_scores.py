import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from metrics.batches import batch, batches, counts, nan_equal, pixels
from sklearn.metrics import jaccard_score, recall_score

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    ClassCounts,
    accuracy,
    class_accuracy,
    class_iou,
    image_mean_iou,
    iou_per_class,
    mean_iou,
    mean_iou_of,
    pixel_accuracy,
    totals_of,
    worst_class_accuracy,
)

SCORES = [class_accuracy, class_iou, accuracy, mean_iou_of, worst_class_accuracy]


def mean(values):
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def by_loops(logits, labels):
    """Class accuracies, IoUs and pixel accuracy by sets of pixels."""
    found = list(pixels(logits, labels))
    accuracies, ious = [], []
    for c in range(logits.shape[1]):
        true = {p for p in found if p[1] == c}
        predicted = {p for p in found if p[2] == c}
        accuracies.append(len(true & predicted) / len(true) if true else math.nan)
        union = true | predicted
        ious.append(len(true & predicted) / len(union) if union else math.nan)
    right = sum(p[1] == p[2] for p in found) / len(found) if found else math.nan
    return accuracies, ious, right


@settings(max_examples=60, deadline=None)
@given(batches())
def test_scores_are_their_definitions(given_batch):
    logits, labels = given_batch
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ClassCounts.of(logits, labels)
        accuracies, ious, right = by_loops(logits, labels)
        assert nan_equal(
            class_accuracy(found.totals), torch.tensor(accuracies, dtype=torch.float64)
        )
        assert nan_equal(class_iou(found.totals), torch.tensor(ious, dtype=torch.float64))
        assert float(accuracy(found.totals)) == pytest.approx(right, nan_ok=True)
        assert float(mean_iou_of(found.totals)) == pytest.approx(mean(ious), nan_ok=True)
        known = [value for value in accuracies if not math.isnan(value)]
        assert float(worst_class_accuracy(found.totals)) == pytest.approx(
            min(known, default=math.nan), nan_ok=True
        )
        each = [mean(by_loops(z[None], y[None])[1]) for z, y in zip(logits, labels, strict=True)]
        assert image_mean_iou(found.images) == pytest.approx(mean(each), nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(batches())
def test_scores_of_a_confusion_matrix_are_the_same(given_batch):
    found = ClassCounts.of(*given_batch)
    assert torch.equal(totals_of(found.confusion), found.totals)
    assert nan_equal(iou_per_class(found.confusion), class_iou(found.totals))
    assert mean_iou(found.confusion) == pytest.approx(mean_iou_of(found.totals), nan_ok=True)
    assert pixel_accuracy(found.confusion) == pytest.approx(accuracy(found.totals), nan_ok=True)


def test_scores_equal_scikit_learn():
    logits, labels = batch(11, classes=5)
    found, valid = ClassCounts.of(logits, labels), labels != 255
    truth, guess = labels[valid].numpy(), logits.argmax(1)[valid].numpy()
    options = {"labels": range(5), "average": None, "zero_division": math.nan}
    recall = torch.from_numpy(recall_score(truth, guess, **options))
    assert recall.isnan().tolist() == [False, True, False, False, False]
    assert nan_equal(class_accuracy(found.totals), recall)
    options["zero_division"] = 0  # class 1 is predicted only, so nothing is divided by 0
    assert nan_equal(
        class_iou(found.totals), torch.from_numpy(jaccard_score(truth, guess, **options))
    )


def test_scores_equal_torchmetrics():
    classification = pytest.importorskip("torchmetrics.classification")
    segmentation = pytest.importorskip("torchmetrics.segmentation")
    logits, labels = batch(12, classes=5)
    found, guess = ClassCounts.of(logits, labels), logits.argmax(1)
    pooled = classification.MulticlassJaccardIndex(5, average="none", ignore_index=255)
    assert torch.allclose(class_iou(found.totals).float(), pooled(guess, labels))
    # torchmetrics knows no void pixels here, and leaves absent classes out as we do.
    labels[labels == 255] = 0
    of_images = segmentation.MeanIoU(5, input_format="index")
    expected = [float(of_images(guess[i : i + 1], labels[i : i + 1])) for i in range(len(labels))]
    found = ClassCounts.of(logits, labels)
    torch.testing.assert_close(mean_iou_of(found.images), torch.tensor(expected).double())
    assert image_mean_iou(found.images) == pytest.approx(mean(expected))


def test_absent_classes_void_images_and_predicted_only():
    #                       hits        true       predicted
    image = torch.tensor([[2, 0, 0], [4, 0, 0], [2, 2, 0]])
    assert class_accuracy(image).tolist() == pytest.approx([0.5, math.nan, math.nan], nan_ok=True)
    assert class_iou(image).tolist() == pytest.approx([0.5, 0.0, math.nan], nan_ok=True)
    assert float(mean_iou_of(image)) == 0.25
    assert float(worst_class_accuracy(image)) == 0.5
    void = torch.zeros_like(image)
    for score in SCORES:
        assert score(void).isnan().all()
        assert score(image.unsqueeze(0)[:0].sum(0)).isnan().all()
    assert image_mean_iou(torch.stack([image, void])) == 0.25
    assert math.isnan(image_mean_iou(torch.stack([void, void])))
    assert math.isnan(image_mean_iou(torch.stack([void])[:0]))


@pytest.mark.parametrize("score", SCORES)
def test_leading_dimensions_are_scored_one_by_one(score):
    images = torch.stack([counts(seed).images for seed in range(3)])  # (3, n, 3, c)
    whole = score(images)
    assert whole.dtype == torch.float64
    for i in range(3):
        for j in range(images.shape[1]):
            assert nan_equal(whole[i, j], score(images[i, j]))
    assert nan_equal(whole, score(images.double()))


def test_counts_beyond_float32_are_divided_exactly():
    large = 2**40
    image = torch.tensor([[large - 1], [large], [large]])
    assert float(class_accuracy(image)) == (large - 1) / large != 1
    assert float(accuracy(image)) == (large - 1) / large


def test_bad_shapes_are_named():
    for score in [*SCORES, image_mean_iou]:
        for shape in ((4,), (2, 4), (3, 0)):
            with pytest.raises(InputError, match="totals have shape"):
                score(torch.ones(shape, dtype=torch.int64))
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        totals_of(torch.ones(2, 3))
