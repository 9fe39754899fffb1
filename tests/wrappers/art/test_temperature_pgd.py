"""What only Temperature-PGD has: its temperatures, scale and schedule."""

import numpy as np
import pytest
import torch

from art_segplugin.attacks import SWEEP, pgd, segpgd, temperature_pgd, temperature_sweep
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art import SegmentationPGD, SegPGD, TemperaturePGD

SIZES = {"eps": 0.06, "eps_step": 0.02, "max_iter": 4, "verbose": False}


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 5.0},
        {"temperature": 0.02, "scale": 3.0},
        {"temperature": np.float32(0.5), "schedule": "log"},
        {"temperature": 2, "decay": 0.9},
    ],
    ids=str,
)
def test_parameters_reach_the_core(problem, options):
    attack = TemperaturePGD(problem.estimator, **SIZES, **options)
    core = temperature_pgd(
        0.06, 0.02, 4, **{**options, "temperature": float(options["temperature"])}
    )
    expected = core(problem.model, problem.images(), problem.labels(), generator=seeded())
    assert np.array_equal(attack.generate(problem.x, problem.y, generator=seeded()), expected)
    plain = SegmentationPGD(problem.estimator, **SIZES).generate(
        problem.x, problem.y, generator=seeded()
    )
    assert not np.array_equal(expected, plain)


def test_temperature_1_is_pgd_or_segpgd(problem):
    x, y = problem.x, problem.y
    hot = TemperaturePGD(problem.estimator, temperature=1, **SIZES)
    for schedule, kind in ((None, SegmentationPGD), ("linear", SegPGD)):
        hot.set_params(schedule=schedule)
        expected = kind(problem.estimator, **SIZES).generate(x, y, generator=seeded())
        assert np.array_equal(hot.generate(x, y, generator=seeded()), expected)


SEVERAL = [(5.0, 1.0, 0.1), [5, 1, 0.1], np.array([5, 1, 0.1]), torch.tensor([5, 1, 0.1]).double()]


@pytest.mark.parametrize("temperature", SEVERAL, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("which", ["problem", "classification"])
def test_several_temperatures_are_the_sweep(request, which, temperature):
    given = request.getfixturevalue(which)
    attack = TemperaturePGD(
        given.estimator, temperature=temperature, num_random_init=2, batch_size=64, **SIZES
    )
    core = temperature_sweep(0.06, 0.02, 4, restarts=2, temperatures=(5.0, 1.0, 0.1))
    model = given.model if which == "problem" else given.core
    expected = core(model, given.images(), given.labels(), generator=seeded())
    assert np.array_equal(attack.generate(given.x, given.y, generator=seeded()), expected)


def test_the_sweep_keeps_the_best_of_each_image(classification):
    def right(temperature):
        attack = TemperaturePGD(
            classification.estimator, temperature=temperature, num_random_init=0, **SIZES
        )
        adversarial = attack.generate(classification.x, classification.y)
        return classification.estimator.predict(adversarial).argmax(1) == classification.y

    each = np.stack([right(temperature) for temperature in SWEEP])
    assert np.array_equal(right(SWEEP), each.all(0))
    assert not each.all()


def test_the_sweep_is_watched_too(problem, tmp_path):
    attack = TemperaturePGD(
        problem.estimator, temperature=(2, 0.5), summary_writer=str(tmp_path), **SIZES
    )
    watched = attack.generate(problem.x, problem.y, generator=seeded())
    attack.set_params(summary_writer=False)
    assert np.array_equal(attack.generate(problem.x, problem.y, generator=seeded()), watched)
    assert list(tmp_path.rglob("events*"))


@pytest.mark.parametrize("which", ["problem", "classification"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0}, "temperature is 0; give a finite number > 0"),
        ({"temperature": -1.0}, "temperature is -1.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"temperature": None}, "temperature is None"),
        ({"temperature": ()}, r"temperatures are \(\)"),
        ({"temperature": (1.0, 0.0)}, "temperature is 0.0"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
    ],
    ids=str,
)
def test_bad_values_are_named_at_once(request, which, options, words):
    estimator = request.getfixturevalue(which).estimator
    with pytest.raises(InputError, match=words) as caught:
        TemperaturePGD(estimator, **options)
    assert str(caught.value).endswith(".")
    attack = TemperaturePGD(estimator)
    with pytest.raises(InputError, match=words):
        attack.set_params(**options)


def test_parameters_are_listed_and_shown(problem):
    attack = TemperaturePGD(problem.estimator, temperature=(1, 0.2), scale=2.0)
    assert attack.attack_params[-3:] == ["temperature", "scale", "schedule"]
    assert "temperature=(1, 0.2), scale=2.0, schedule=None" in repr(attack)


def test_core_parts_differ():
    """What the tests above compare are not all the same attack."""
    kinds = [temperature_pgd(), pgd(), segpgd()]
    assert len({type(attack.weighting) for attack in kinds}) == 3
