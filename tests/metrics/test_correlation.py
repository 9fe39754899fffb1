import math
import warnings

import pytest
import scipy.stats
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.metrics import pearson, spearman
from art_segplugin.metrics.correlation import ranks

values = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-2, 2).map(float)
pairs = st.lists(st.tuples(values, values), min_size=3, max_size=30)


def columns(rows):
    return torch.tensor(rows, dtype=torch.float64).T


@settings(max_examples=150, deadline=None)
@given(pairs)
def test_correlations_equal_scipy(rows):
    x, y = columns(rows)
    for ours, theirs in ((pearson, scipy.stats.pearsonr), (spearman, scipy.stats.spearmanr)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", scipy.stats.NearConstantInputWarning)
            warnings.simplefilter("ignore", scipy.stats.ConstantInputWarning)
            expected = float(theirs(x.numpy(), y.numpy()).statistic)
        # Deviations lost in the rounding of the mean have no digits to compare.
        spread = min(float((v - v.mean()).abs().max() / (v.abs().max() + 1e-300)) for v in (x, y))
        assume(ours is spearman or spread > 1e-8 or spread == 0)
        assert ours(x, y) == pytest.approx(expected, abs=1e-7, nan_ok=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(values, min_size=1, max_size=30))
def test_ranks_equal_scipy(numbers):
    expected = torch.from_numpy(scipy.stats.rankdata(numbers))
    assert torch.equal(ranks(torch.tensor(numbers, dtype=torch.float64)), expected)


def test_correlations_equal_torchmetrics():
    regression = pytest.importorskip("torchmetrics.regression")
    x, y = torch.randn(2, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = (x + y).round()
    assert pearson(x, y) == pytest.approx(float(regression.PearsonCorrCoef()(x, y)), abs=1e-6)
    assert spearman(x, y) == pytest.approx(float(regression.SpearmanCorrCoef()(x, y)), abs=1e-6)


def test_pairs_with_nan_are_left_out():
    x = torch.tensor([1.0, 2.0, torch.nan, 4.0, 0.5])
    y = torch.tensor([2.0, 1.0, 7.0, 5.0, torch.nan])
    known = torch.tensor([0, 1, 3])
    assert pearson(x, y) == pearson(x[known], y[known])
    assert spearman(x, y) == spearman(x[known], y[known]) == pytest.approx(0.5)


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_too_few_pairs_and_constants_have_no_correlation(correlation):
    some = torch.tensor([1.0, 2.0, 5.0])
    assert correlation(some, some) == pytest.approx(1)
    assert correlation(some, -some) == pytest.approx(-1)
    assert math.isnan(correlation(some[:2], some[:2]))
    assert math.isnan(correlation(some[:0], some[:0]))
    assert math.isnan(correlation(some, torch.tensor([1.0, 2.0, torch.nan])))
    # The mean of this constant is rounded, so that its deviations are not all 0.
    constant = torch.full((3,), 0.1, dtype=torch.float64)
    assert constant.mean() != 0.1
    assert math.isnan(correlation(constant, some))
    assert math.isnan(correlation(some, constant))


def test_tiny_and_huge_numbers():
    x = torch.tensor([1.0, 2.0, 4.0, 3.0], dtype=torch.float64)
    y = torch.tensor([1.0, 3.0, 2.0, 4.0], dtype=torch.float64)
    assert pearson(x * 1e-200, y * 1e200) == pytest.approx(pearson(x, y))
    assert math.isnan(pearson(x, torch.tensor([1.0, 2.0, 3.0, torch.inf])))
    assert spearman(x, torch.tensor([1.0, 2.0, 3.0, torch.inf])) == pytest.approx(
        spearman(x, torch.tensor([1.0, 2.0, 3.0, 4.0]))
    )


def test_rounding_does_not_leave_the_range():
    for seed in range(20):
        x = torch.randn(5, generator=torch.Generator().manual_seed(seed))
        assert 1 - 1e-12 < pearson(x, x) <= 1
        assert -1 <= pearson(x, -x) < -1 + 1e-12


def test_bad_shapes_are_named():
    for correlation in (pearson, spearman):
        with pytest.raises(InputError, match=r"\(3,\) and \(4,\)"):
            correlation(torch.ones(3), torch.ones(4))
        with pytest.raises(InputError, match="two equally long lists"):
            correlation(torch.ones(3, 1), torch.ones(3, 1))
