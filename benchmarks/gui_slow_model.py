"""A model whose attack step takes a second, made of many short layers.

art-segplugin gui --model benchmarks/gui_slow_model.py:slow
"""

import time

import torch
from torch import nn

CLASSES, WIDTH, SIZE = 11, 12, (360, 480)
STEP_SECONDS = 1.0


def slow():
    """As many layers as a step of a second needs here."""
    torch.manual_seed(0)
    first, last = nn.Conv2d(3, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, CLASSES, 1)
    block = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU())
    x = torch.rand(1, WIDTH, *SIZE, requires_grad=True)
    for parameter in block.parameters():
        parameter.requires_grad_(False)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        torch.autograd.grad(block(x).sum(), x)
        times.append(time.perf_counter() - started)
    layers = [
        nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU())
        for _ in range(max(4, round(STEP_SECONDS / min(times))))
    ]
    return nn.Sequential(first, *layers, last)
