import pytest
import torch
from training.toy import Toy

from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.training.batches import SampleCache


def test_makes_each_sample_once():
    data = Toy()
    cache = SampleCache(data, limit=2**20)
    first, again = cache[3], cache[3]
    assert data.made == [3]
    assert first is again
    assert (first.image / 255 - Toy()[3].image).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(first.labels.long(), Toy()[3].labels)


def test_keeps_no_more_than_the_limit():
    data = Toy()
    size = 12 * 16 * (3 + 2)
    cache = SampleCache(data, limit=2 * size)
    for _ in range(2):
        for index in range(3):
            cache[index]
    assert data.made == [0, 1, 2, 2]


def test_one_labelled_sample_is_enough():
    data = Toy()
    cache = SampleCache(data, limit=2**20)
    cache.check_labelled()
    assert data.made == [0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "sample 'x' has no labels"),
        (torch.full((12, 16), 3), "sample 'x' hold 3; expected 0 to 2, or 255"),
        (torch.full((12, 16), -1), "hold -1"),
        (torch.full((12, 16), 70000), "hold 70000"),
    ],
)
def test_refuses_labels_no_training_can_use(labels, message):
    class Odd(Toy):
        def __getitem__(self, index):
            return Sample("x", torch.rand(3, 12, 16), labels)

    with pytest.raises(InputError, match=message):
        SampleCache(Odd(), limit=0)[0]
