"""Our attacks on ART's classifiers as people use them, and misuse them."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from art.defences.trainer import AdversarialTrainer
from art.estimators.classification import (
    BlackBoxClassifierNeuralNetwork,
    EnsembleClassifier,
    SklearnClassifier,
)
from art.exceptions import EstimatorError
from sklearn.linear_model import LogisticRegression
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import SegFGSM, SegmentationPGD, SegPGD, TemperaturePGD

KINDS = [SegPGD, SegmentationPGD, TemperaturePGD, SegFGSM]
every_attack = pytest.mark.parametrize("kind", KINDS)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def quiet(kind, estimator, **options):
    if kind is not SegFGSM:
        options = {"max_iter": 4, **options}
    return kind(estimator, verbose=False, **options)


BAD = {
    r"labels have shape \(8, 7, 8\)": lambda x, y: {"y": np.zeros((8, 7, 8), int)},
    r"labels have shape \(8, 3\)": lambda x, y: {"y": np.eye(4)[y][:, :3]},
    "labels hold 4; expected 0 to 3": lambda x, y: {"y": y + (y == 3)},
    "labels hold 255; expected 0 to 3": lambda x, y: {"y": np.full(8, 255)},
    "labels hold -1; expected 0 to 3": lambda x, y: {"y": np.full(8, -1)},
    "no whole numbers": lambda x, y: {"y": y + 0.5},
    "labels for 7 images and 8 images": lambda x, y: {"y": y[1:]},
    r"x has shape \(3, 7, 8\); give a batch": lambda x, y: {"x": x[0]},
    "x goes from .* outside the estimator's clip_values 0 to 1": lambda x, y: {"x": x * 255},
    r"mask has shape \(9, 9\)": lambda x, y: {"mask": np.ones((9, 9))},
}


@every_attack
@pytest.mark.parametrize("words", BAD)
def test_arguments_that_do_not_fit(classification, kind, words):
    x, y = classification.x, classification.y
    with pytest.raises(InputError, match=words) as caught:
        quiet(kind, classification.estimator).generate(**{"x": x, "y": y, **BAD[words](x, y)})
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_targets_must_be_given(classification):
    with pytest.raises(InputError, match="targeted and y is None"):
        quiet(TemperaturePGD, classification.estimator, targeted=True).generate(classification.x)


@every_attack
def test_probabilities_are_warned_of_once(classification, kind):
    estimator = classification.with_options(
        model=nn.Sequential(classification.model, nn.Softmax(1)).eval()
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet(kind, estimator, batch_size=2).generate(classification.x, classification.y)
        quiet(kind, classification.estimator).generate(classification.x, classification.y)
    assert ["probabilities" in str(warning.message) for warning in caught] == [True]


class Cosines(nn.Module):
    """Normalised outputs, as of a model whose scale is left to its loss."""

    def __init__(self, model, scale):
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, x):
        return self.scale * nn.functional.normalize(self.model(x), dim=1)


@pytest.mark.parametrize(("scale", "warned"), [(1, [True]), (15, [])])
def test_cosines_that_are_not_scaled_are_warned_of(classification, scale, warned):
    model = Cosines(classification.model, scale).eval()
    estimator = classification.with_options(model=model)
    x = np.concatenate([classification.x] * 3)
    y = estimator.predict(x).argmax(1)
    y[:2] = (y[:2] + 1) % 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet(SegPGD, estimator).generate(x, y)
    assert ["looks like cosines" in str(warning.message) for warning in caught] == warned


def other_estimators(problem):
    regression = LogisticRegression().fit(problem.x.reshape(8, -1), problem.y)
    yield SklearnClassifier(regression)
    yield BlackBoxClassifierNeuralNetwork(lambda x: np.zeros((len(x), 4)), (3, 7, 8), 4)
    yield EnsembleClassifier([problem.estimator], channels_first=True)


@every_attack
@pytest.mark.parametrize("which", range(3))
def test_classifiers_without_a_torch_model_are_refused_by_art(classification, kind, which):
    estimator = list(other_estimators(classification))[which]
    with pytest.raises(EstimatorError) as caught:
        kind(estimator)
    assert "PyTorchClassifier" in str(caught.value)
    assert type(estimator).__name__ in str(caught.value)


@every_attack
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies(classification, kind, copied):
    attack = quiet(kind, classification.estimator)
    twin = copied(attack)
    assert twin.estimator is not attack.estimator
    assert np.array_equal(
        twin.generate(classification.x, classification.y, generator=seeded()),
        attack.generate(classification.x, classification.y, generator=seeded()),
    )


def test_adversarial_trainer(classification):
    torch.manual_seed(0)
    np.random.seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(168, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    estimator = classification.with_options(model=model, optimizer=optimizer)
    estimator.nb_classes = 2
    x = np.random.default_rng(0).random((64, 3, 7, 8), dtype=np.float32)
    y = (x.mean((1, 2, 3)) > 0.5).astype(int)
    attack = TemperaturePGD(estimator, eps=0.02, eps_step=0.01, max_iter=3)

    def loss_under_attack():
        attack.set_params(verbose=False)
        return estimator.compute_loss(attack.generate(x, y), y).mean()

    estimator.fit(x, y, batch_size=32, nb_epochs=5)
    before = loss_under_attack()
    for labels in (y, np.eye(2)[y]):
        AdversarialTrainer(estimator, attack).fit(x, labels, batch_size=32, nb_epochs=8)
    assert loss_under_attack() < before
