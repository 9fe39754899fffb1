from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from training.toy import Toy, options

from art_segplugin.training.batches import BatchMaker, SampleCache


def _maker(data=None, **changes):
    return BatchMaker(SampleCache(data or Toy(), 2**20), options(**changes))


def _equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_batch_depends_on_seed_and_step_alone():
    maker = _maker()
    late = maker.batch(7)
    maker.batch(0)
    assert _equal(late, maker.batch(7))
    assert _equal(late, _maker().batch(7))
    assert not _equal(late, _maker().batch(8))
    assert not _equal(late, _maker(seed=1).batch(7))


def test_shapes_and_crop():
    images, labels = _maker(crop=(8, 10)).batch(0)
    assert images.shape == (2, 3, 8, 10)
    assert labels.shape == (2, 8, 10)
    assert _maker().batch(0)[1].shape == (2, 12, 16)


def test_every_epoch_shows_every_sample_once_in_another_order():
    data = Toy(6)
    maker = BatchMaker(SampleCache(data, 0), options(crop=(8, 8)))
    for step in range(9):
        maker.batch(step)
    epochs = [data.made[start : start + 6] for start in (0, 6, 12)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(6))] * 3
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_size_of_the_first_sample_is_read_once():
    data = Toy(6)
    maker = BatchMaker(SampleCache(data, 0), options())
    for step in range(3):
        maker.batch(step)
    assert len(data.made) == 1 + 6


@pytest.mark.parametrize("workers", [0, 1, 5])
def test_prepared_ahead_they_are_the_same(workers):
    maker = _maker(workers=workers)
    with ThreadPoolExecutor(1) as executor:
        batches = list(maker.batches(9, executor))
    assert len(batches) == 3
    assert all(_equal(batch, maker.batch(step)) for step, batch in enumerate(batches, start=9))


def test_a_batch_is_kept_for_its_repeats():
    data = Toy(6)
    maker = BatchMaker(SampleCache(data, 0), options(crop=(8, 8)), repeats=3)
    once = _maker(crop=(8, 8))
    for step in range(9):
        assert _equal(maker.batch(step), once.batch(step // 3))
    assert len(data.made) == 6  # and made once


@pytest.mark.parametrize("repeats", [1, 2])
def test_processes_share_the_batch_of_one(repeats):
    one = BatchMaker(SampleCache(Toy(), 2**20), options(batch_size=6), repeats=repeats)
    many = [
        BatchMaker(
            SampleCache(Toy(), 2**20), options(batch_size=2), repeats=repeats, rank=rank, world=3
        )
        for rank in range(3)
    ]
    assert [list(maker.places) for maker in many] == [[0, 1], [2, 3], [4, 5]]
    for step in range(4):
        parts = [maker.batch(step) for maker in many]
        whole = tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
        assert _equal(one.batch(step), whole)
