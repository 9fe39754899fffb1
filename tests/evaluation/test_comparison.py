import math

import pytest
import torch

from art_segplugin.evaluation.diagnosis import compare, compare_models, gain_over, select


def images(*right, pixels=100):
    """Two classes of `pixels` pixels in each image; `right` is the share that is right in both."""
    hits = torch.tensor([[round(share * pixels)] * 2 for share in right])
    true = torch.full_like(hits, pixels)
    return torch.stack([hits, true, hits + (true - hits).flip(1)], 1)


def test_differences_are_those_of_the_pooled_scores():
    before, after = images(0.8, 0.6, 0.4), images(0.6, 0.5, 0.4)
    found = compare(before, after, samples=200)
    assert found.images == 3
    assert found.accuracy.estimate == pytest.approx(0.5 - 0.6)
    assert found.worst_class_accuracy.estimate == pytest.approx(0.5 - 0.6)
    assert found.mean_iou.estimate == pytest.approx(0.5 / 1.5 - 0.6 / 1.4)
    assert -0.201 < found.accuracy.low < -0.1 < found.accuracy.high <= 0


def test_the_choice_is_made_on_the_first_half_and_judged_on_the_second():
    baseline = images(0.5, 0.5, 0.5, 0.5)
    lucky = images(0.1, 0.1, 0.9, 0.9)  # strongest on the first half only
    steady = images(0.3, 0.3, 0.3, 0.3)
    found = select([baseline, steady, lucky], samples=50)
    assert found.attack == 3  # counted with the clean result
    assert found.chosen_on == 2
    assert found.comparison.images == 2
    assert found.comparison.accuracy.estimate == pytest.approx(0.4)


def test_of_an_odd_number_of_images_the_middle_one_judges():
    others = images(0.2, 0.4, 0.4), images(0.3, 0.4, 0.4)
    found = select([images(0.5, 0.5, 0.5), *others], samples=50)
    assert (found.chosen_on, found.comparison.images) == (1, 2)


def test_nothing_to_choose_from():
    assert select([images(0.5, 0.5)]) is None
    assert select([images(0.5, 0.5), images(0.4, 0.4)]) is None  # one other attack is no choice
    assert select([images(0.5), images(0.4), images(0.3)]) is None


def by_class(*shares):
    """Per image the shares of 100 pixels of each class that are right."""
    hits = torch.tensor([[round(100 * share) for share in image] for image in shares])
    true = torch.full_like(hits, 100)
    return torch.stack([hits, true, true], 1)


def test_the_class_that_fell_first_is_not_judged_where_it_was_found():
    # Class 0 is worst on the first half, class 1 on all images.
    before = by_class((0.2, 0.4, 0.9), (0.2, 0.4, 0.9), (0.9, 0.1, 0.9), (0.9, 0.1, 0.9))
    after = by_class((0.9, 0.4, 0.9), (0.9, 0.4, 0.9), (0.8, 0.3, 0.9), (0.8, 0.3, 0.9))
    found = compare_models(1, 2, before, after, samples=50)
    assert (found.model, found.attack, found.fell_first) == (1, 2, 0)
    assert found.of_fell_first.estimate == pytest.approx(-0.1)
    assert found.of_others == pytest.approx((0.2 + 0.0) / 2)
    assert found.class_accuracy[0].estimate == pytest.approx(0.3)  # of all images


def test_no_class_fell_first_where_none_can_be_judged():
    one = by_class((0.2, 0.4))
    assert compare_models(1, 0, one, one, samples=20).fell_first is None
    apart = torch.tensor([[[1, 0], [2, 0], [2, 0]], [[0, 1], [0, 2], [0, 2]]])
    found = compare_models(1, 0, apart, apart, samples=20)
    assert found.fell_first is found.of_fell_first is None
    assert math.isnan(found.of_others)


def test_gain_of_the_weakest_third():
    weak = torch.tensor([0.2, 0.9, 0.5, math.nan, 0.8, 0.6, 0.7])
    strong = torch.tensor([0.1, 0.9, 0.2, math.nan, 0.8, 0.6, 0.5])
    found = gain_over(weak, strong)
    assert found.weakest == [0, 2]  # a third of the six classes that occur
    assert found.share == pytest.approx((0.1 + 0.3) / (0.1 + 0.3 + 0.2))
    assert found.expected == pytest.approx(1 / 3)
    assert found.classes[:3] == pytest.approx([0.1, 0.0, 0.3])
    assert math.isnan(found.classes[3])
