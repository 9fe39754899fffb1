import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin.heads import margin_cross_entropy, with_margin


def straight(cosines, labels, scale, margin):
    """-log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum of e^(s cos_j))), with plain exponentials."""
    rows = []
    for z, y in zip(cosines.movedim(1, -1).flatten(0, -2), labels.flatten().tolist(), strict=True):
        own = torch.exp(scale * (z[y] - margin))
        others = torch.exp(scale * torch.cat([z[:y], z[y + 1 :]])).sum()
        rows.append(-torch.log(own / (own + others)))
    return torch.stack(rows).view(labels.shape)


def problem(seed=0, dtype=torch.float64):
    torch.manual_seed(seed)
    cosines = (2 * torch.rand(2, 4, 3, 5, dtype=dtype) - 1).requires_grad_()
    return cosines, torch.randint(0, 4, (2, 3, 5))


@given(seed=st.integers(0, 2**31), scale=st.floats(0.5, 100), margin=st.floats(0, 0.5))
@settings(deadline=None, max_examples=30)
def test_equals_the_formula_and_its_gradient(seed, scale, margin):
    cosines, labels = problem(seed)
    found = margin_cross_entropy(scale * cosines, labels, scale, margin)
    expected = straight(cosines, labels, scale, margin)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    by_hand = torch.autograd.grad(expected.sum(), cosines)[0]
    torch.testing.assert_close(torch.autograd.grad(found.sum(), cosines)[0], by_hand)


def test_large_scales_do_not_overflow():
    cosines, labels = problem(dtype=torch.float32)
    loss = margin_cross_entropy(1000 * cosines, labels, 1000.0, 0.3)
    exact = cosines.detach().double().requires_grad_()
    at_label = exact.gather(1, labels.unsqueeze(1)) - 0.3
    # log(1 + sum of e^d) for the differences d, whose largest is taken out of the sum.
    ahead = 1000 * (exact - at_label)
    others = torch.ones_like(ahead).scatter(1, labels.unsqueeze(1), 0.0)
    largest = (ahead * others).amax(1, keepdim=True).clamp_min(0)
    total = (others * torch.exp(ahead - largest)).sum(1, keepdim=True) + torch.exp(-largest)
    expected = (largest + total.log())[:, 0]
    assert expected.max() > 1000
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-4)
    gradient = torch.autograd.grad(loss.sum(), cosines)[0]
    assert gradient.isfinite().all()
    wanted = torch.autograd.grad(expected.sum(), exact)[0]
    torch.testing.assert_close(gradient.double(), wanted, rtol=1e-3, atol=0.5)


def test_without_margin_it_is_the_cross_entropy():
    cosines, labels = problem()
    logits = 15 * cosines
    assert torch.equal(with_margin(logits, labels, 15.0, 0.0), logits)
    expected = F.cross_entropy(logits, labels, reduction="none")
    assert torch.equal(margin_cross_entropy(logits, labels, 15.0, 0), expected)


def test_lowers_the_label_alone():
    cosines, labels = problem()
    logits = 10 * cosines
    lowered = with_margin(logits, labels, 10.0, 0.2)
    expected = logits - 2.0 * F.one_hot(labels, 4).permute(0, 3, 1, 2)
    torch.testing.assert_close(lowered, expected)
    weights = torch.randn_like(logits)
    gradient = torch.autograd.grad((weights * lowered).sum(), cosines)[0]
    torch.testing.assert_close(gradient, 10 * weights)


def test_a_margin_makes_right_pixels_count_more():
    cosines, _ = problem()
    labels = cosines.argmax(1)
    plain = margin_cross_entropy(15 * cosines, labels, 15.0, 0.0)
    strict = margin_cross_entropy(15 * cosines, labels, 15.0, 0.2)
    assert (strict > plain).all()
    pull = [torch.autograd.grad(loss.sum(), cosines)[0] for loss in (strict, plain)]
    at_label = [gradient.gather(1, labels.unsqueeze(1)) for gradient in pull]
    assert (at_label[0] < at_label[1]).all()  # the loss falls faster with the label's cosine


@pytest.mark.parametrize(("void", "ignore_index"), [(255, 255), (-100, -100), (-7, 255), (2, 2)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_void_pixels_are_left_alone(void, ignore_index, dtype):
    cosines, labels = problem()
    labels[:, 1] = void
    labels = labels.to(dtype)
    options = {"scale": 10.0, "margin": 0.3, "ignore_index": ignore_index}
    lowered = with_margin(10 * cosines, labels, **options)
    void_pixels = labels == void
    at_void = void_pixels.unsqueeze(1).expand_as(lowered)
    assert torch.equal(lowered[at_void], 10 * cosines[at_void])
    loss = margin_cross_entropy(10 * cosines, labels, **options)
    assert not loss[void_pixels].any()
    assert (loss[~void_pixels] > 0).all()
    gradient = torch.autograd.grad(loss.sum(), cosines)[0]
    assert not gradient[at_void].any()
    expected = straight(cosines, labels.long().clamp(0, 3), 10.0, 0.3)
    torch.testing.assert_close(loss[~void_pixels], expected[~void_pixels])


def test_labels_of_eight_bits():
    cosines, labels = problem()
    labels[:, 0] = 255
    options = {"scale": 10.0, "margin": 0.3, "ignore_index": 255}
    expected = margin_cross_entropy(10 * cosines, labels, **options)
    found = margin_cross_entropy(10 * cosines, labels.to(torch.uint8), **options)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    cosines, labels = problem(dtype=torch.float32)
    logits = (15 * cosines).to(dtype)
    assert with_margin(logits, labels, 15.0, 0.2).dtype == dtype
    loss = margin_cross_entropy(logits, labels, 15.0, 0.2)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, margin_cross_entropy(logits.float(), labels, 15.0, 0.2))


def test_one_label_an_image():
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 4, 1, 1), torch.tensor([1, 0, 3]).view(3, 1, 1)
    flat = margin_cross_entropy(logits[:, :, 0, 0], labels.flatten(), 15.0, 0.2)
    found = margin_cross_entropy(logits, labels, 15.0, 0.2)
    assert found.shape == (3, 1, 1)
    torch.testing.assert_close(found.flatten(), flat)


@pytest.mark.parametrize("margin", [-0.1, 2, 2.5, math.nan, math.inf, "0.2", None, True])
def test_refuses_other_margins(margin):
    cosines, labels = problem()
    with pytest.raises(InputError, match=r"margin is .*; give a finite number >= 0, below 2"):
        with_margin(cosines, labels, 15.0, margin)


def test_refuses_other_scales():
    cosines, labels = problem()
    with pytest.raises(InputError, match=r"scale is 0; give a finite number > 0"):
        margin_cross_entropy(cosines, labels, 0, 0.2)
