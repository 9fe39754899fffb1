"""Tensors made in inference mode, and callers that are still in it."""

import numpy as np
import pytest
import torch
import torchattacks
from oracles import tiny_problem

from art_segplugin.errors import InputError
from art_segplugin.wrappers import art
from art_segplugin.wrappers import torchattacks as ta


def problem():
    model, x, labels = tiny_problem()
    options = {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu"}
    estimator = art.PyTorchSegmenter(model.eval(), **options)
    return model, x, labels, estimator


def made_in_inference_mode(*tensors):
    with torch.inference_mode():
        return [tensor.clone() for tensor in tensors]


def softened(logits, labels):
    """A loss that keeps the labels for the backward pass."""
    return logits.softmax(1).gather(1, labels.clamp(max=3)[:, None])[:, 0] * labels


@pytest.mark.parametrize("loss", [None, softened])
def test_gradients_and_activations(loss):
    _, x, labels, estimator = problem()
    estimator.set_params(loss=loss)
    expected = estimator.loss_gradient(x, labels)
    late_x, late_labels = made_in_inference_mode(x, labels)
    assert torch.equal(estimator.loss_gradient(late_x, late_labels), expected)
    assert torch.equal(estimator.loss_gradient(late_x, labels), expected)
    assert np.array_equal(estimator.loss_gradient(x.numpy(), late_labels), expected.numpy())
    activations = estimator.get_activations(late_x, 0, framework=True)
    activations.sum().backward()


def test_attacks():
    model, x, labels, estimator = problem()
    mask = torch.ones(2, 12, 14, dtype=torch.bool)
    late_x, late_labels, late_mask = made_in_inference_mode(x, labels, mask)
    for_art = art.SegPGD(estimator, num_random_init=0, max_iter=2, verbose=False)
    for_torchattacks = ta.SegPGD(model, steps=2, random_start=False)
    expected = for_art.generate(x, labels)
    assert torch.equal(for_art.generate(late_x, late_labels, mask=late_mask), expected)
    assert torch.equal(for_torchattacks(late_x, late_labels, mask=late_mask), expected)
    sizes = made_in_inference_mode(torch.full((2,), 8 / 255), torch.full((2,), 2 / 255))
    per_image = ta.SegPGD(model, *sizes, steps=2, random_start=False)
    assert torch.allclose(per_image(late_x, late_labels), expected, atol=1e-6)
    for_torchattacks.set_mode_targeted_random(quiet=True)
    assert for_torchattacks(late_x, late_labels).shape == x.shape
    unmodified = ta.for_segmentation(torchattacks.PGD)(model, steps=2, random_start=False)
    assert torch.equal(unmodified(late_x, late_labels), unmodified(x, labels))


def test_who_is_still_in_it_is_told():
    model, x, labels, estimator = problem()
    estimator.set_params(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    trainer = art.AdversarialTrainerSegmentationPyTorch(estimator, max_iter=1, verbose=False)
    arrays = x.numpy(), labels.numpy()
    asked = {
        "asking for gradients": lambda: estimator.loss_gradient(*arrays),
        "training": lambda: estimator.fit(*arrays, nb_epochs=1),
        "attacking": lambda: art.SegPGD(estimator, verbose=False).generate(*arrays),
    }
    with torch.inference_mode():
        for purpose, ask in asked.items():
            with pytest.raises(InputError, match=f"leave torch.inference_mode.. before {purpose}"):
                ask()
        with pytest.raises(InputError, match="before training"):
            trainer.fit(*arrays, nb_epochs=1)
        for attack in (ta.SegPGD(model), ta.for_segmentation(torchattacks.PGD)(model)):
            with pytest.raises(InputError, match="before attacking"):
                attack(x, labels)
        assert estimator.predict(x).shape == (2, 4, 12, 14)
