from collections import Counter

import pytest
import torch
from sklearn.datasets import load_digits

from art_segplugin.data.digits import Digits
from art_segplugin.errors import InputError


def test_images_are_those_of_scikit_learn():
    data, found = Digits("val"), load_digits()
    for index in (0, 7, len(data) - 1):
        digit, position = data.positions[index]
        sample = data[index]
        assert sample.name == f"{digit}-{position:04d}"
        assert sample.labels.tolist() == [[found.target[position]]]
        grey = torch.tensor(found.images[position] / 16, dtype=torch.float32)
        enlarged = grey.repeat_interleave(4, 0).repeat_interleave(4, 1)
        torch.testing.assert_close(
            sample.image, enlarged.expand(3, 32, 32), rtol=0, atol=0.5001 / 255
        )
        assert torch.equal((sample.image * 255).round() / 255, sample.image)


def test_splits_are_disjoint_complete_and_in_the_order_of_the_file():
    parts = [Digits(split) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [1253, 180, 364]
    assert sorted(p for part in parts for _, p in part.positions) == list(range(1797))
    for digit in range(10):
        of_class = [p for part in parts for d, p in part.positions if d == digit]
        assert of_class == sorted(of_class)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_first_images_are_balanced(split):
    data = Digits(split)
    assert Counter(digit for digit, _ in data.positions[:100]) == dict.fromkeys(range(10), 10)
    assert data.palette.classes == tuple("0123456789")


def test_scale():
    assert Digits(scale=0.25)[0].image.shape == (3, 8, 8)


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="split is 'all'"):
        Digits("all")
    with pytest.raises(InputError, match="scale is -1"):
        Digits(scale=-1)
    with pytest.raises(IndexError):
        Digits()[1253]
