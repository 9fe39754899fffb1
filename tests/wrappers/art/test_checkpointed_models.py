"""Models that compute their activations once more in the backward pass, in whatever mode they are then."""

import copy

import numpy as np
import pytest
import torch
from art.estimators.classification import PyTorchClassifier
from torch import nn
from torch.utils.checkpoint import checkpoint

from art_segplugin.wrappers.art import SegmentationPGD, SegPGD


class Checkpointed(nn.Module):
    """The same function; saves memory in training."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return checkpoint(self.network, images, use_reentrant=False)


class BatchNormNet(nn.Sequential):
    """Whose gradient depends on its mode, and whose statistics change in training mode."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 1)
        )
        self[1].running_var.fill_(0.3)


def untouched(model, before):
    """Whether statistics and modes are those of a model in training mode before it was asked."""
    same = all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    return same and all(module.training for module in model.modules())


def test_the_gradient_is_that_of_evaluation_mode(problem, segmenter):
    images, labels = problem.images().double(), problem.labels()
    plain = BatchNormNet().double().eval()
    expected = segmenter(copy.deepcopy(plain)).loss_gradient(images, labels)
    model = Checkpointed(plain).train()
    before = copy.deepcopy(model.state_dict())
    gradient = segmenter(model).loss_gradient(images, labels)
    assert torch.allclose(gradient, expected, rtol=0, atol=1e-12)
    assert gradient.abs().max() > 1e-3
    assert untouched(model, before)


def test_the_gradient_of_training_mode(problem, segmenter):
    images, labels = problem.images().double(), problem.labels()
    plain = BatchNormNet().double()
    expected = segmenter(copy.deepcopy(plain)).loss_gradient(images, labels, training_mode=True)
    model = Checkpointed(plain).eval()
    gradient = segmenter(model).loss_gradient(images, labels, training_mode=True)
    assert torch.allclose(gradient, expected, rtol=0, atol=1e-12)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("summary_writer", [False, True])
def test_attacks_on_segmenters(problem, segmenter, summary_writer, tmp_path):
    options = {"num_random_init": 0, "max_iter": 3, "verbose": False}
    expected = SegPGD(segmenter(BatchNormNet().eval()), **options).generate(problem.x, problem.y)
    model = Checkpointed(BatchNormNet()).train()
    before = copy.deepcopy(model.state_dict())
    if summary_writer:
        options["summary_writer"] = str(tmp_path)
    found = SegPGD(segmenter(model), **options).generate(problem.x, problem.y)
    assert np.array_equal(found, expected)
    assert untouched(model, before)


def test_attacks_on_classifiers(classification):
    options = {"num_random_init": 0, "max_iter": 3, "verbose": False}

    def attacked(model):
        estimator = PyTorchClassifier(
            nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.CrossEntropyLoss(),
            classification.x.shape[1:],
            4,
            clip_values=(0.0, 1.0),
            device_type="cpu",
        )
        estimator.model.train(model.training)
        return SegmentationPGD(estimator, **options).generate(classification.x, classification.y)

    expected = attacked(BatchNormNet().eval())
    model = Checkpointed(BatchNormNet()).train()
    before = copy.deepcopy(model.state_dict())
    assert np.array_equal(attacked(model), expected)
    assert untouched(model, before)
