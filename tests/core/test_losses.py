import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.core.losses import KLDivergence, TemperedCrossEntropy, cross_entropy
from art_segplugin.errors import InputError

CONFIDENT = (6.0, 1.0, 0.5, -1.0)
few = settings(deadline=None, max_examples=60)
logit_vectors = st.lists(st.floats(-8, 8), min_size=2, max_size=6)


def pixel(logits, dtype=torch.float64):
    return torch.tensor(logits, dtype=dtype).view(1, -1, 1, 1).requires_grad_(True)


def gradient(loss, logits, labels):
    (result,) = torch.autograd.grad(loss(logits, labels).sum(), logits)
    return result


LABEL_0 = torch.zeros(1, 1, 1, dtype=torch.long)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_of_a_confident_pixel_is_the_closed_form(dtype):
    logits = pixel(CONFIDENT, dtype)
    wrong = 1 + math.exp(-25) + math.exp(-100)
    expected = [-1, 1 / wrong, math.exp(-25) / wrong, math.exp(-100) / wrong]
    found = gradient(TemperedCrossEntropy(0.02), logits, LABEL_0).flatten()
    torch.testing.assert_close(found, torch.tensor(expected, dtype=dtype))


def test_the_gradient_of_the_cross_entropy_itself_is_lost_there():
    """Why the loss is not just cross_entropy(50 * logits, labels)."""
    logits = pixel(CONFIDENT, torch.float32)
    assert not gradient(lambda z, y: cross_entropy(50 * z, y), logits, LABEL_0).any()


@few
@given(logit_vectors, st.sampled_from([0.02, 0.3, 1.0, 7.0]), st.floats(0.2, 20))
def test_value_is_the_cross_entropy_of_the_tempered_probabilities(values, temperature, scale):
    logits = pixel(values)
    value = TemperedCrossEntropy(temperature, scale)(logits, LABEL_0)
    expected = F.cross_entropy(logits * (scale / temperature), LABEL_0, reduction="none")
    assert value.item() >= 0
    torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-12)


def test_value_is_never_negative_and_keeps_its_digits():
    loss = TemperedCrossEntropy(1.0)
    for gap in (0.1, 3.0, 17.0, 25.0, 60.0, 200.0):
        value = loss(pixel((gap, 0.0), torch.float32), LABEL_0).item()
        assert value == pytest.approx(math.log1p(math.exp(-gap)), rel=1e-5, abs=1e-44)
        assert value >= 0


@few
@given(logit_vectors, st.floats(1, 10))  # below, 1 - p_y has no digits left in float64 either
def test_direction_of_one_pixel_is_that_of_the_cross_entropy(values, temperature):
    logits = pixel(values)
    ours = gradient(TemperedCrossEntropy(temperature), logits, LABEL_0).flatten()
    plain = gradient(lambda z, y: cross_entropy(z / temperature, y), logits, LABEL_0).flatten()
    directions = (F.normalize(g, dim=0, eps=1e-30) for g in (ours, plain))
    torch.testing.assert_close(*directions, rtol=1e-6, atol=1e-7)


def test_limits_of_the_temperature():
    cold = gradient(TemperedCrossEntropy(1e-4), pixel((0.3, 2.0, 1.9, -4.0)), LABEL_0)
    torch.testing.assert_close(cold.flatten().tolist(), [-1.0, 1.0, 0.0, 0.0])
    hot = gradient(TemperedCrossEntropy(1e6), pixel((0.3, 2.0, 1.9, -4.0)), LABEL_0)
    expected = torch.tensor([-1.0, 1 / 3, 1 / 3, 1 / 3], dtype=torch.float64)
    torch.testing.assert_close(hot.flatten(), expected, atol=1e-5, rtol=0)


@few
@given(logit_vectors, st.floats(0.05, 10), st.floats(0.5, 30))
def test_a_scale_is_a_lower_temperature(values, temperature, scale):
    logits = pixel(values)
    scaled, colder = (
        gradient(loss, logits, LABEL_0)
        for loss in (
            TemperedCrossEntropy(temperature, scale),
            TemperedCrossEntropy(temperature / scale),
        )
    )
    torch.testing.assert_close(scaled, colder)


def test_what_all_logits_share_costs_no_digits():
    values = torch.tensor(CONFIDENT).view(1, -1, 1, 1)
    loss = TemperedCrossEntropy(0.02)
    assert torch.equal(loss.log_odds(values, LABEL_0), loss.log_odds(values + 4096, LABEL_0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    generator = torch.Generator().manual_seed(0)
    logits = (4 * torch.randn(2, 5, 3, 4, generator=generator)).to(dtype).requires_grad_(True)
    labels = torch.randint(0, 5, (2, 3, 4), generator=generator)
    loss = TemperedCrossEntropy(0.02)
    value = loss(logits, labels)
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(logits.float(), labels))
    found = gradient(loss, logits, labels)
    assert found.dtype == dtype
    exact = logits.detach().float().requires_grad_(True)
    assert torch.equal(found, gradient(loss, exact, labels).to(dtype))


@pytest.mark.parametrize("temperature", [1e-3, 0.02, 1.0, 1e9])
def test_no_temperature_makes_the_gradient_overflow_or_underflow_in_float16(temperature):
    logits = pixel((0.0, 2.0, 2.0, 2.0), torch.float16)
    found = gradient(TemperedCrossEntropy(temperature), logits, LABEL_0).flatten()
    assert found.dtype == torch.float16
    torch.testing.assert_close(
        found.float(), torch.tensor([-1, 1 / 3, 1 / 3, 1 / 3]), atol=1e-3, rtol=0
    )


def test_ruled_out_classes_leave_no_nan():
    logits = torch.tensor([[1.0, -math.inf, 0.5], [1.0, -math.inf, -math.inf]]).view(2, 3, 1, 1)
    logits.requires_grad_(True)
    loss = TemperedCrossEntropy(0.5)
    value = loss(logits, torch.zeros(2, 1, 1, dtype=torch.long)).flatten()
    torch.testing.assert_close(value, torch.tensor([math.log1p(math.exp(-1)), 0.0]))
    assert loss(logits[:1], torch.ones(1, 1, 1, dtype=torch.long)).item() == math.inf
    assert gradient(loss, logits, torch.zeros(2, 1, 1, dtype=torch.long))[0].isfinite().all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.0,), "temperature is 0.0; give a finite number > 0"),
        ((-1.0,), "temperature is -1.0"),
        ((math.nan,), "temperature is nan"),
        ((math.inf,), "temperature is inf"),
        ((0.2, 0.0), "scale is 0.0"),
        ((0.2, math.inf), "scale is inf"),
        ((1e-30, 1.0), "differ by a factor of at most 1e+09"),
        ((1e30, 1.0), "differ by a factor of at most 1e+09"),
    ],
)
def test_bad_values_are_named(values, words):
    with pytest.raises(InputError) as caught:
        TemperedCrossEntropy(*values)
    assert words in str(caught.value)


def test_numpy_numbers_are_numbers():
    assert TemperedCrossEntropy(np.float64(0.5), np.float64(2)).factor == 4.0
    unchecked = getattr(TemperedCrossEntropy.__init__, "__wrapped__", TemperedCrossEntropy.__init__)
    loss = TemperedCrossEntropy(1.0)
    unchecked(
        loss, np.float32(0.5), np.int64(2)
    )  # which the tests' type checker takes for no float
    assert loss.factor == 4.0


@few
@given(logit_vectors, st.integers(0, 2**31))
def test_divergence_is_that_of_the_probabilities(values, seed):
    reference = torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(reference.shape, dtype=torch.float64, generator=generator)
    p, q = ([math.exp(z) for z in one.flatten().tolist()] for one in (reference, logits))
    p, q = ([value / sum(part) for value in part] for part in (p, q))
    expected = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    found = KLDivergence(reference)(logits, LABEL_0).item()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found >= -1e-15


@few
@given(logit_vectors, st.integers(0, 2**31))
def test_gradients_of_the_divergence_are_the_closed_forms(values, seed):
    """q - p in its logits, p (log(p / q) - KL) in those of the reference."""
    reference = pixel(values)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(reference.shape, dtype=torch.float64, generator=generator)
    logits.requires_grad_(True)
    value = KLDivergence(reference)(logits, LABEL_0).sum()
    of_logits, of_reference = torch.autograd.grad(value, [logits, reference])
    p, q = reference.softmax(1), logits.softmax(1)
    torch.testing.assert_close(of_logits, q - p)
    torch.testing.assert_close(of_reference, p * ((p / q).log() - value), atol=1e-9, rtol=1e-6)


def test_divergence_is_one_number_a_pixel_and_0_between_equals():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 3, 4, generator=generator)
    labels = torch.zeros(2, 3, 4, dtype=torch.long)
    assert torch.equal(KLDivergence(logits)(logits + 7, labels).abs() < 1e-6, labels == 0)
    other = logits.clone()
    other[1, 0, 2, 3] += 5
    found = KLDivergence(logits)(other, labels)
    assert found.shape == (2, 3, 4)
    assert found.nonzero().tolist() == [[1, 2, 3]]


def test_divergence_uses_no_label():
    logits, other = pixel(CONFIDENT), pixel((0.0, 1.0, 2.0, 3.0))
    loss = KLDivergence(other)
    assert torch.equal(loss(logits, LABEL_0), loss(logits, LABEL_0 + 3))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_divergence_of_half_precision_is_computed_in_float32(dtype):
    reference = pixel(CONFIDENT, torch.float32)
    logits = pixel((6.0, 1.0, 0.25, -1.0), dtype)
    found = KLDivergence(reference)(logits, LABEL_0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, KLDivergence(reference)(logits.float(), LABEL_0))
    assert found > 0


def test_divergence_of_sure_answers_is_finite():
    sure, other = pixel((1000.0, 0.0), torch.float32), pixel((0.0, 1000.0), torch.float32)
    value = KLDivergence(sure)(other, LABEL_0)
    assert value == 1000
    assert gradient(KLDivergence(sure), other, LABEL_0).flatten().tolist() == [-1, 1]
