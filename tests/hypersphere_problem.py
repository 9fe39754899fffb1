"""Hypersphere embedding written out straight from the paper, and problems to learn."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

S, M = 15.0, 0.2


def small_model(dtype=torch.float32):
    """Layers that are the same in both modes."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 1)).to(dtype)


def small_classifier():
    torch.manual_seed(0)
    layers = [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 16), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(16, 4))


def straight_logits(features, weight):
    """(n, c, ...) from features (n, d, ...) and weight (c, d, ...)."""
    directions = F.normalize(weight.flatten(1), dim=1)
    return S * torch.einsum("nd...,cd->nc...", F.normalize(features, dim=1), directions)


def straight_loss(logits, labels, margin):
    """Equation 8 of arXiv:2002.08619, of each pixel (0 where it is void)."""
    void = labels == 255
    one_hot = F.one_hot(labels.masked_fill(void, 0), logits.shape[1]).movedim(-1, 1)
    log_p = (logits - S * margin * one_hot).log_softmax(1)
    return -(log_p * one_hot).sum(1).masked_fill(void, 0.0)


def maps(n=4, size=(6, 7)):
    """Images and label maps that follow from them, with a void row."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(n, 3, *size, generator=generator)
    y = (x[:, 0] > 0.5).long() + 2 * (x[:, 1] > 0.5).long()
    y[:, 0] = 255
    return x.numpy(), y.numpy()


def pictures(n=32, size=8):
    """Images of four classes, told apart by the brightness of two corners."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, n)
    x = 0.4 + 0.2 * rng.random((n, 3, size, size), dtype=np.float32)
    x[:, :, :4, :4] += 0.5 * (y % 2)[:, None, None, None] - 0.25
    x[:, :, 4:, 4:] += 0.5 * (y // 2)[:, None, None, None] - 0.25
    return x.clip(0, 1).astype(np.float32), y
