import math
import time
import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from metrics.batches import counts

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    Interval,
    accuracy,
    bootstrap,
    class_accuracy,
    interval,
    mean_iou_of,
    paired_class_differences,
    paired_difference,
    worst_class_accuracy,
)


def images_of(right, pixels=100):
    """One class, `right` of `pixels` pixels right in each image."""
    right = torch.as_tensor(right, dtype=torch.int64)
    true = torch.full_like(right, pixels)
    return torch.stack([right, true, right], 1).unsqueeze(-1)


def uniform(seed, n=200):
    return torch.randint(0, 101, (n,), generator=torch.Generator().manual_seed(seed))


def test_interval_of_a_mean_has_the_standard_error_of_a_mean():
    right = uniform(0)
    found = interval(images_of(right), accuracy, samples=4000)
    shares = right.double() / 100
    error = float(shares.std(correction=0)) / math.sqrt(len(shares))
    assert found.estimate == pytest.approx(float(shares.mean()))
    # 4000 resamples know each end to some 3 % of the standard error.
    assert (found.estimate - found.low) / error == pytest.approx(1.96, abs=0.15)
    assert (found.high - found.estimate) / error == pytest.approx(1.96, abs=0.15)


def test_level_moves_the_ends():
    right = uniform(1)
    error = float(right.double().std(correction=0)) / 100 / math.sqrt(len(right))
    for level in (0.5, 0.8, 0.99):
        found = interval(images_of(right), accuracy, samples=4000, level=level)
        expected = 2 * scipy.stats.norm.ppf((1 + level) / 2) * error
        assert found.high - found.low == pytest.approx(expected, rel=0.12)


def test_ends_equal_those_of_scipy():
    right = uniform(2, n=60)
    ours = interval(images_of(right), accuracy, samples=9000)
    theirs = scipy.stats.bootstrap(
        (right.double().numpy() / 100,),
        np.mean,
        n_resamples=9000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    tolerance = 0.05 * (theirs.high - theirs.low)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    covered = 0
    for seed in range(300):
        found = interval(images_of(uniform(seed, n=50)), accuracy, samples=400, seed=seed)
        covered += found.low <= 0.5 <= found.high
    assert 0.90 <= covered / 300 <= 0.98  # 0.95, less a little for 50 images


def test_few_images_give_too_narrow_intervals():
    """What the module says about them."""
    covered = {5: 0, 10: 0}
    for n in covered:
        for seed in range(400):
            generator = torch.Generator().manual_seed(seed)
            right = (5000 + 1000 * torch.randn(n, generator=generator)).round().long()
            found = interval(images_of(right, 10_000), accuracy, samples=400, seed=seed)
            covered[n] += found.low <= 0.5 <= found.high
    assert 0.77 <= covered[5] / 400 <= 0.88
    assert covered[5] < covered[10] < 0.94 * 400
    alone = interval(images_of([70]), accuracy)
    assert (alone.low, alone.high) == (0.7, 0.7)


def weights_by_loops(n, samples, seed):
    """The multinomial weights that are drawn, by counting."""
    generator = torch.Generator().manual_seed(seed)
    for row in torch.randint(n, (samples, n), generator=generator).tolist():
        yield [row.count(i) for i in range(n)]


@pytest.mark.parametrize("statistic", [accuracy, mean_iou_of, worst_class_accuracy])
def test_interval_is_that_of_a_loop_over_the_resamples(statistic):
    images = torch.cat([counts(seed).images for seed in range(3)])
    scores = []
    for row in weights_by_loops(len(images), 50, seed=7):
        total = sum(image * weight for image, weight in zip(images, row, strict=True))
        scores.append(float(statistic(total)))
    found = interval(images, statistic, samples=50, seed=7, level=0.8)
    assert found.estimate == pytest.approx(float(statistic(images.sum(0))))
    low, high = np.quantile(scores, [0.1, 0.9])
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_difference_is_paired():
    hard = uniform(3).clamp(5, 95)
    change = torch.randint(-4, 3, hard.shape, generator=torch.Generator().manual_seed(4))
    before, after = images_of(hard), images_of(hard + change)
    found = paired_difference(before, after, accuracy, samples=4000)
    error = float(change.double().std(correction=0)) / 100 / math.sqrt(len(hard))
    assert found.estimate == pytest.approx(float(change.double().mean()) / 100)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    # Drawn apart, the images' own spread would drown the change.
    alone = interval(before, accuracy)
    assert alone.high - alone.low > 5 * (found.high - found.low)
    back = paired_difference(after, before, accuracy, samples=4000)
    assert back.estimate == -found.estimate
    assert (back.low, back.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


@pytest.mark.parametrize("statistic", [accuracy, mean_iou_of, worst_class_accuracy])
def test_no_difference_is_exactly_none(statistic):
    images = torch.cat([counts(seed, classes=5).images for seed in range(20)])
    assert paired_difference(images, images.clone(), statistic) == Interval(0.0, 0.0, 0.0)


def test_equal_seeds_give_equal_intervals_and_others_do_not():
    images = torch.cat([counts(seed).images for seed in range(5)])
    state = torch.get_rng_state()
    first = interval(images, mean_iou_of, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    assert interval(images, mean_iou_of, seed=1) == first
    assert interval(images, mean_iou_of, seed=2) != first


def test_chunks_keep_memory_small_and_change_nothing_else(monkeypatch):
    images = torch.cat([counts(seed).images for seed in range(5)])
    whole = interval(images, mean_iou_of, samples=100)
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * len(images))
    sizes = []

    def statistic(totals):
        sizes.append(len(totals))
        return mean_iou_of(totals)

    assert interval(images, statistic, samples=100) == whole
    assert sizes == [1, *[7] * 14, 2]


def test_resamples_without_a_score_are_left_out():
    # Of two images one is void: a quarter of the resamples has no pixels.
    images = torch.cat([images_of([50]), torch.zeros(1, 3, 1, dtype=torch.int64)])
    assert interval(images, accuracy) == Interval(0.5, 0.5, 0.5)
    assert paired_difference(images, images, accuracy) == Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_void_images_and_no_images_have_no_interval(n):
    void = torch.zeros(n, 3, 4, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (interval(void, mean_iou_of), paired_difference(void, void, accuracy)):
            assert math.isnan(found.estimate)
            assert math.isnan(found.low)
            assert math.isnan(found.high)


def test_sums_of_other_numbers_have_an_interval_too():
    values = torch.stack([uniform(5).double(), torch.ones(200)], 1)
    found = interval(values, lambda sums: sums[..., 0] / sums[..., 1])
    assert found.estimate == pytest.approx(float(values[:, 0].mean()))
    assert found.low < found.estimate < found.high


def test_time_is_far_below_a_second():
    images = torch.randint(0, 1000, (2000, 3, 10), generator=torch.Generator().manual_seed(0))
    started = time.process_time()
    found = interval(images, accuracy)
    assert time.process_time() - started < 1
    assert found.low < found.estimate < found.high


def test_bad_input_is_named():
    images = images_of([1, 2, 3])
    for call, message in [
        (lambda: interval(images[:, 0, 0], accuracy), r"shape \(3,\)"),
        (lambda: interval(images, accuracy, samples=0), "samples is 0"),
        (lambda: interval(images, accuracy, samples=1.5), "samples is 1.5"),
        (lambda: interval(images, accuracy, level=1.0), "level is 1.0"),
        (lambda: interval(images, accuracy, level=95), "level is 95"),
        (lambda: interval(images, lambda totals: totals), r"shape \(3, 1\) for one data set"),
        (lambda: interval(images, lambda totals: totals.sum()), "the statistic"),
        (lambda: paired_difference(images, images[1:], accuracy), r"\(3, 3, 1\) and after \(2,"),
        (lambda: paired_difference(images, images, class_accuracy), r"shape \(1,\) for one data"),
        (lambda: paired_class_differences(images, images[1:], class_accuracy), "and after"),
        (
            lambda: paired_class_differences(images, images, accuracy),
            r"shape \(\) for one.*classes\)",
        ),
        (lambda: paired_class_differences(images, images, lambda t: t), r"shape \(3, 1\) for one"),
        (lambda: paired_class_differences(images, images, class_accuracy, 0), "samples is 0"),
        (lambda: paired_class_differences(*[images[:, 0, 0]] * 2, class_accuracy), r"shape \(3,\)"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_class_differences_are_those_of_each_class_alone():
    before, after = (
        torch.cat([images_of(uniform(seed, 20)), images_of(uniform(seed + 1, 20))], 2)
        for seed in (1, 3)
    )
    absent = torch.zeros(20, 3, 1, dtype=torch.int64)
    before, after = torch.cat([before, absent], 2), torch.cat([after, absent], 2)
    found = paired_class_differences(before, after, class_accuracy, samples=200)
    for index in range(2):
        alone = paired_difference(
            before, after, lambda totals, k=index: class_accuracy(totals)[..., k], samples=200
        )
        assert found[index] == alone
    assert math.isnan(found[2].estimate)
    assert math.isnan(found[2].low)


def test_all_classes_share_one_bootstrap():
    images = torch.cat([counts(seed, classes=5).images for seed in range(3)])
    totals = []

    def statistic(drawn):
        totals.append(drawn)
        return class_accuracy(drawn)

    found = paired_class_differences(images, images.roll(1, 0), statistic, samples=50)
    assert len(found) == 5
    assert [len(drawn) for drawn in totals] == [1, 50] * 2  # before, after
