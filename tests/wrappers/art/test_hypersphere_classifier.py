import copy
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
from art.data_generators import NumpyDataGenerator, PyTorchDataGenerator
from art.defences.trainer import AdversarialTrainer
from art.estimators.classification import PyTorchClassifier
from hypersphere_problem import M, S, pictures, small_classifier, straight_logits, straight_loss
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from art_segplugin.errors import InputError
from art_segplugin.heads import HypersphereLinear, to_hypersphere
from art_segplugin.wrappers.art import PyTorchHypersphereClassifier, SegPGD

X, Y = pictures()
SIZES = {"input_shape": (3, 8, 8), "nb_classes": 4, "clip_values": (0, 1), "device_type": "cpu"}


def estimator_of(model=None, lr=0.1, **options):
    model = model or small_classifier()
    options = {"optimizer": torch.optim.SGD(model.parameters(), lr=lr), **SIZES, **options}
    return PyTorchHypersphereClassifier(model, **options)


def straight(model, x):
    return straight_logits(model[:4](x), model[4].weight)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_predictions_are_scaled_cosines():
    estimator = estimator_of()
    with torch.no_grad():
        expected = straight(small_classifier(), torch.from_numpy(X))
    assert np.allclose(estimator.predict(X), expected, atol=1e-5)
    assert (estimator.scale, estimator.margin) == (S, M)
    assert isinstance(estimator.head, HypersphereLinear)
    assert isinstance(estimator, PyTorchClassifier)


def test_the_margin_is_not_in_losses_and_their_gradients():
    estimator, x = estimator_of(), torch.from_numpy(X).requires_grad_()
    losses = straight_loss(straight(small_classifier(), x), torch.from_numpy(Y), 0.0)
    losses.mean().backward()
    one_hot = np.eye(4, dtype=np.float32)[Y]
    assert np.allclose(estimator.compute_loss(X, Y), losses.detach(), rtol=1e-4)
    assert np.allclose(estimator.loss_gradient(X, one_hot), x.grad, atol=1e-6)
    assert x.grad.abs().max() > 1e-4


def fit(estimator, x, y):
    estimator.fit(x, y, nb_epochs=1)


def fit_arrays(estimator, x, y):
    generator = NumpyDataGenerator(x, y, batch_size=len(x))
    estimator.fit_generator(generator, nb_epochs=1)


def fit_tensors(estimator, x, y):
    data = TensorDataset(torch.from_numpy(x), torch.from_numpy(np.eye(4, dtype=np.float32)[y]))
    generator = PyTorchDataGenerator(DataLoader(data, len(x)), size=len(x), batch_size=len(x))
    estimator.fit_generator(generator, nb_epochs=1)


@pytest.mark.parametrize("how", [fit, fit_arrays, fit_tensors])
@pytest.mark.parametrize("margin", [0.0, M])
def test_a_step_of_training_has_the_margin_once(how, margin):
    estimator, by_hand = estimator_of(margin=margin), small_classifier()
    loss = straight_loss(straight(by_hand, torch.from_numpy(X)), torch.from_numpy(Y), margin)
    loss.mean().backward()
    how(estimator, X, Y)
    for name, parameter in estimator.model.named_parameters():
        expected = by_hand.get_parameter(name)
        assert torch.allclose(parameter, expected - 0.1 * expected.grad, atol=1e-5), name
        assert expected.grad.abs().max() > 1e-3
    assert type(estimator.loss) is nn.CrossEntropyLoss


def test_probabilities_as_labels_lower_every_class_by_its_share():
    estimator, by_hand = estimator_of(), small_classifier()
    y = np.eye(4, dtype=np.float32)[Y] * 0.6 + 0.1
    logits = straight(by_hand, torch.from_numpy(X))
    F.cross_entropy(logits - S * M * torch.from_numpy(y), torch.from_numpy(y)).backward()
    estimator.fit(X, y, nb_epochs=1)
    expected = by_hand[4].weight - 0.1 * by_hand[4].weight.grad
    assert torch.allclose(estimator.head.weight, expected, atol=1e-5)


def test_the_loss_is_given_back_when_fit_fails():
    estimator = estimator_of()
    with pytest.raises(ValueError, match="labels"):
        estimator.fit(X, np.zeros((2, 2, 2)), nb_epochs=1)
    assert type(estimator.loss) is nn.CrossEntropyLoss


def test_a_model_that_the_optimizer_does_not_hold():
    estimator = estimator_of()
    estimator.set_params(model=small_classifier())
    for how in (fit, fit_arrays, fit_tensors):
        with pytest.raises(InputError, match="optimizer holds no weight of the model"):
            how(estimator, X, Y)
    estimator.set_params(optimizer=torch.optim.SGD(estimator.model[2].parameters(), lr=0.1))
    with pytest.raises(InputError, match="does not hold the weight of the model's last layer"):
        estimator.fit(X, Y)
    estimator.set_params(optimizer=torch.optim.SGD(estimator.model.parameters(), lr=0.1))
    before = weights(estimator.model)
    estimator.fit(X, Y, nb_epochs=1)
    assert not torch.equal(weights(estimator.model), before)


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y[:, None], lambda y: np.eye(4)[y]])
def test_loaders_with_labels_of_every_form(form):
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(form(Y)))
    generator = PyTorchDataGenerator(DataLoader(data, len(X)), size=len(X), batch_size=len(X))
    one, other = estimator_of(), estimator_of()
    one.fit_generator(generator, nb_epochs=1)
    other.fit(X, Y, nb_epochs=1)
    assert torch.allclose(weights(one.model), weights(other.model), atol=1e-6)
    assert not torch.allclose(weights(one.model), weights(estimator_of().model), atol=1e-3)
    assert isinstance(generator.iterator, DataLoader)


def test_loaders_with_labels_that_do_not_fit():
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y + 1))
    generator = PyTorchDataGenerator(DataLoader(data, len(X)), size=len(X), batch_size=len(X))
    with pytest.raises(InputError, match="the labels hold 4"):
        estimator_of().fit_generator(generator)


def test_two_classes():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    estimator = estimator_of(model, nb_classes=2, preprocessing=(0.5, 0.25))
    estimator.fit(X, Y % 2, nb_epochs=8, batch_size=8)
    assert (estimator.predict(X).argmax(1) == Y % 2).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"layer": "9"}, InputError, "no layer '9'"),
        ({"layer": "2"}, InputError, "2 gives 16 outputs"),
        ({"loss": nn.MultiMarginLoss()}, InputError, "loss is a MultiMarginLoss"),
        ({"margin": -0.1}, InputError, "margin is -0.1"),
        ({"scale": float("nan")}, InputError, "scale is nan"),
        ({"nb_classes": None}, TypeError, "nb_classes is None"),
        ({"nb_classes": 10}, InputError, "gives 10 outputs"),
    ],
)
def test_arguments_that_cannot_be_used(options, error, sentence):
    with pytest.raises(error, match=sentence):
        estimator_of(**options)


def test_an_optimizer_without_the_head():
    model = small_classifier()
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    with pytest.raises(InputError, match="does not hold the weight of the model's last layer"):
        estimator_of(model, optimizer=optimizer)


def test_set_params_and_a_head_that_is_there():
    estimator = estimator_of(to_hypersphere(small_classifier(), 4, scale=7.0))
    assert estimator.scale == 7
    before = estimator.predict(X)
    estimator.set_params(scale=14.0, margin=0.4)
    assert np.allclose(estimator.predict(X), 2 * before, atol=1e-4)
    estimator.set_params(**estimator.get_params())
    assert (estimator.scale, estimator.margin) == (14, 0.4)
    estimator.set_params(scale=3.0, model=nn.Sequential(nn.Flatten(), nn.Linear(192, 4)))
    assert np.abs(estimator.predict(X)).max() <= 3.001
    assert estimator.scale == 3
    with pytest.raises(InputError, match="margin is -1"):
        estimator.set_params(margin=-1.0, scale=5.0, model=small_classifier())
    assert (estimator.scale, estimator.margin) == (3, 0.4)
    assert np.abs(estimator.predict(X)).max() <= 3.001
    with pytest.raises(InputError, match=r"scale is 15\.0 and the model has"):
        estimator_of(estimator.model, scale=15.0)


def test_a_model_that_is_nothing_but_a_layer():
    estimator = estimator_of(nn.Linear(5, 4), input_shape=(5,))
    x = np.random.default_rng(0).random((6, 5), dtype=np.float32)
    assert isinstance(estimator.model, HypersphereLinear)
    before = estimator.predict(x)
    estimator.fit(x, np.arange(6) % 4, nb_epochs=1)
    assert np.abs(before).max() <= S + 1e-4
    assert not np.allclose(estimator.predict(x), before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_train_themselves_only(copied, monkeypatch, tmp_path):
    monkeypatch.setattr("art.config.ART_DATA_PATH", str(tmp_path))
    estimator = estimator_of(scale=9.0, margin=0.1)
    before = estimator.predict(X)
    other = copied(estimator)
    assert (other.scale, other.margin) == (9, 0.1)
    assert np.array_equal(other.predict(X), before)
    other.fit(X, Y, nb_epochs=1)
    assert not np.allclose(other.predict(X), before)
    assert np.array_equal(estimator.predict(X), before)


def test_clone_reset_and_save(tmp_path):
    estimator = estimator_of(scale=9.0, margin=0.1)
    estimator.save("net", str(tmp_path))
    clone = estimator.clone_for_refitting()
    assert (clone.scale, clone.margin) == (9, 0.1)
    assert not torch.allclose(weights(clone.model), weights(estimator.model))
    with pytest.warns(UserWarning, match=r"another optimizer .* begins anew"):
        clone.load("net", str(tmp_path))  # the optimizer that was saved held a bias still
    assert np.array_equal(clone.predict(X), estimator.predict(X))
    untrained = weights(clone.model)
    clone.fit(X, Y, nb_epochs=1)
    assert not torch.equal(weights(clone.model), untrained)
    estimator.reset()
    assert not np.allclose(clone.predict(X), estimator.predict(X))


def adam(**options):
    model = small_classifier()
    return estimator_of(model, optimizer=torch.optim.Adam(model.parameters(), lr=0.1), **options)


def test_load_goes_on_with_the_optimizer(tmp_path):
    estimator, other = adam(), adam()
    estimator.fit(X, Y, nb_epochs=2, batch_size=32)
    estimator.save("net", str(tmp_path))
    other.load("net", str(tmp_path))
    for each in (estimator, other):
        each.fit(X, Y, nb_epochs=1, batch_size=32)
    assert torch.allclose(weights(estimator.model), weights(other.model), atol=1e-5)
    (tmp_path / "net.optimizer").unlink()
    other.load("net", str(tmp_path))


class Bomb:
    def __reduce__(self):
        return (open, ("opened", "w"))


def test_files_that_cannot_be_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    estimator = adam()
    before = weights(estimator.model)
    with pytest.raises(InputError, match=r"net\.model cannot be read"):
        estimator.load("net", str(tmp_path))
    two = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    estimator_of(two).save("net", str(tmp_path))
    with pytest.raises(InputError, match="another architecture"):
        estimator.load("net", str(tmp_path))
    torch.save({k: v + 1 for k, v in estimator.model.state_dict().items()}, "net.model")
    torch.save(Bomb(), "net.optimizer")
    with pytest.raises(InputError, match=r"net\.optimizer cannot be read"):
        estimator.load("net", str(tmp_path))
    torch.save(Bomb(), "net.model")
    with pytest.raises(InputError, match=r"net\.model cannot be read"):
        estimator.load("net", str(tmp_path))
    assert not (tmp_path / "opened").exists()
    assert torch.equal(weights(estimator.model), before)


def test_attacks_and_the_trainer_of_art():
    model = small_classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    estimator = estimator_of(model, optimizer=optimizer, preprocessing=(0.5, 0.25))
    trainer = AdversarialTrainer(estimator, FastGradientMethod(estimator, eps=0.03), ratio=0.5)
    torch.manual_seed(0)
    np.random.seed(0)
    trainer.fit(X, Y, batch_size=16, nb_epochs=8)
    assert (estimator.predict(X).argmax(1) == Y).mean() > 0.9
    options = {"eps": 0.3, "eps_step": 0.06, "max_iter": 10, "verbose": False}
    for kind in (ProjectedGradientDescent, SegPGD):
        adversarial = kind(estimator, **options).generate(X, Y)
        assert (estimator.predict(adversarial).argmax(1) == Y).mean() < 0.5


def test_a_network_that_changes_what_its_last_layer_gives():
    class Cooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = small_classifier()

        def forward(self, x):
            return self.inner(x) / 10

    with pytest.raises(InputError, match=r"logits are not the outputs of inner\.4"):
        PyTorchHypersphereClassifier(Cooled(), None, (3, 6, 7), 4, device_type="cpu")
