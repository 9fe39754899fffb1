import numpy as np
import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.labels import image_labels, label_map

IMAGES = torch.zeros(2, 3, 4, 5)
LABELS = np.random.default_rng(0).integers(0, 3, (2, 4, 5))


def reduced(y):
    return label_map(y, IMAGES, nb_classes=3, ignore_index=255)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.float32])
@pytest.mark.parametrize("channel", [False, True])
def test_class_indices_of_any_type_keep_void(dtype, channel):
    y = LABELS.copy()
    y[:, 0] = 255
    given = y.astype(dtype)
    result = reduced(given[:, None] if channel else given)
    assert result.dtype == torch.int64
    assert np.array_equal(result.numpy(), y)


def test_one_hot_labels_and_logits_are_reduced():
    one_hot = np.eye(3, dtype=np.float32)[LABELS].transpose(0, 3, 1, 2)
    assert np.array_equal(reduced(one_hot), LABELS)
    assert np.array_equal(reduced(torch.from_numpy(one_hot * 7 - 2)), LABELS)


def test_a_size_1_axis_is_no_class_axis():
    """An arg max over it would make every label 0, without an error."""
    assert np.array_equal(reduced(LABELS[:, None]), LABELS)


def test_read_only_and_reversed_arrays_are_taken():
    y = LABELS[:, ::-1]
    y.flags.writeable = False
    assert np.array_equal(reduced(y), LABELS[:, ::-1])


@pytest.mark.parametrize("shape", [(2, 4, 6), (1, 4, 5), (2, 5, 4, 5), (2,), (2, 4, 5, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="labels have shape"):
        reduced(np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("value", [3, 254, -1])
def test_labels_that_are_no_classes_are_named(value):
    y = LABELS.copy()
    y[1, 2, 3] = value
    with pytest.raises(InputError, match=f"labels hold {value}; expected 0 to 2, or 255"):
        reduced(y)


def test_fractions_are_refused():
    with pytest.raises(InputError, match="no whole numbers"):
        reduced(LABELS + 0.5)


THREE_IMAGES = torch.zeros(3, 1, 5, 6)


@pytest.mark.parametrize("as_data", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize(
    "y",
    [
        [1, 0, 3],
        [[1], [0], [3]],
        [1.0, 0.0, 3.0],
        [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]],
        [[0.1, 0.5, 0.4, 0.0], [0.4, 0.2, 0.2, 0.2], [-9.0, -8.0, -7.0, -6.0]],
    ],
    ids=["(n,)", "(n, 1)", "floats", "one-hot", "scores"],
)
def test_labels_of_images(y, as_data):
    labels = image_labels(as_data(y), THREE_IMAGES, nb_classes=4)
    assert labels.dtype == torch.int64
    assert labels.tolist() == [[[1]], [[0]], [[3]]]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((3, 5, 6), int), r"shape \(3, 5, 6\); give class indices \(3,\), or .* \(3, 4\)"),
        (np.zeros((3, 5)), r"shape \(3, 5\)"),
        (np.zeros(2, int), r"shape \(2,\)"),
        (np.array([0, 4, 1]), "labels hold 4; expected 0 to 3"),
        (np.array([0, 255, 1]), "labels hold 255"),
        (np.array([0, -1, 1]), "labels hold -1"),
        (np.array([0, 1.5, 1]), "no whole numbers"),
        (np.array([0, np.nan, 1]), "no whole numbers"),
    ],
)
def test_labels_of_images_that_do_not_fit(y, words):
    with pytest.raises(InputError, match=words):
        image_labels(y, THREE_IMAGES, nb_classes=4)
