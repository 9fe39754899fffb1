"""Estimators and trainers of ART so small that a training takes a second."""

import inspect

import torch
from hypersphere_problem import (
    maps,
    pictures,
    small_classifier,
)
from oracles import TinyNet
from torch import nn

from art_segplugin.wrappers.art import (
    AdversarialTrainerHETRADESPyTorch,
    PyTorchHypersphereClassifier,
    PyTorchHypersphereSegmenter,
    SegmentationPGD,
)
from art_segplugin.wrappers.art.trainers import ALL

HYPERSPHERE = [trainer for trainer in ALL if "HE" in trainer.__name__]
TRADES = AdversarialTrainerHETRADESPyTorch
MAPS, PICTURES = maps(8, (12, 14)), pictures()


def segmenter(model=None, kind=PyTorchHypersphereSegmenter, lr=0.02, size=(12, 14), **options):
    if model is None:
        torch.manual_seed(0)
        model = TinyNet()
    options = {"optimizer": torch.optim.Adam(model.parameters(), lr=lr), **options}
    options = {"input_shape": (3, *size), "nb_classes": 4, "device_type": "cpu", **options}
    return kind(model, **options)


def classifier(kind=PyTorchHypersphereClassifier, **options):
    model = small_classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    options = {"clip_values": (0, 1), "preprocessing": (0.5, 0.25), **options}
    options = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, **options}
    return kind(model, input_shape=(3, 8, 8), nb_classes=4, device_type="cpu", **options)


def accuracy_under_attack(estimator, x, y, eps):
    attack = SegmentationPGD(
        estimator, eps=eps, eps_step=eps / 4, max_iter=10, num_random_init=0, verbose=False
    )
    predicted = estimator.predict(attack.generate(x, y)).argmax(1)
    return (predicted == y)[y != 255].mean()


def quiet(trainer, estimator, **options):
    if trainer is TRADES:
        options = {"beta": 1.0, **options}  # few epochs
    return trainer(estimator, verbose=False, **options)


def weights(estimator):
    return torch.cat([p.detach().flatten() for p in estimator.model.parameters()])


def trained(trainer, estimator, x, y, nb_epochs=1, batch_size=4, **options):
    torch.manual_seed(0)
    quiet(trainer, estimator, **options).fit(x, y, batch_size=batch_size, nb_epochs=nb_epochs)
    return weights(estimator)


def few_steps(trainer):
    """Of attacks whose steps can be chosen."""
    several = "max_iter" in inspect.signature(trainer).parameters and trainer is not ALL[1]
    return {"max_iter": 4} if several else {}
