import copy
import pickle

import numpy as np
import pytest
import torch
from art.attacks.evasion import ProjectedGradientDescent
from art.data_generators import NumpyDataGenerator
from hypersphere_problem import M, S, maps, small_model, straight_logits, straight_loss
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import HypersphereConv2d, to_hypersphere
from art_segplugin.models import Segmenter
from art_segplugin.wrappers.art import PyTorchHypersphereSegmenter, PyTorchSegmenter, SegPGD

X, Y = maps()
SIZES = {"input_shape": (3, 6, 7), "nb_classes": 4, "device_type": "cpu"}


def estimator_of(model, **options):
    return PyTorchHypersphereSegmenter(model, **SIZES, **options)


def straight(model, x):
    return straight_logits(model[:2](x), model[2].weight)


def test_predictions_are_scaled_cosines():
    estimator = estimator_of(small_model())
    with torch.no_grad():
        expected = straight(small_model(), torch.from_numpy(X))
    assert np.allclose(estimator.predict(X), expected, atol=1e-5)
    assert estimator.scale == S
    assert estimator.margin == M
    assert isinstance(estimator.head, HypersphereConv2d)
    assert isinstance(estimator, PyTorchSegmenter)


def test_the_margin_is_not_in_losses_and_their_gradients():
    images, labels = torch.from_numpy(X).double(), torch.from_numpy(Y)
    estimator, x = estimator_of(small_model(torch.float64)), images.clone().requires_grad_()
    valid = (labels != 255).sum((1, 2))
    logits = straight(small_model(torch.float64), x)
    losses = straight_loss(logits, labels, 0.0).sum((1, 2)) / valid
    losses.sum().backward()
    assert torch.allclose(estimator.compute_loss(images, labels), losses.detach(), rtol=1e-9)
    gradient = estimator.loss_gradient(images, labels)
    assert gradient.dtype == torch.float64
    assert torch.allclose(gradient, x.grad, rtol=0, atol=1e-9)
    assert gradient.abs().max() > 1e-3


@pytest.mark.parametrize("margin", [0.0, M])
def test_a_step_of_fit_has_the_margin(margin):
    model = small_model(torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    by_hand = small_model(torch.float64)
    labels = torch.from_numpy(Y)
    loss = straight_loss(straight(by_hand, torch.from_numpy(X).double()), labels, margin)
    (loss.sum() / (labels != 255).sum()).backward()
    estimator_of(model, optimizer=optimizer, margin=margin).fit(X, Y, nb_epochs=1)
    for name, parameter in model.named_parameters():
        expected = by_hand.get_parameter(name)
        stepped = expected - 0.1 * expected.grad
        assert torch.allclose(parameter, stepped, rtol=1e-9, atol=1e-12), name
        assert not torch.equal(stepped, expected)


def test_the_optimizer_keeps_the_very_weight():
    model = small_model()
    weight = model[2].weight
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    estimator = estimator_of(model, optimizer=optimizer)
    assert estimator.head.weight is weight
    before = weight.detach().clone()
    estimator.fit(X, Y, nb_epochs=1)
    assert not torch.equal(weight, before)


def test_an_optimizer_without_the_head():
    model = small_model()
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
    with pytest.raises(InputError, match="does not hold the weight of the model's last layer"):
        estimator_of(model, optimizer=optimizer)
    model[2].weight.requires_grad_(False)
    estimator_of(model, optimizer=optimizer).fit(X, Y, nb_epochs=1)


def test_a_head_that_is_there_keeps_its_scale():
    model = to_hypersphere(small_model(), 4, scale=7.0)
    assert estimator_of(model).scale == 7
    assert estimator_of(model, scale=7.0).scale == 7
    with pytest.raises(InputError, match=r"scale is 15\.0 and the model has .* of scale 7"):
        estimator_of(model, scale=15.0)


def test_models_of_every_kind():
    layer = estimator_of(nn.Conv2d(3, 4, 1))
    assert isinstance(layer.model, HypersphereConv2d)
    assert np.abs(layer.predict(X)).max() <= S + 1e-4
    wrapped = estimator_of(Segmenter(small_model(), classes=4), layer="2", scale=3.0)
    assert np.abs(wrapped.predict(X)).max() <= 3 + 1e-4
    assert wrapped.layer == "2"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layer": "7"}, "no layer '7'"),
        ({"layer": "0"}, "0 gives 6 outputs"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"margin": -0.1}, "margin is -0.1"),
        ({"margin": None}, "margin is None"),
        ({"loss": nn.NLLLoss()}, "loss is a NLLLoss; .*CrossEntropyLoss"),
    ],
)
def test_arguments_that_cannot_be_used(options, sentence):
    with pytest.raises(InputError, match=sentence):
        estimator_of(small_model(), **options)


def test_set_params():
    estimator = estimator_of(small_model())
    before = estimator.predict(X)
    estimator.set_params(scale=30.0, margin=0.4)
    assert (estimator.scale, estimator.margin) == (30, 0.4)
    assert np.allclose(estimator.predict(X), 2 * before, atol=1e-4)
    estimator.set_params(**estimator.get_params())
    assert (estimator.scale, estimator.margin) == (30, 0.4)
    with pytest.raises(InputError, match="margin is -1"):
        estimator.set_params(margin=-1.0)
    assert estimator.margin == 0.4
    estimator.set_params(margin=0.1, model=nn.Conv2d(3, 4, 1))
    assert estimator.head is estimator.model
    assert estimator.scale == 30


def test_a_failed_set_params_changes_nothing():
    estimator = estimator_of(small_model(), preprocessing=(0.5, 0.25), scale=9.0)
    before, model = estimator.predict(X), estimator.model
    for odd in ({"margin": -1.0}, {"loss": nn.NLLLoss()}, {"nb_classes": 7}, {"unknown": 1}):
        new = {"scale": 3.0, "preprocessing": (0.0, 1.0), "model": small_model(), **odd}
        with pytest.raises(ValueError):  # noqa: PT011
            estimator.set_params(**new)
        assert estimator.model is model
        assert (estimator.scale, estimator.margin, estimator.nb_classes) == (9, M, 4)
        assert np.array_equal(estimator.predict(X), before)
    estimator.set_params(margin=0.1)
    assert estimator.margin == 0.1


def test_an_optimizer_that_is_set_later_and_leaves_the_head_out():
    model = small_model()
    estimator = estimator_of(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    estimator.set_params(optimizer=torch.optim.SGD(model[0].parameters(), lr=0.1))
    before = model[0].weight.clone()
    for fit in (
        lambda: estimator.fit(X, Y),
        lambda: estimator.fit_generator(NumpyDataGenerator(X, Y, batch_size=2)),
    ):
        with pytest.raises(InputError, match="does not hold the weight of the model's last layer"):
            fit()
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_train_themselves_only(copied):
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    estimator = estimator_of(model, optimizer=optimizer, scale=9.0, margin=0.1)
    before = estimator.predict(X)
    other = copied(estimator)
    assert (other.scale, other.margin) == (9, 0.1)
    assert np.array_equal(other.predict(X), before)
    other.fit(X, Y, nb_epochs=1)
    assert not np.allclose(other.predict(X), before)
    assert np.array_equal(estimator.predict(X), before)


def test_clone_reset_save_and_load(tmp_path):
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    estimator = estimator_of(model, optimizer=optimizer, scale=9.0, margin=0.1)
    before = estimator.predict(X)
    estimator.save("net", str(tmp_path))
    clone = estimator.clone_for_refitting()
    assert (clone.scale, clone.margin) == (9, 0.1)
    assert not np.allclose(clone.predict(X), before)
    clone.load("net", str(tmp_path))
    assert np.array_equal(clone.predict(X), before)
    for scale in (15.0, 9.5):
        with pytest.raises(InputError, match=rf"of scale 9\.0 and the model's scale is {scale}"):
            estimator_of(small_model(), scale=scale).load("net", str(tmp_path))
    estimator.reset()
    assert not np.allclose(estimator.predict(X), before)


def test_attacks_of_art_and_ours():
    estimator = estimator_of(small_model())
    y = estimator.predict(X, output="labels")
    options = {"eps": 0.1, "eps_step": 0.02, "max_iter": 5, "verbose": False}
    for kind in (ProjectedGradientDescent, SegPGD):
        adversarial = kind(estimator, **options).generate(X, y)
        assert np.abs(adversarial - X).max() <= 0.1 + 1e-6
        assert (estimator.predict(adversarial, output="labels") != y).mean() > 0.1


@pytest.mark.parametrize("channels_first", [True, False])
def test_a_network_that_changes_what_its_last_layer_gives(channels_first):
    class Probable(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small_model()

        def forward(self, x):
            return self.inner(x).softmax(1)

    shape = (3, 6, 7) if channels_first else (6, 7, 3)
    options = {"nb_classes": 4, "channels_first": channels_first, "device_type": "cpu"}
    PyTorchHypersphereSegmenter(small_model(), input_shape=shape, **options)
    with pytest.raises(InputError, match=r"logits are not the outputs of inner\.2"):
        PyTorchHypersphereSegmenter(Probable(), input_shape=shape, **options)
