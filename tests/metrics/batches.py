"""Batches with all that is awkward, and counts of them by plain loops."""

import math

import torch
from hypothesis import strategies as st

from art_segplugin.metrics import ClassCounts


def batch(seed, classes=4, n=4, ties=False):
    """Logits and labels with an absent class, a void image, a one-class image and, maybe, ties."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, classes, 3, 4, generator=generator)
    if ties:
        logits = logits.round()
    labels = torch.randint(0, classes, (n, 3, 4), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    if classes > 2:
        labels[labels == 1] = 0  # never true
        logits[:, 2] = -torch.inf  # never predicted
    if n > 1:
        labels[0] = 255
    if n > 2:
        labels[1] = classes - 1
    return logits, labels


def batches():
    """Many such batches."""
    return st.builds(
        batch, st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 4), st.booleans()
    )


def counts(seed, **options):
    return ClassCounts.of(*batch(seed, **options))


def first_largest(values, without=None):
    """The index of the largest value, NaN above all, of equal ones the first."""
    best = None
    for i, value in enumerate(values):
        if i == without or (best is not None and math.isnan(values[best])):
            continue
        if best is None or math.isnan(value) or value > values[best]:
            best = i
    return best


def pixels(logits, labels, ignore_index=255):
    """(image, truth, prediction, prediction without that class, row, column), valid pixels only."""
    for i, picture in enumerate(labels.tolist()):
        for r, row in enumerate(picture):
            for c, truth in enumerate(row):
                if truth != ignore_index:
                    values = logits[i, :, r, c].tolist()
                    guess = first_largest(values)
                    yield i, truth, guess, first_largest(values, without=guess), r, c


def nan_equal(a, b):
    torch.testing.assert_close(a, b, equal_nan=True, rtol=1e-12, atol=1e-12)
    return True
