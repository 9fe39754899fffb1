"""Losses computed strip by strip: the values and gradients are those of the whole, the memory is not."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.core import strips
from art_segplugin.core.losses import (
    TemperedCrossEntropy,
    cross_entropy,
    difference_of_logits_ratio,
)
from art_segplugin.core.strips import pixelwise

few = settings(deadline=None, max_examples=40)
NUMBERS_OF_A_STRIP = 60
"""So few that the logits below are cut into several strips, of one row each or of two."""


@pytest.fixture(autouse=True)
def _small_strips(monkeypatch):
    monkeypatch.setitem(strips.NUMBERS, "cpu", NUMBERS_OF_A_STRIP)


def pixels(seed=0, *, classes=4, size=(2, 5, 7), dtype=torch.float64, spread=3.0):
    generator = torch.Generator().manual_seed(seed)
    shape = (size[0], classes, *size[1:])
    logits = spread * torch.randn(shape, generator=generator, dtype=dtype)
    labels = torch.randint(0, classes, size, generator=generator)
    weights = torch.rand(size, generator=generator, dtype=dtype)
    return logits.requires_grad_(True), labels, weights


def plain(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none")


@few
@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.1, 40), st.integers(1, 9))
def test_cross_entropy_and_its_gradient_are_torchs(seed, classes, spread, height):
    logits, labels, weights = pixels(seed, classes=classes, size=(2, height, 3), spread=spread)
    ours, theirs = cross_entropy(logits, labels), plain(logits, labels)
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)
    (found,) = torch.autograd.grad(ours, logits, weights)
    (expected,) = torch.autograd.grad(theirs, logits, weights)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "loss", [cross_entropy, TemperedCrossEntropy(0.3), difference_of_logits_ratio]
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_strips_change_nothing(loss, channels_last, monkeypatch):
    logits, labels, weights = pixels(1, dtype=torch.float32)
    if channels_last:
        logits = logits.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    found = loss(logits, labels)
    (gradient,) = torch.autograd.grad(found, logits, weights)
    monkeypatch.setitem(strips.NUMBERS, "cpu", 10**9)
    whole = loss(logits, labels)
    torch.testing.assert_close(found, whole, rtol=1e-6, atol=1e-7)
    (expected,) = torch.autograd.grad(whole, logits, weights)
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", [cross_entropy, TemperedCrossEntropy(0.3)])
def test_closed_form_is_the_derivative_of_the_value(loss):
    """Twice: the gradient that is written out, and the one that can be differentiated once more."""
    logits, labels, weights = pixels(2)
    (written,) = torch.autograd.grad(loss(logits, labels), logits, weights)
    (derived,) = torch.autograd.grad(loss(logits, labels), logits, weights, create_graph=True)
    assert derived.requires_grad
    assert not written.requires_grad
    torch.testing.assert_close(written, derived.detach(), rtol=1e-10, atol=1e-13)


def test_second_derivative_is_torchs():
    logits, labels, weights = pixels(3)
    seconds = []
    for loss in (cross_entropy, plain):
        (first,) = torch.autograd.grad(loss(logits, labels), logits, weights, create_graph=True)
        seconds += torch.autograd.grad(first.square().sum(), logits)
    torch.testing.assert_close(*seconds, rtol=1e-9, atol=1e-12)


def test_each_strip_is_small_and_every_row_is_seen_once():
    logits, labels, _ = pixels(4, size=(1, 9, 5))
    seen = []

    def rows_of(strip, of_strip):
        seen.append(strip.shape)
        assert of_strip.shape == (1, *strip.shape[2:])
        return strip.sum(1) + of_strip

    found = pixelwise(rows_of, logits, labels)
    torch.testing.assert_close(found, logits.sum(1) + labels)
    assert sum(shape[2] for shape in seen) == 9
    assert len(seen) > 1
    assert all(shape.numel() <= NUMBERS_OF_A_STRIP for shape in seen)


def test_nothing_but_logits_and_labels_is_kept_for_the_gradient():
    logits, labels, _ = pixels(5)
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        cross_entropy(logits, labels)
    assert {tensor.data_ptr() for tensor in kept} == {logits.data_ptr(), labels.data_ptr()}


def test_half_precision_has_the_gradient_of_float32_rounded_once():
    logits, labels, weights = pixels(6, dtype=torch.float32, classes=12)
    half = logits.detach().bfloat16().requires_grad_()
    (found,) = torch.autograd.grad(cross_entropy(half, labels), half, weights.bfloat16())
    exact = half.detach().float().requires_grad_()
    (expected,) = torch.autograd.grad(plain(exact, labels), exact, weights.bfloat16().float())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=2**-7, atol=1e-5)
