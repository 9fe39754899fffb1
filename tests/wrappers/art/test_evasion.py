import math
import pickle

import numpy as np
import pytest
import torch
from art.attacks.attack import EvasionAttack
from art.attacks.evasion import ProjectedGradientDescentNumpy
from art.estimators.classification import PyTorchClassifier
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.estimators.regression import PyTorchRegressor
from art.exceptions import EstimatorError
from oracles import tiny_problem
from torch import nn

from art_segplugin.attacks import pgd, segfgsm, segpgd, temperature_pgd
from art_segplugin.wrappers.art import (
    SegFGSM,
    SegmentationPGD,
    SegmenterMixin,
    SegPGD,
    TemperaturePGD,
)

FACES = {
    "SegPGD": (SegPGD, segpgd),
    "SegmentationPGD": (SegmentationPGD, pgd),
    "TemperaturePGD": (TemperaturePGD, temperature_pgd),
}
RADII = {math.inf: (0.06, 0.02), 2: (0.6, 0.2), 1: (8.0, 3.0)}

every_attack = pytest.mark.parametrize("kind", [SegPGD, SegFGSM, SegmentationPGD, TemperaturePGD])
pgd_like = pytest.mark.parametrize("name", FACES)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


@pgd_like
@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("restarts", [0, 1, 3])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_face_equals_the_core_bit_for_bit(problem, name, norm, restarts, targeted):
    face, recipe = FACES[name]
    eps, step = RADII[norm]
    y = np.where(problem.y == 255, 255, (problem.y + 1) % 4) if targeted else problem.y
    attack = face(
        problem.estimator,
        norm=norm,
        eps=eps,
        eps_step=step,
        max_iter=4,
        targeted=targeted,
        num_random_init=restarts,
        verbose=False,
    )
    core = recipe(
        eps,
        step,
        4,
        norm,
        random_start=restarts > 0,
        restarts=max(restarts, 1),
        targeted=targeted,
    )
    expected = core(problem.model, problem.images(), torch.from_numpy(y), generator=seeded())
    result = attack.generate(problem.x, y, generator=seeded())
    assert result.dtype == np.float32
    assert np.array_equal(result, expected)
    assert not np.array_equal(result, problem.x)


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("restarts", [0, 2])
def test_segfgsm_equals_the_core_bit_for_bit(problem, norm, restarts):
    eps, _ = RADII[norm]
    attack = SegFGSM(problem.estimator, norm=norm, eps=eps, num_random_init=restarts, verbose=False)
    core = segfgsm(eps, norm, random_start=restarts > 0, restarts=max(restarts, 1))
    expected = core(problem.model, problem.images(), problem.labels(), generator=seeded())
    assert np.array_equal(attack.generate(problem.x, problem.y, generator=seeded()), expected)


@pytest.mark.parametrize("schedule", ["log", "exp", "only-correct", 0.3])
def test_schedule_and_decay_reach_the_core(problem, schedule):
    attack = SegPGD(
        problem.estimator,
        max_iter=4,
        decay=0.9,
        schedule=schedule,
        num_random_init=0,
        verbose=False,
    )
    core = segpgd(steps=4, decay=0.9, schedule=schedule, random_start=False)
    expected = core(problem.model, problem.images(), problem.labels())
    assert np.array_equal(attack.generate(problem.x, problem.y), expected)


@every_attack
def test_defaults(problem, kind):
    attack = kind(problem.estimator)
    assert attack.eps == 8 / 255
    assert attack.norm == np.inf
    assert attack.num_random_init == (0 if kind is SegFGSM else 1)
    if kind is not SegFGSM:
        assert (attack.eps_step, attack.max_iter) == (None, 20)


@every_attack
def test_it_is_an_evasion_attack_for_segmenters_and_classifiers_only(problem, kind):
    assert issubclass(kind, EvasionAttack)
    kinds = (SegmenterMixin, PyTorchClassifier)
    assert kind._estimator_requirements == (BaseEstimator, LossGradientsMixin, kinds)
    other = PyTorchRegressor(problem.model, nn.MSELoss(), (3, 12, 14), device_type="cpu")
    with pytest.raises(EstimatorError, match=r"SegmenterMixin.* or .*PyTorchClassifier"):
        kind(other)


def test_art_pgd_agrees_with_segmentation_pgd(problem):
    """Linf from the image, where both take the sign of the gradient of the same loss."""
    options = {"eps": 0.06, "eps_step": 0.02, "max_iter": 5, "num_random_init": 0, "verbose": False}
    ours = SegmentationPGD(problem.estimator, **options).generate(problem.x, problem.y)
    theirs = ProjectedGradientDescentNumpy(problem.estimator, **options).generate(
        problem.x, problem.y
    )
    # Sums over pixels and means round differently, which flips the sign of a few tiny gradients.
    assert (np.abs(ours - theirs) < 1e-6).mean() > 0.999


@every_attack
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"norm": 3}, ValueError, "norm is 3; attacks are defined for 1, 2 and inf"),
        ({"eps": -0.1}, ValueError, "eps is -0.1"),
        ({"eps": np.float32(0.1)}, TypeError, "eps is a float32"),
        ({"eps": "0.1"}, TypeError, "eps is a str"),
        ({"targeted": 1}, ValueError, "targeted is 1"),
        ({"num_random_init": 0.5}, TypeError, "num_random_init is 0.5"),
        ({"num_random_init": -1}, ValueError, "num_random_init is -1"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"batch_size": 2.5}, TypeError, "batch_size is 2.5"),
        ({"eps": math.nan}, ValueError, "eps is nan"),
        ({"eps": math.inf}, ValueError, "eps is inf"),
        ({"verbose": "yes"}, ValueError, "verbose is 'yes'"),
        ({"summary_writer": 3}, ValueError, "summary_writer"),
    ],
    ids=str,
)
def test_bad_parameters(problem, kind, options, error, message):
    with pytest.raises(error, match=message):
        kind(problem.estimator, **options)
    attack = kind(problem.estimator)
    with pytest.raises(error, match=message):
        attack.set_params(**options)


@pgd_like
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"eps_step": 0.0}, ValueError, "eps_step is 0.0"),
        ({"eps_step": np.float32(0.1)}, TypeError, "eps_step a float32"),
        ({"eps": np.ones(2), "eps_step": 0.1}, TypeError, "eps is a ndarray and eps_step a float"),
        ({"eps": np.ones(2), "eps_step": np.ones(3)}, ValueError, r"eps has shape \(2,\)"),
        ({"max_iter": 0}, ValueError, "max_iter is 0"),
        ({"max_iter": 2.5}, TypeError, "max_iter is 2.5"),
        ({"eps_step": math.inf}, ValueError, "eps_step is inf"),
        ({"eps_step": math.nan}, ValueError, "eps_step is nan"),
        ({"decay": -1.0}, ValueError, "decay is -1.0"),
    ],
    ids=str,
)
def test_bad_parameters_of_pgd(problem, name, options, error, message):
    with pytest.raises(error, match=message):
        FACES[name][0](problem.estimator, **options)


@pgd_like
def test_whole_numbers_of_numpy(problem, name):
    numbers = {"max_iter": 3, "num_random_init": 2, "batch_size": 1}
    results = []
    for kind in (int, np.int64, np.uint8):
        attack = FACES[name][0](problem.estimator, verbose=False)
        attack.set_params(**{key: kind(value) for key, value in numbers.items()})
        results.append(attack.generate(problem.x, problem.y, generator=seeded()))
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_a_schedule_that_is_none(problem):
    with pytest.raises(ValueError, match="schedule is 'quadratic'"):
        SegPGD(problem.estimator, schedule="quadratic")


@every_attack
def test_every_parameter_can_be_set(problem, kind):
    attack = kind(problem.estimator, verbose=False)
    attack.set_params(eps=0.1, norm=2, num_random_init=2, batch_size=1, random_eps=True)
    expected = kind(
        problem.estimator,
        eps=0.1,
        norm=2,
        num_random_init=2,
        batch_size=1,
        random_eps=True,
        verbose=False,
    )
    assert all(getattr(attack, n) == getattr(expected, n) for n in attack.attack_params)
    assert np.array_equal(
        attack.generate(problem.x, problem.y, generator=seeded()),
        expected.generate(problem.x, problem.y, generator=seeded()),
    )
    assert "eps=0.1" in repr(attack)
    with pytest.raises(ValueError, match="minimal"):
        attack.set_params(minimal=True)


@every_attack
def test_pickles(problem, kind):
    attack = kind(problem.estimator, verbose=False)
    twin = pickle.loads(pickle.dumps(attack))
    assert np.array_equal(
        twin.generate(problem.x, problem.y, generator=seeded()),
        attack.generate(problem.x, problem.y, generator=seeded()),
    )


def test_interleaved_runs_on_one_model_do_not_disturb_each_other(problem):
    first, second = segpgd(steps=5, random_start=False), pgd(steps=5, random_start=False)
    model, arguments = problem.estimator.logits, (problem.images(), problem.labels())
    problem.model.train()
    alone = first(model, *arguments), second(model, *arguments)
    for pair in zip(
        first.iterates(model, *arguments), second.iterates(model, *arguments), strict=True
    ):
        together = [iterate.best for iterate in pair]
        assert problem.model.training
        problem.estimator.loss_gradient(problem.x, problem.y)
    assert all(torch.equal(*results) for results in zip(alone, together, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("norm", RADII)
def test_cuda_agrees_with_the_cpu_in_float64(norm, segmenter):
    model, images, labels = tiny_problem(dtype=torch.float64)
    eps, step = RADII[norm]
    options = {
        "norm": norm,
        "eps": eps,
        "eps_step": step,
        "max_iter": 5,
        "num_random_init": 0,
        "verbose": False,
    }
    expected = SegPGD(segmenter(model), **options).generate(images, labels)
    attack = SegPGD(segmenter(model, device_type="gpu"), **options)
    for x, y in ((images, labels), (images.cuda(), labels.cuda())):
        result = attack.generate(x, y)
        assert result.device == x.device
        assert torch.allclose(result.cpu(), expected, atol=1e-9)


@pytest.mark.gpu
def test_the_face_equals_the_core_on_cuda(segmenter):
    model, images, labels = tiny_problem()
    attack = SegPGD(segmenter(model, device_type="gpu"), max_iter=4, verbose=False)
    generators = (torch.Generator("cuda").manual_seed(1) for _ in range(2))
    result = attack.generate(images.numpy(), labels.numpy(), generator=next(generators))
    expected = segpgd(steps=4)(model, images.cuda(), labels.cuda(), generator=next(generators))
    assert np.array_equal(result, expected.cpu())


def test_a_net_for_other_channels(segmenter):
    model = nn.Conv2d(1, 3, 3, padding=1).eval()
    estimator = segmenter(model, input_shape=(1, 8, 8), nb_classes=3)
    x = np.random.default_rng(0).random((2, 1, 8, 8), dtype=np.float32)
    assert not np.array_equal(SegPGD(estimator, max_iter=1, verbose=False).generate(x), x)


@every_attack
def test_the_net_is_fooled(problem, kind):
    y = problem.estimator.predict(problem.x, output="labels")
    adversarial = kind(problem.estimator, eps=0.2, verbose=False).generate(problem.x, y)
    assert problem.estimator.compute_losses(adversarial, y)["zero_one"].min() > 0.3
