"""Sizes in another unit than that of the images, in everything that takes sizes."""

import re
import warnings

import numpy as np
import pytest
import torch
import torchattacks
from art.estimators.classification import PyTorchClassifier
from oracles import tiny_problem
from torch import nn

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.attacks.common import ThreatModel
from art_segplugin.cli.options import threat_model
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.checks import check_unit
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.core.steps import SteepestStep
from art_segplugin.errors import InputError
from art_segplugin.wrappers import torchattacks as ta
from art_segplugin.wrappers.art import PyTorchSegmenter, SegFGSM, SegPGD


def estimator(clip_values=(0.0, 1.0)):
    options = {"input_shape": (3, 12, 14), "nb_classes": 4, "device_type": "cpu"}
    scale = float(clip_values[1])
    return PyTorchSegmenter(
        tiny_problem()[0], clip_values=clip_values, preprocessing=(0.0, scale), **options
    )


def of_the_core(model, x, labels, scale, **sizes):
    return pgd(bounds=(0.0, scale), steps=1, **sizes)(model, scale * x, labels)


def test_both_readings_are_named():
    with pytest.raises(InputError) as caught:
        check_unit("eps", 8, (0.0, 1.0), np.inf)
    assert str(caught.value) == (
        "eps is 8 and images go from 0 to 1: did you mean 8/255, or are the images in 0 to 255 "
        "(then set bounds=(0, 255))?"
    )
    with pytest.warns(UserWarning, match="8-bit") as warned:
        check_unit("eps", 8 / 255, (0.0, 255.0), np.inf)
    assert str(warned[0].message) == (
        "eps is 0.0314 and images go from 0 to 255, less than one 8-bit level: did you mean 8, or "
        "are the images in [0, 1] (then set bounds=(0, 1))?"
    )
    assert warned[0].filename == __file__
    with pytest.raises(InputError, match=r"\+?8 and images go from -1 to 1: did you mean 0\.0627"):
        check_unit("eps", 8, (-1.0, 1.0), np.inf)
    with pytest.raises(
        InputError, match=r"eps is 300 and images go from 0 to 255; give at most 255"
    ):
        check_unit("eps", 300, (0.0, 255.0), np.inf)


@pytest.mark.parametrize(
    ("size", "bounds", "norm"),
    [
        (1.0, (0.0, 1.0), np.inf),  # nothing but the values is bounded
        (0.25 / 255, (0.0, 1.0), np.inf),
        (0.0, (0.0, 255.0), np.inf),
        (1.0, (0.0, 255.0), np.inf),
        (8.0, (0.0, 1.0), 2),  # a sum over coordinates
        (8.0, (0.0, 1.0), 1),
        (8.0, (-np.inf, np.inf), np.inf),
        (None, (0.0, 1.0), np.inf),
        (torch.tensor([1.0, 0.001]), (0.0, 1.0), np.inf),
        (0.01, (-2.1, 2.6), np.inf),  # images that were normalised before
    ],
)
def test_sizes_that_may_be_meant(size, bounds, norm, recwarn):
    check_unit("eps", size, bounds, norm)
    assert not recwarn


@pytest.mark.parametrize("sizes", [{"eps": 8}, {"step_size": 2}, {"eps": torch.tensor([0.1, 8])}])
def test_the_core_refuses_and_warns_when_it_is_called(sizes):
    model, x, labels = tiny_problem()
    with pytest.raises(
        InputError, match=r"is [82] and images go from 0 to 1: did you mean [82]/255"
    ):
        of_the_core(model, x, labels, 1.0, **sizes)
    with pytest.raises(InputError, match="did you mean"):
        next(segpgd(**sizes).iterates(model, x, labels))
    small = {name: value / 255 for name, value in sizes.items()} | {"eps": 8 / 255}
    with pytest.warns(UserWarning, match=r"images go from 0 to 255, less than one 8-bit level"):
        of_the_core(lambda z: model(z / 255), x, labels, 255.0, **small)


def test_attacks_that_are_put_together_by_hand():
    model, x, labels = tiny_problem()
    by_hand = GradientAttack(ThreatModel(8.0), SteepestStep(0.1), 1)
    for attack in (by_hand, WorstCase([by_hand, by_hand])):
        with pytest.raises(InputError, match="eps is 8 and images go from 0 to 1"):
            attack(model, x, labels)


SIZES = [
    ({"eps": 8}, "eps"),
    ({"eps": 8, "eps_step": 2}, "eps"),
    ({"eps_step": 2}, "eps_step"),
    ({"eps": np.array([0.1, 8.0]), "eps_step": np.array([0.1, 0.1])}, "eps"),
    ({"eps": np.array([0.1, 0.1]), "eps_step": np.array([0.1, 8.0])}, "eps_step"),
]


@pytest.mark.parametrize(("sizes", "named"), SIZES, ids=str)
def test_art_refuses_at_construction_and_by_set_params(sizes, named):
    words = (
        rf"^{named} is [82] and .* did you mean [82]/255, or .*estimator's clip_values=\(0, 255\)"
    )
    with pytest.raises(InputError, match=words):
        SegPGD(estimator(), **sizes)
    attack = SegPGD(estimator(), verbose=False)
    with pytest.raises(InputError, match=words):
        attack.set_params(**sizes)
    assert attack.eps == 8 / 255
    SegPGD(estimator(), **sizes, norm=2)
    SegPGD(estimator((0.0, 255.0)), **{"eps": 8, "eps_step": 2} | sizes)


def test_art_warns_once_an_attack_of_sizes_far_below_the_range():
    _, x, labels = tiny_problem()
    x, labels = np.tile(255 * x.numpy(), (3, 1, 1, 1)), np.tile(labels.numpy(), (3, 1, 1))
    for eps, step, count in (
        (8 / 255, 2 / 255, 2),
        (8, 2 / 255, 1),
        (np.full(6, 8 / 255), np.full(6, 2.0), 1),
        (8, 2, 0),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            attack = SegPGD(estimator((0, 255)), eps=eps, eps_step=step, batch_size=1, max_iter=1)
            attack.verbose = False
            attack.generate(x, labels)
        said = [str(one.message) for one in caught if "8-bit level" in str(one.message)]
        assert len(said) == count
        assert all("did you mean 8" in one or "did you mean 2" in one for one in said)


def test_art_on_classifiers():
    classifier = PyTorchClassifier(
        nn.Sequential(nn.Flatten(), nn.Linear(12, 3)),
        nn.CrossEntropyLoss(),
        (3, 2, 2),
        3,
        clip_values=(0, 1),
        device_type="cpu",
    )
    with pytest.raises(InputError, match="did you mean 8/255"):
        SegFGSM(classifier, eps=8)


@pytest.mark.parametrize(
    ("kind", "sizes", "named"),
    [
        (ta.SegPGD, {"eps": 8}, "eps"),
        (ta.SegPGD, {"alpha": 2}, "alpha"),
        (ta.SegFGSM, {"eps": 8}, "eps"),
        (ta.SegPGD, {"eps": np.array([0.1, 8]), "alpha": 0.1}, "eps"),
    ],
)
def test_torchattacks_refuses(kind, sizes, named):
    model, x, labels = tiny_problem()
    words = rf"^{named} is [82] and images go from 0 to 1: did you mean [82]/255\?$"
    with pytest.raises(InputError, match=words):
        kind(model, **sizes)
    kind(model, **sizes, norm="L2")
    attack = kind(model)
    setattr(attack, named, 8)
    with pytest.raises(InputError, match=f"{named} is 8"):
        attack(x, labels)


@pytest.mark.parametrize(
    ("name", "sizes"), [("PGD", {"eps": 8}), ("PGD", {"alpha": 2}), ("PIFGSM", {"max_epsilon": 16})]
)
def test_torchattacks_own_attacks(name, sizes):
    model, x, labels = tiny_problem()
    attack = ta.for_segmentation(getattr(torchattacks, name))(model, **sizes)
    with pytest.raises(InputError, match=re.escape("images go from 0 to 1: did you mean")):
        attack(x, labels)
    ta.for_segmentation(torchattacks.PGDL2)(model, eps=8, steps=1)(x, labels)


@pytest.mark.parametrize(
    ("eps", "step", "named"), [("8", None, "--eps is 8"), (None, "2", "--step-size is 2")]
)
def test_the_command_line_asks_about_both(eps, step, named):
    with pytest.raises(InputError, match=rf"^{named} and .* from 0 to 1: did you mean [82]/255\?$"):
        threat_model("inf", eps, step)
    assert threat_model("2", "8", "2") == {"norm": "2", "eps": 8.0, "step_size": 2.0}
    assert threat_model("inf", "1", "1")["step_size"] == 1.0


def test_images_in_0_to_1_within_bounds_of_8_bits():
    model, x, labels = tiny_problem()
    words = r"images go from .* and their bounds are 0 to 255: if they are in \[0, 1\], set"
    with pytest.warns(UserWarning, match=rf"{words} bounds="):
        pgd(8.0, 2.0, 1, bounds=(0.0, 255.0))(model, x, labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        attack = SegPGD(estimator((0, 255)), eps=8, eps_step=2, batch_size=1, verbose=False)
        attack.generate(x.numpy(), labels.numpy())
        attack.generate(255 * x.numpy(), labels.numpy())
        attack.generate(0 * x.numpy(), labels.numpy())  # black images
    (text,) = [str(one.message) for one in caught if "their bounds" in str(one.message)]
    assert "set the estimator's clip_values=(0, 1)" in text
