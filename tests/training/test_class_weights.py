import pytest
import torch
from training.toy import Toy

from art_segplugin.data.sample import Sample
from art_segplugin.training.batches import SampleCache
from art_segplugin.training.class_weights import class_weights


class _Fixed(Toy):
    """12 pixels of class 0, 3 of class 1, none of class 2, and void."""

    def __getitem__(self, index):
        labels = torch.tensor([0] * 12 + [1] * 3 + [255] * 5).view(4, 5)
        return Sample("fixed", torch.rand(3, 4, 5), labels)


@pytest.mark.parametrize(("kind", "ratio"), [("sqrt", 2.0), ("median", 4.0)])
def test_rare_classes_weigh_more(kind, ratio):
    weights = class_weights(SampleCache(_Fixed(2), 2**20), kind)
    assert weights[1] / weights[0] == pytest.approx(ratio)
    assert 0.8 * weights[0] + 0.2 * weights[1] == pytest.approx(1)
    assert weights[2] == 1


def test_no_weighting():
    assert class_weights(SampleCache(_Fixed(2), 2**20), "none") is None


class _InTurn(Toy):
    """Images with one label each: classes 0, 1, 2 in turn, and 0 alone where the others are used up."""

    def __getitem__(self, index):
        label = index % 3 if index < 300 else 0
        return Sample("one", torch.zeros(3, 2, 2), torch.full((1, 1), label))


def test_classes_listed_in_turn_are_all_counted():
    weights = class_weights(SampleCache(_InTurn(600), 2**20), "median")
    torch.testing.assert_close(weights / weights[0], torch.tensor([1.0, 4.0, 4.0]))
