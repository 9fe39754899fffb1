import os
import tempfile
from dataclasses import dataclass

# ART makes a folder in the home directory when it is imported, so this comes before any import.
os.environ["HOME"] = tempfile.mkdtemp(prefix="art-home-")

import numpy as np
import pytest
import torch
from art.estimators.classification import PyTorchClassifier
from one_label import one_label_problem
from oracles import TinyNet, tiny_problem
from torch import nn

from art_segplugin.wrappers.art import PyTorchSegmenter


@dataclass
class Problem:
    """A trained-looking net, images and labels with a void row, as arrays, and the estimator."""

    model: nn.Module
    x: np.ndarray
    y: np.ndarray
    estimator: PyTorchSegmenter

    def images(self):
        return torch.from_numpy(self.x)

    def labels(self):
        return torch.from_numpy(self.y)

    def with_options(self, **options):
        return wrapped(self.model, **options)


def wrapped(model, **options):
    options = {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu", **options}
    return PyTorchSegmenter(model, **options)


@pytest.fixture
def segmenter():
    """What makes an estimator of a model."""
    return wrapped


@pytest.fixture
def problem():
    model, images, labels = tiny_problem()
    return Problem(model, images.numpy(), labels.numpy(), wrapped(model))


@pytest.fixture
def trainable():
    """A net in training mode with an optimizer, images, and labels that it can learn."""
    torch.manual_seed(0)
    model = TinyNet()
    x = torch.rand(8, 3, 12, 14)
    y = (x[:, 0] > 0.5).long() + 2 * (x[:, 1] > 0.5).long()
    y[:, 0] = 255
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    return Problem(model, x.numpy(), y.numpy(), wrapped(model, optimizer=optimizer))


@dataclass
class Classification:
    """A classifier that is right on all images, as ART sees it and as the core does."""

    core: nn.Module  # logits (n, c, 1, 1)
    model: nn.Module  # logits (n, c)
    x: np.ndarray
    y: np.ndarray

    def images(self):
        return torch.from_numpy(self.x)

    def labels(self):
        return torch.from_numpy(self.y).view(-1, 1, 1)

    @property
    def estimator(self):
        return self.with_options()

    def with_options(self, **options):
        model = options.pop("model", self.model)
        size = options.pop("input_shape", self.x.shape[1:])
        options = {"clip_values": (0.0, 1.0), "device_type": "cpu", **options}
        return PyTorchClassifier(model, nn.CrossEntropyLoss(), size, 4, **options)


@pytest.fixture
def classification():
    core, images, labels = one_label_problem(n=9)
    model = nn.Sequential(core, nn.Flatten(1)).eval()  # ART returns the outputs of both parts
    return Classification(core, model, images[:-1].numpy(), labels[:-1].flatten().numpy())
