import math
import warnings
from dataclasses import astuple

import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics.batches import batches, nan_equal, pixels

from art_segplugin.errors import InputError
from art_segplugin.metrics import (
    ClassCounts,
    class_spread,
    confound_share,
    confounds,
    gain,
    homing,
    homing_rate,
    rank_consistency,
    share_on_weakest,
    weakest,
)

scores = st.lists(
    st.just(math.nan) | st.integers(0, 20).map(lambda v: v / 20), min_size=1, max_size=12
)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@settings(max_examples=80, deadline=None)
@given(scores)
def test_spread_is_its_definition(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = class_spread(tensor(values))
    there = [(value, i) for i, value in enumerate(values) if not math.isnan(value)]
    if not there:
        assert all(math.isnan(value) for value in astuple(found)[:6])
        assert found.worst is None
        assert found.best is None
        return
    known = [value for value, _ in there]
    mean = sum(known) / len(known)
    variance = sum((value - mean) ** 2 for value in known) / len(known)
    assert found.mean == pytest.approx(mean)
    assert found.variance == pytest.approx(variance, abs=1e-15)
    expected = math.sqrt(variance) / mean if mean else math.nan
    assert found.coefficient_of_variation == pytest.approx(expected, abs=1e-7, nan_ok=True)
    assert (found.smallest, found.largest) == (min(known), max(known))
    assert found.gap == max(known) - min(known)
    assert (found.worst, found.best) == (min(there)[1], values.index(max(known)))


@settings(max_examples=80, deadline=None)
@given(batches())
def test_confounds_and_homing_are_those_of_a_loop_over_the_pixels(given_batch):
    logits, labels = given_batch
    wrong = [p for p in pixels(logits, labels) if p[1] != p[2]]
    main, share, back = [], [], []
    for c in range(logits.shape[1]):
        went = [p[2] for p in wrong if p[1] == c]
        if not went:
            main.append(-1)
            share.append(math.nan)
            back.append(math.nan)
            continue
        main.append(max(sorted(set(went)), key=went.count))
        share.append(went.count(main[-1]) / len(went))
        home = [p[3] == c for p in wrong if p[1] == c and p[2] == main[-1]]
        back.append(sum(home) / len(home))
    rate = sum(p[3] == p[1] for p in wrong) / len(wrong) if wrong else math.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ClassCounts.of(logits, labels)
        assert confounds(found.confusion).dtype == torch.int64
        assert confounds(found.confusion).tolist() == main
        assert nan_equal(confound_share(found.confusion), tensor(share))
        assert nan_equal(homing(found), tensor(back))
        assert homing_rate(found) == pytest.approx(rate, nan_ok=True)


def test_two_classes_always_come_home():
    logits = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    found = ClassCounts.of(logits, torch.zeros(2, 5, 5, dtype=torch.int64))
    assert homing_rate(found) == 1
    assert homing(found).tolist() == pytest.approx([1, math.nan], nan_ok=True)
    assert confounds(found.confusion).tolist() == [1, -1]


def test_nothing_is_wrong_or_nothing_is_there():
    empty = ClassCounts.empty(3)
    right = ClassCounts.of(torch.ones(1, 1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64))
    for found in (empty, right):
        assert (confounds(found.confusion) == -1).all()
        assert confound_share(found.confusion).isnan().all()
        assert homing(found).isnan().all()
        assert math.isnan(homing_rate(found))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(*[st.just(math.nan) | st.integers(0, 9)] * 2), min_size=1), st.integers(1, 5)
)
def test_gain_and_its_share_are_their_definitions(rows, k):
    weak, strong = tensor(rows).T / 10
    expected = [(a - b) / 10 for a, b in rows]
    assert nan_equal(gain(weak, strong), tensor(expected))
    there = [i for i, value in enumerate(expected) if not math.isnan(value)]
    chosen = sorted(there, key=lambda i: (rows[i][0], i))[:k]
    total = sum(rows[i][0] - rows[i][1] for i in there)
    share = sum(expected[i] for i in chosen) * 10 / total if total > 0 else math.nan
    assert share_on_weakest(weak, strong, k) == pytest.approx(share, nan_ok=True, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(scores, st.integers(1, 13))
def test_weakest_are_the_first_of_a_stable_sort(values, k):
    there = [i for i, value in enumerate(values) if not math.isnan(value)]
    found = weakest(tensor(values), k)
    assert found.dtype == torch.int64
    assert found.tolist() == sorted(there, key=lambda i: (values[i], i))[:k]


def test_share_by_hand():
    weak, strong = tensor([0.5, 0.2, 0.9, math.nan]), tensor([0.3, 0.0, 0.8, 0.4])
    assert weakest(weak, 2).tolist() == [1, 0]
    assert share_on_weakest(weak, strong, 1) == pytest.approx(0.4)
    assert share_on_weakest(weak, strong, 2) == pytest.approx(0.8)
    assert math.isnan(share_on_weakest(strong, weak, 1))  # it is the weaker attack
    assert math.isnan(share_on_weakest(weak, weak, 1))
    assert math.isnan(share_on_weakest(weak * math.nan, strong, 1))


def test_the_share_leaves_0_to_1_where_a_class_gains_less_than_nothing():
    weak = tensor([0.3, 0.5, 0.6])
    assert share_on_weakest(weak, weak - tensor([-0.1, 0.3, 0.3]), 1) == pytest.approx(-0.2)
    assert share_on_weakest(weak, weak - tensor([0.3, 0.3, -0.1]), 2) == pytest.approx(1.2)


def test_a_gain_of_nothing_but_rounding_has_no_share():
    # 0.0 - 0.1 + 0.1 is nothing, yet 2.8e-17 in floats.
    weak, strong = tensor([0.1, 0.1, 0.4]), tensor([0.1, 0.2, 0.3])
    assert float(gain(weak, strong).sum()) > 0
    assert math.isnan(share_on_weakest(weak, strong, 3))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 8))
def test_rank_consistency_is_the_spearman_of_every_pair(seed, rows, classes):
    generator = torch.Generator().manual_seed(seed)
    values = (torch.rand(rows, classes, generator=generator) * 5).round().double()
    values[torch.rand(values.shape, generator=generator) < 0.1] = torch.nan
    found = rank_consistency(values)
    assert found.shape == (rows, rows)
    assert found.dtype == torch.float64
    for i in range(rows):
        for j in range(rows):
            pair = values[[i, j]][:, ~values[[i, j]].isnan().any(0)]
            expected = math.nan
            if pair.shape[1] >= 3 and (pair != pair[:, :1]).any(1).all():
                expected = float(scipy.stats.spearmanr(*pair.numpy()).statistic)
            assert float(found[i, j]) == pytest.approx(expected, nan_ok=True, abs=1e-9)


def test_bad_input_is_named():
    one = torch.ones(3)
    for call, message in [
        (lambda: class_spread(one[None]), r"shape \(1, 3\)"),
        (lambda: gain(one, one[1:]), r"\(3,\) and \(2,\)"),
        (lambda: share_on_weakest(one, one[1:], 1), r"\(3,\) and \(2,\)"),
        (lambda: share_on_weakest(one, one, 0), "k is 0"),
        (lambda: weakest(one, -1), "k is -1"),
        (lambda: weakest(one, 1.5), "k is 1.5"),
        (lambda: weakest(one[0], 1), r"shape \(\)"),
        (lambda: confounds(torch.ones(2, 3)), r"shape \(2, 3\)"),
        (lambda: confound_share(torch.ones(0, 0)), r"shape \(0, 0\)"),
        (lambda: rank_consistency(one), r"shape \(3,\)"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
