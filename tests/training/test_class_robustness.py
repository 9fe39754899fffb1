import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.training.adjustment import soft_minimum
from art_segplugin.training.class_weights import robustness_weights

accuracies = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(deadline=None, max_examples=100)
@given(accuracies, st.floats(0, 20))
def test_mean_1_and_more_for_the_weaker(values, strength):
    accuracy = torch.tensor(values, dtype=torch.float64)
    weights = robustness_weights(accuracy, strength)
    assert weights.mean().item() == pytest.approx(1, rel=1e-5)
    order = accuracy.argsort()
    assert (weights[order].diff() <= 1e-6).all()


@settings(deadline=None, max_examples=100)
@given(accuracies, st.floats(0.1, 20))
def test_is_the_gradient_of_the_soft_minimum(values, strength):
    accuracy = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(soft_minimum(accuracy, strength), accuracy)
    expected = robustness_weights(accuracy.detach(), strength).double() / len(values)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-9)


def test_known_values_and_absent_classes():
    weights = robustness_weights(torch.tensor([0.0, math.log(2) / 3, math.nan]), 3.0)
    torch.testing.assert_close(weights, torch.tensor([4 / 3, 2 / 3, 1.0]))
    assert robustness_weights(torch.tensor([0.1, 0.9]), 0.0).tolist() == [1, 1]
    sharp = robustness_weights(torch.tensor([0.9, 0.95]), 1e4)
    assert sharp.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("accuracy", "strength", "words"),
    [
        ([0.5, 1.5], 3.0, "shares from 0 to 1"),
        ([-0.1], 3.0, "shares from 0 to 1"),
        ([math.nan], 3.0, "at least one of them known"),
        ([0.5], -1.0, "strength is -1.0"),
        ([0.5], math.inf, "strength is inf"),
    ],
)
def test_bad_values_are_named(accuracy, strength, words):
    with pytest.raises(InputError, match=words):
        robustness_weights(torch.tensor(accuracy), strength)
