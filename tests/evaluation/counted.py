"""Counts of made-up predictions, and their sums by plain loops."""

import torch

from art_segplugin.evaluation.diagnosis import AttackCounts
from art_segplugin.metrics.class_counts import ClassCounts


def maps(n=6, classes=4, size=(5, 6), seed=0):
    """Labels with a void row, in which the last class never occurs."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes - 1, (n, *size), generator=generator)
    labels[:, 0] = 255
    return labels


def logits_for(labels, right, classes=4, seed=0):
    """Random logits of which about the share `right` predicts the label."""
    generator = torch.Generator().manual_seed(seed)
    n, height, width = labels.shape
    logits = torch.rand(n, classes, height, width, generator=generator)
    helped = torch.rand(labels.shape, generator=generator) < right
    truth = labels.clamp(max=classes - 1)
    return logits.scatter_add(1, truth.unsqueeze(1), helped.unsqueeze(1).float())


def attacked(name, labels, right, seed=0, options=None, regions=None, classes=4):
    counts = ClassCounts.of(logits_for(labels, right, classes, seed), labels, 255, regions)
    return AttackCounts(name, {} if options is None else options, 0, counts, 0.1)
