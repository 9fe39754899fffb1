"""What people give in Python by mistake: one sentence each, never an error of torch or NumPy."""

import warnings

import numpy as np
import pytest
import torch
import torchattacks
from torch import nn

from art_segplugin.attacks import pgd
from art_segplugin.core.task import TaskAttack
from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import PyTorchSegmenter, SegPGD

X = torch.rand(2, 3, 8, 10, generator=torch.Generator().manual_seed(0))
MODEL = nn.Conv2d(3, 3, 1)
Y = MODEL(X).argmax(1).detach()


def in_core(images, labels, **options):
    # the public method without the run-time type checks of the tests
    call = getattr(TaskAttack.__call__, "__wrapped__", TaskAttack.__call__)
    return call(pgd(8 / 255, 2 / 255, 2), MODEL, images, labels, **options)


def estimator():
    return PyTorchSegmenter(MODEL, input_shape=(3, 8, 10), nb_classes=3)


def in_art(images, labels, **sizes):
    attack = SegPGD(estimator(), max_iter=2, verbose=False, **sizes)
    return attack.generate(images, labels)


def in_torchattacks(images, labels, **sizes):
    return ta.SegPGD(MODEL, steps=2, **sizes)(images, labels)


def unmodified(images, labels, **sizes):
    return ta.for_segmentation(torchattacks.PGD)(MODEL, steps=2, **sizes)(images, labels)


def validated(images, labels):
    return Segmenter(MODEL).validate(images, labels)


@pytest.mark.parametrize("run", [in_core, in_torchattacks, unmodified, validated])
@pytest.mark.parametrize("images", [X.numpy(), [*X], "a.png", (X * 255).byte()])
def test_images_that_are_no_floats_of_torch(run, images):
    with pytest.raises(InputError, match=r"images are (a |torch.uint8)"):
        run(images, Y)


@pytest.mark.parametrize("run", [in_core, in_torchattacks, unmodified, validated])
@pytest.mark.parametrize("labels", [Y.numpy(), Y.tolist()])
def test_labels_that_are_no_tensor(run, labels):
    with pytest.raises(InputError, match="labels are a "):
        run(X, labels)


def test_labels_mask_and_start_of_the_core():
    with pytest.raises(InputError, match="labels are a NoneType; give class indices"):
        in_core(X, None)
    with pytest.raises(InputError, match="mask is a ndarray; give booleans"):
        in_core(X, Y, mask=np.ones((2, 8, 10), bool))
    with pytest.raises(InputError, match=r"start is a ndarray; give torch\.float32 of shape"):
        in_core(X, Y, start=X.numpy())


def test_images_and_labels_of_art():
    with pytest.raises(InputError, match="x holds complex64; give real numbers"):
        in_art(X.numpy().astype(np.complex64), Y.numpy())
    with pytest.raises(InputError, match="x holds object"):
        estimator().predict(X.numpy().astype(object))
    with pytest.raises(InputError, match="y is a list; give an array"):
        in_art(X.numpy(), Y.tolist())
    for query in (estimator().loss_gradient, estimator().compute_loss, estimator().compute_losses):
        with pytest.raises(InputError, match="a NoneType was given; give an array"):
            query(X.numpy(), None)


def test_an_empty_batch_and_unusual_integers_are_validated():
    with pytest.raises(InputError, match="no images in the batch"):
        validated(X[:0], Y[:0])
    with pytest.raises(InputError, match=r"labels are torch.bool; .* labels.long\(\)"):
        validated(X, Y > 0)
    assert validated(X, Y.to(torch.uint16)).classes == 3


@pytest.mark.parametrize("run", [in_art, in_torchattacks, unmodified])
def test_images_with_a_graph_are_attacked_and_the_answer_has_none(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = run(X.clone().requires_grad_(), Y)
    assert not found.requires_grad
    assert 0 < float((found - X).abs().max()) <= 8 / 255 + 1e-6


@pytest.mark.parametrize("run", [in_torchattacks, unmodified])
@pytest.mark.parametrize("number", [np.float32, np.float64, float])
def test_any_real_number_is_a_size(run, number):
    found = run(X, Y, eps=number(4 / 255))
    assert float((found - X).abs().max()) == pytest.approx(4 / 255, abs=1e-6)


@pytest.mark.parametrize("size", ["8/255", -0.1, float("nan"), None, True])
def test_no_number_is_no_size(size):
    with pytest.raises(InputError, match=r"eps is .*; give a finite number >= 0, such as 8/255"):
        unmodified(X, Y, eps=size)
    if isinstance(size, float | bool):
        with pytest.raises(InputError, match=r"eps is .*; give a finite number >= 0"):
            in_torchattacks(X, Y, eps=torch.tensor(size))
    with pytest.raises((InputError, TypeError), match=r"eps is .*; give"):
        in_art(X, Y, eps=size)
