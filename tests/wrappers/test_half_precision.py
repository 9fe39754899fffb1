"""Models with weights of another float type than the images: they are cast, and the gradient back."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchattacks
from oracles import tiny_problem
from torch import nn

from art_segplugin.attacks import fgsm, segpgd
from art_segplugin.models import Segmenter
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import PyTorchSegmenter, SegmentationFGSM, SegPGD

EPS = 8 / 255
other_types = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])


def problem(dtype):
    """A model of that type, images in float32, labels, and one step from a gradient by hand."""
    model, x, labels = tiny_problem()
    model = copy.deepcopy(model).eval().to(dtype)
    leaf = x.clone().requires_grad_()
    logits = model(leaf.to(dtype)).to(torch.promote_types(dtype, torch.float32))
    F.cross_entropy(logits, labels, ignore_index=255, reduction="sum").backward()
    assert leaf.grad.dtype == torch.float32
    return model, x, labels, (x + EPS * leaf.grad.sign()).clamp(0, 1)


def segmenter(model):
    options = {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu"}
    return PyTorchSegmenter(model, **options)


@other_types
def test_one_step_follows_the_gradient_of_the_model_as_it_is(dtype):
    model, x, labels, expected = problem(dtype)
    assert torch.equal(fgsm(EPS, random_start=False)(model, x, labels), expected)
    assert torch.equal(fgsm(EPS, random_start=False)(Segmenter(model), x, labels), expected)
    attack = SegmentationFGSM(segmenter(model), eps=EPS, verbose=False)
    assert torch.equal(attack.generate(x, labels), expected)
    assert torch.equal(ta.SegmentationFGSM(model, eps=EPS)(x, labels), expected)
    theirs = ta.for_segmentation(torchattacks.FGSM)(model, eps=EPS)(x, labels)
    assert (
        theirs == expected
    ).float().mean() > 0.97  # its gradient is a mean: some are 0 in halves


@other_types
def test_all_that_the_wrappers_offer(dtype):
    model, x, labels, _ = problem(dtype)
    plain, estimator = tiny_problem()[0].eval(), segmenter(model)
    before = (plain(x).argmax(1) == labels).float().mean()
    attack = ta.SegPGD(model, steps=4)
    targeted = ta.SegPGD(model, steps=4)
    targeted.set_mode_targeted_random(quiet=True)
    found = [
        segpgd(steps=4)(model, x, labels),
        SegPGD(estimator, max_iter=4, verbose=False).generate(x, labels),
        attack(x, labels),
        targeted(x, labels),
        ta.SegMultiAttack([attack, ta.SegFGSM(model)])(x, labels),
        *(
            ta.for_segmentation(getattr(torchattacks, name))(model)(x, labels)
            for name in ("PGD", "MIFGSM", "PIFGSM", "PIFGSMPP", "TPGD", "UPGD")
        ),
    ]
    for x_adv in found:
        assert x_adv.dtype == torch.float32
        assert (plain(x_adv).argmax(1) == labels).float().mean() < before
    assert estimator.loss_gradient(x.numpy(), labels.numpy()).dtype == np.float32
    for values in (
        estimator.predict(x.numpy()),
        estimator.compute_loss(x.numpy(), labels.numpy()),
        estimator.get_activations(x.numpy(), -1),
    ):
        assert isinstance(values, np.ndarray)
        assert np.isfinite(values).all()


def test_images_of_the_type_of_the_model_are_taken_as_they_are():
    model, x, labels = tiny_problem()
    model, x = model.double().eval(), x.double()
    assert segpgd(steps=2)(model, x, labels).dtype == torch.float64
    assert ta.SegPGD(model, steps=2)(x, labels).dtype == torch.float64


def test_classifiers():
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 3)).half()
    x, labels = torch.rand(5, 3, 4, 4), torch.arange(5) % 3
    assert ta.SegPGD(net, steps=2)(x, labels).dtype == torch.float32
