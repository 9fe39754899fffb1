from pathlib import Path

import pytest
import torch
from torch import nn

from art_segplugin.cli.train import TrainArgs
from art_segplugin.cli.training import apply_hypersphere
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head, to_hypersphere
from art_segplugin.models import Classifier
from art_segplugin.training import OBJECTIVES

DATA = [Sample("grey", torch.full((3, 2, 2), 0.5), torch.zeros(1, 1, dtype=torch.int64))]


def applied(model, objective, he=False, scale=None, margin=None, layer=None):
    args = TrainArgs(
        out=Path("run"), objective=objective, he=he, he_scale=scale, he_margin=margin, layer=layer
    )
    return apply_hypersphere(args, model, 4, DATA)


@pytest.fixture
def model():
    return Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4)), classes=4
    )


def test_an_ordinary_model_stays_one(model):
    assert applied(model, "alp") == (1.0, 0.0)
    assert hypersphere_head(model) is None


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_scale_and_margin_are_those_of_the_objective(model, objective):
    usual = OBJECTIVES[objective]
    assert applied(model, objective, True) == (usual.scale, usual.margin)
    assert hypersphere_head(model).scale == usual.scale


def test_what_was_given_wins(model):
    assert applied(model, "alp", True, 3.0, 0.0, "3") == (3.0, 0.0)


@pytest.mark.parametrize("wanted", [False, True])
def test_a_head_is_kept_with_its_scale(model, wanted):
    to_hypersphere(model, 4, 3.0)
    assert applied(model, "pgd-at", wanted) == (3.0, 0.2)
    assert applied(model, "pgd-at", wanted, 3.0, 0.1) == (3.0, 0.1)
    with pytest.raises(InputError, match="has scale 3, and --he-scale is 5"):
        applied(model, "pgd-at", wanted, 5.0)
    with pytest.raises(InputError, match="has a hypersphere head already, and layer is"):
        applied(model, "pgd-at", wanted, layer="3")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((False, 3.0), "give --he too"),
        ((False, None, 0.1), "give --he too"),
        ((False, None, None, "3"), "give --he too"),
        ((True, 0.0), "scale is 0.0"),
        ((True, None, -0.1), "margin is -0.1"),
        ((True, None, float("nan")), "margin is nan"),
        ((True, None, 2.0), "margin is 2.0; .* below 2"),
        ((True, 1e5), "scale is 100000.0; .* at most 10000"),
        ((True, None, None, "7"), "no layer '7'"),
        ((True, None, None, ""), "the layer is empty; give its name, such as classifier"),
    ],
)
def test_what_does_not_fit_is_named(model, words, message):
    with pytest.raises(InputError, match=message):
        applied(model, "pgd-at", *words)


class Refined(nn.Sequential):
    def forward(self, x):
        return super().forward(x).softmax(1)


def test_a_converted_network_is_tried(model):
    model.model = Refined(*model.model)
    with pytest.raises(InputError, match=r"logits are not the outputs of 3: something foll"):
        applied(model, "pgd-at", True)
    assert applied(model, "pgd-at", False)[0] > 1  # has a head by now
