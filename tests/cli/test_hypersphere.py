import pytest
from torch import nn

from art_segplugin.cli.hypersphere import HypersphereWords
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head, to_hypersphere
from art_segplugin.models import Classifier
from art_segplugin.training import OBJECTIVES


@pytest.fixture
def model():
    return Classifier(
        nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 4)), classes=4
    )


def test_an_ordinary_model_stays_one(model):
    assert HypersphereWords().apply(model, 4, "alp") == (1.0, 0.0)
    assert hypersphere_head(model) is None


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_scale_and_margin_are_those_of_the_objective(model, objective):
    usual = OBJECTIVES[objective]
    assert HypersphereWords(True).apply(model, 4, objective) == (usual.scale, usual.margin)
    assert hypersphere_head(model).scale == usual.scale


def test_what_was_given_wins(model):
    assert HypersphereWords(True, 3.0, 0.0, "3").apply(model, 4, "alp") == (3.0, 0.0)


@pytest.mark.parametrize("wanted", [False, True])
def test_a_head_is_kept_with_its_scale(model, wanted):
    to_hypersphere(model, 4, 3.0)
    assert HypersphereWords(wanted).apply(model, 4, "pgd-at") == (3.0, 0.2)
    assert HypersphereWords(wanted, 3.0, 0.1).apply(model, 4, "pgd-at") == (3.0, 0.1)
    with pytest.raises(InputError, match="has scale 3, and --he-scale is 5"):
        HypersphereWords(wanted, 5.0).apply(model, 4, "pgd-at")
    with pytest.raises(InputError, match="has a hypersphere head already, and layer is"):
        HypersphereWords(wanted, layer="3").apply(model, 4, "pgd-at")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((False, 3.0), "give --he too"),
        ((False, None, 0.1), "give --he too"),
        ((False, None, None, "3"), "give --he too"),
        ((True, 0.0), "scale is 0.0"),
        ((True, None, -0.1), "the margin is -0.1"),
        ((True, None, float("nan")), "the margin is nan"),
        ((True, None, None, "7"), "no layer '7'"),
    ],
)
def test_what_does_not_fit_is_named(model, words, message):
    with pytest.raises(InputError, match=message):
        HypersphereWords(*words).apply(model, 4, "pgd-at")
