"""`set_params`: all or none, and what was read can be set again."""

import numpy as np
import pytest
import torch
from torch import nn

from art_segplugin.attacks import ATTACKS
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import attacks
from art_segplugin.wrappers.art.hypersphere import (
    PyTorchHypersphereClassifier,
    PyTorchHypersphereSegmenter,
)

CLASSES = [getattr(attacks, spec.class_name) for spec in ATTACKS.values() if spec.class_name]
every_attack = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)

REFUSED = [
    {"targeted": "no"},
    {"eps": -1},
    {"max_iter": 0},
    {"max_iter": 2.5},
    {"eps": 0.1, "batch_size": 0},
    {"eps": 0.1, "summary_writer": 3},
    {"verbose": False, "there is no such parameter": 1},
]


def state(thing, names):
    return {name: getattr(thing, name) for name in names}


def same(one, other):
    return one.keys() == other.keys() and all(
        one[key] is other[key] or np.array_equal(one[key], other[key]) for key in one
    )


@every_attack
@pytest.mark.parametrize("new", REFUSED, ids=str)
def test_a_refused_set_params_changes_nothing(problem, kind, new):
    few = {"max_iter": 3} if "max_iter" in kind.attack_params else {}
    attack = kind(problem.estimator, verbose=False, batch_size=3, **few)
    before = state(attack, attack.attack_params)
    with pytest.raises((ValueError, TypeError)):
        attack.set_params(**new)
    assert same(before, state(attack, attack.attack_params))
    assert np.array_equal(
        attack.generate(problem.x, problem.y, generator=torch.Generator().manual_seed(1)),
        kind(problem.estimator, verbose=False, batch_size=3, **few).generate(
            problem.x, problem.y, generator=torch.Generator().manual_seed(1)
        ),
    )


@every_attack
def test_what_was_read_can_be_set_again(problem, kind, tmp_path):
    attack = kind(problem.estimator, verbose=False, batch_size=3)
    attack.set_params(**state(attack, attack.attack_params))
    attack.set_params(summary_writer=str(tmp_path))
    before = state(attack, attack.attack_params)
    attack.set_params(**before)
    assert same(before, state(attack, attack.attack_params))
    attack.set_params(summary_writer=None)
    assert attack.summary_writer is None


def segmenter(**options):
    head = nn.Sequential(nn.Conv2d(3, 4, 1))
    options |= {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu"}
    return PyTorchHypersphereSegmenter(head, **options)


@pytest.mark.parametrize(
    "new",
    [
        {"nb_classes": 1},
        {"ignore_index": 7, "nb_classes": "many"},
        {"input_shape": (3, 12), "clip_values": (0, 255)},
        {"channels_first": False, "nb_classes": 0, "preprocessing": (0.5, 0.5)},
        {"model": 3, "preprocessing_defences": None},
        {"loss": None, "there is no such parameter": 1},
        {"clip_values": (1, 0)},
    ],
    ids=str,
)
def test_a_refused_set_params_leaves_a_segmenter_as_it_was(problem, new):
    for estimator in (problem.with_options(preprocessing=(0.5, 0.25)), segmenter()):
        before, params = estimator.predict(problem.x), estimator.get_params()
        operations = list(estimator.preprocessing_operations)
        with pytest.raises((ValueError, TypeError)):
            estimator.set_params(**new)
        assert same(params, estimator.get_params())
        assert estimator.preprocessing_operations == operations
        assert np.array_equal(estimator.predict(problem.x), before)
        estimator.set_params(ignore_index=9)  # checks everything
        assert estimator.ignore_index == 9


def test_a_refused_set_params_leaves_a_hypersphere_classifier_as_it_was():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 4))
    estimator = PyTorchHypersphereClassifier(
        model, input_shape=(3, 2, 2), nb_classes=4, clip_values=(0, 1), device_type="cpu"
    )
    params = estimator.get_params()
    for new in ({"scale": 3.0, "margin": -1.0}, {"scale": 3.0, "nothing of the kind": 1}):
        with pytest.raises(ValueError, match=r"give a number >= 0|margin|nothing"):
            estimator.set_params(**new)
        assert same(params, estimator.get_params())


@pytest.mark.parametrize(
    "bad", [{"ignore_index": "a"}, {"channels_first": "x"}, {"preprocessing": (0.5, 0.0)}]
)
def test_estimators_refuse_what_would_fail_or_divide_by_zero_later(problem, bad):
    before = {name: getattr(problem.estimator, name) for name in bad}
    expected = problem.estimator.predict(problem.x)
    with pytest.raises(InputError, match=f"{next(iter(bad))} is "):
        problem.estimator.set_params(**bad)
    assert {name: getattr(problem.estimator, name) for name in bad} == before
    assert np.array_equal(problem.estimator.predict(problem.x), expected)
