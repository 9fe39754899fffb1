import inspect

import pytest
import torch
from one_label import one_label_problem
from oracles import tiny_problem

from art_segplugin.attacks import temperature_pgd, temperature_sweep
from art_segplugin.attacks.common import SizedIterations
from art_segplugin.core.types import NO_VOID
from art_segplugin.errors import InputError

EPS, STEP = 0.05, 0.01


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def fooled_share(model, x, labels, void):
    valid = labels != void
    fooled = (model(x).argmax(1) != labels) & valid
    return fooled.flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)


@pytest.mark.parametrize(("problem", "void"), [(tiny_problem, 255), (one_label_problem, NO_VOID)])
def test_a_sweep_is_the_best_of_its_members_on_every_image(problem, void):
    model, x, labels = problem(n=6)
    start = (x + 0.01).clamp(0, 1)
    options = {"eps": 0.02, "step_size": 0.01, "steps": 3, "ignore_index": void}
    answer = temperature_sweep(**options)(model, x, labels, start=start)
    members = [
        temperature_pgd(**options, temperature=t)(model, x, labels, start=start)
        for t in (10, 5, 2, 1, 0.5, 0.2, 0.1, 0.02)
    ]
    rates = torch.stack([fooled_share(model, member, labels, void) for member in members])
    torch.testing.assert_close(fooled_share(model, answer, labels, void), rates.amax(0))
    if problem is tiny_problem:
        assert rates.argmax(0).unique().numel() > 1  # else one temperature would do


def test_a_sweep_draws_its_starts_independently():
    model, x, labels = tiny_problem()
    attack = temperature_sweep(EPS, STEP, 1, temperatures=(0.5, 0.2))
    runs = list(attack.iterates(model, x, labels, generator=seeded()))
    first, second = (i.x_adv for i in runs if i.step == 0)
    assert not torch.equal(first, second)
    alone = temperature_pgd(EPS, STEP, 1, temperature=0.5)
    assert torch.equal(next(alone.iterates(model, x, labels, generator=seeded())).x_adv, first)


def test_a_sweep_of_one_temperature_is_that_attack():
    model, x, labels = tiny_problem()
    options = {"eps": EPS, "step_size": STEP, "steps": 3, "restarts": 2, "schedule": "linear"}
    sweep = temperature_sweep(**options, temperatures=[0.3], scale=2.0)
    alone = temperature_pgd(**options, temperature=0.3, scale=2.0)
    assert torch.equal(
        sweep(model, x, labels, generator=seeded()), alone(model, x, labels, generator=seeded())
    )
    assert (sweep.steps, sweep.restarts) == (alone.steps, alone.restarts)


@pytest.mark.parametrize("temperatures", [(), 0.2, "", None])
def test_no_temperatures_are_explained(temperatures):
    unchecked = inspect.unwrap(temperature_sweep)
    with pytest.raises(InputError, match="give one or more"):
        unchecked(SizedIterations(), temperatures=temperatures)
