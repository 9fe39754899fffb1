"""The worst case over attacks, against trying every choice."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    chosen,
    count,
    lowest_accuracy,
    lowest_mean_iou,
    mean_iou,
    mean_iou_of,
    totals_of,
)


def confusions(answers, images, classes, seed, pixels=40):
    """Counts of `answers` predictions for each image; the true pixels of an image stay the same."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (images, pixels), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
    found = []
    for _ in range(answers):
        random = torch.randint(0, classes, labels.shape, generator=generator)
        hit = torch.rand(labels.shape, generator=generator) < torch.rand((), generator=generator)
        predicted = torch.where(hit & (labels != 255), labels, random)
        found.append([count(p, t, classes) for p, t in zip(predicted, labels, strict=True)])
    return torch.stack([torch.stack(one) for one in found])


def brute_force(matrices):
    """The lowest mIoU and the lowest accuracy that any choice of answers leaves."""
    answers, images = matrices.shape[:2]
    pools = [
        sum(matrices[k, i] for i, k in enumerate(choice))
        for choice in itertools.product(range(answers), repeat=images)
    ]
    return min(mean_iou(pool) for pool in pools), min(
        float(pool.trace() / pool.sum()) for pool in pools
    )


def miou(totals, choice):
    return float(mean_iou_of(chosen(totals, choice).sum(0)))


small = {
    "answers": st.integers(1, 4),
    "images": st.integers(1, 4),
    "classes": st.integers(2, 5),
    "seed": st.integers(0, 10**6),
}


@settings(deadline=None, max_examples=60)
@given(**small)
def test_equals_trying_every_choice(answers, images, classes, seed):
    matrices = confusions(answers, images, classes, seed)
    totals = totals_of(matrices)
    lowest, least_accurate = brute_force(matrices)
    assert miou(totals, lowest_mean_iou(totals)) == pytest.approx(lowest, abs=1e-12)
    kept = chosen(totals, lowest_accuracy(totals)).sum(0)
    assert float(kept[0].sum() / kept[1].sum()) == pytest.approx(least_accurate, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), images=st.integers(1, 30), exact=st.sampled_from([0, 4096]))
def test_never_above_a_single_attack_and_no_single_change_lowers_it(seed, images, exact):
    totals = totals_of(confusions(4, images, 5, seed))
    choice = lowest_mean_iou(totals, most_combinations=exact)
    value = miou(totals, choice)
    singles = mean_iou_of(totals.sum(1))
    assert value <= float(singles.min()) + 1e-12
    assert value <= miou(totals, lowest_accuracy(totals)) + 1e-12
    for image, answer in itertools.product(range(images), range(4)):
        other = choice.clone()
        other[image] = answer
        assert miou(totals, other) >= value - 1e-12


def test_the_greedy_choice_alone_is_mostly_the_lowest_there_is():
    """What larger sets get. Where one image at a time is not enough, it stays close."""
    gaps = []
    for seed in range(25):
        matrices = confusions(3, 4, 4, seed)
        totals = totals_of(matrices)
        greedy = miou(totals, lowest_mean_iou(totals, most_combinations=0))
        gaps.append(greedy - brute_force(matrices)[0])
    assert min(gaps) >= -1e-12
    assert sum(gap < 1e-12 for gap in gaps) >= 23
    assert max(gaps) < 0.01


def test_an_answer_that_is_worse_than_the_one_before_does_not_replace_it():
    """Of three answers the second is the lowest; the third is still lower than the first.

    Code that compares each with the first, and renews that value only after all of them, ends at
    the third.
    """
    right = torch.tensor([[10, 8, 0], [10, 2, 0], [10, 5, 0]])
    matrices = torch.stack([torch.tensor([[r[0], 0], [10 - r[1], r[1]]]) for r in right])
    totals = totals_of(matrices).unsqueeze(1)
    for exact in (0, 4096):
        assert lowest_mean_iou(totals, most_combinations=exact).tolist() == [1]
    assert lowest_accuracy(totals).tolist() == [1]


def test_the_two_worst_cases_can_be_different_answers():
    """Losing a rare class costs mIoU, losing pixels of a common one costs accuracy."""
    loses_rare = torch.tensor([[90, 0], [10, 0]])
    loses_common = torch.tensor([[60, 30], [0, 10]])
    totals = totals_of(torch.stack([loses_rare, loses_common])).unsqueeze(1)
    assert lowest_accuracy(totals).tolist() == [1]
    assert lowest_mean_iou(totals).tolist() == [int(mean_iou(loses_rare) > mean_iou(loses_common))]
    assert mean_iou(loses_rare) == 0.45
    assert mean_iou(loses_common) == pytest.approx((60 / 90 + 10 / 40) / 2)
    both = torch.stack([totals, totals_of(torch.stack([loses_common, loses_rare])).unsqueeze(1)])
    assert lowest_accuracy(both.squeeze(2)).tolist() == [1, 0]


def test_images_of_void_pixels_alone_choose_nothing():
    nothing = torch.zeros(3, 2, 3, 4, dtype=torch.int64)
    assert lowest_accuracy(nothing).tolist() == lowest_mean_iou(nothing).tolist() == [0, 0]
    assert math.isnan(miou(nothing, lowest_mean_iou(nothing)))
    totals = totals_of(confusions(3, 2, 4, 0))
    with_void = torch.cat([totals, nothing[:, :1]], 1)
    for choose in (lowest_accuracy, lowest_mean_iou):
        assert choose(with_void).tolist() == [*choose(totals).tolist(), 0]


def test_no_image_at_all():
    assert lowest_mean_iou(torch.zeros(2, 0, 3, 4, dtype=torch.int64)).tolist() == []
    assert lowest_accuracy(torch.zeros(2, 0, 3, 4, dtype=torch.int64)).tolist() == []


def test_the_choice_is_the_same_every_time():
    totals = totals_of(confusions(5, 40, 6, 3))
    first, again = (lowest_mean_iou(totals, seed=7) for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (torch.zeros(2, 3, 4, dtype=torch.int64), "have shape (2, 3, 4)"),
        (torch.zeros(0, 1, 3, 4, dtype=torch.int64), "have shape (0, 1, 3, 4)"),
        (torch.zeros(1, 1, 3, 4), "are torch.float32; give counts of pixels"),
    ],
)
def test_other_totals_are_named(totals, words):
    for choose in (lowest_accuracy, lowest_mean_iou):
        with pytest.raises(InputError) as caught:
            choose(totals)
        assert words in str(caught.value)
