import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tiny_problem

from art_segplugin.attacks import named, pgd
from art_segplugin.core.steps import AnnealedStep, MomentumStep, SteepestStep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError


def test_momentum_is_equations_6_and_7_of_mi_fgsm():
    """Gradients are given, so that only the step rule is looked at."""
    torch.manual_seed(0)
    x = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    gradients = torch.randn(6, 2, 3, 4, 5, dtype=torch.float64)
    step = MomentumStep(0.02, decay=0.7).start(ThreatModel(0.05).around(x), 6)
    model, images, labels = tiny_problem()
    forward = next(pgd().iterates(model, images, labels)).forward  # which this rule ignores
    ours, expected, velocity = x, x, torch.zeros_like(x)
    plain = x
    for gradient in gradients:
        ours = step(ours, gradient, forward)
        for n in range(2):
            velocity[n] = 0.7 * velocity[n] + gradient[n] / gradient[n].abs().mean()
        expected = (x + (expected + 0.02 * velocity.sign() - x).clamp(-0.05, 0.05)).clamp(0, 1)
        plain = (x + (plain + 0.02 * gradient.sign() - x).clamp(-0.05, 0.05)).clamp(0, 1)
    torch.testing.assert_close(ours, expected)
    assert not torch.allclose(ours, plain)


def test_no_decay_is_the_plain_step():
    model, x, labels = tiny_problem(dtype=torch.float64)
    options = {"eps": 0.05, "step_size": 0.01, "steps": 5, "random_start": False}
    torch.testing.assert_close(
        pgd(**options, decay=0.0)(model, x, labels), pgd(**options)(model, x, labels)
    )


def test_one_step_size_per_image_or_refusal():
    with pytest.raises(InputError, match="step_size has 3 values for 2 images"):
        MomentumStep(torch.ones(3)).start(ThreatModel(0.1).around(torch.zeros(2, 3, 4, 4)), 1)


@pytest.mark.parametrize(
    ("schedule", "share"),
    [
        ("constant", lambda i, n: 1.0),
        ("cosine", lambda i, n: math.cos(math.pi * i / (2 * n)) ** 2),
        ("linear", lambda i, n: (n - i) / n),
    ],
)
@pytest.mark.parametrize("norm", [1, 2, math.inf])
@pytest.mark.parametrize("decay", [None, 0.7])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_size_of_a_step_falls_as_its_schedule_says(schedule, share, norm, decay, targeted):
    """Every move is that of a rule whose size is the schedule's, from the same point and gradients."""
    eps, steps = {1: 8.0, 2: 0.6, math.inf: 0.06}[norm], 5
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = pgd(
        eps, None, steps, norm, random_start=False, targeted=targeted, decay=decay,
        step_schedule=schedule,
    )  # fmt: skip
    first = (
        2 * eps if schedule != "constant" else min(eps / 4, 2 / 255 if norm == math.inf else eps)
    )
    points = [iterate.x_adv for iterate in attack.iterates(model, x, labels)]
    region, velocity = ThreatModel(eps, norm).around(x), torch.zeros_like(x)
    weights, void = (labels != 255).double(), labels.masked_fill(labels == 255, 0)
    for i in range(steps):
        leaf = points[i].clone().requires_grad_()
        loss = (F.cross_entropy(model(leaf), void, reduction="none") * weights).sum()
        (gradient,) = torch.autograd.grad(-loss if targeted else loss, leaf)
        if decay is not None:
            mean = gradient.abs().flatten(1).mean(1).view(-1, 1, 1, 1)
            velocity = gradient = decay * velocity + gradient / mean
        expected = region.ascend(points[i], gradient, first * share(i, steps))
        torch.testing.assert_close(points[i + 1], expected, atol=1e-12, rtol=0)


@given(
    norm=st.sampled_from([1, 2, math.inf]),
    schedule=st.sampled_from(["cosine", "linear"]),
    steps=st.integers(1, 12),
    size=st.floats(1e-3, 3.0),
)
@settings(deadline=None, max_examples=25)
def test_steps_that_fall_stay_inside_and_begin_at_their_size(norm, schedule, steps, size):
    x = torch.full((1, 3, 4, 5), 0.5, dtype=torch.float64)
    gradient = torch.linspace(-1, 2, x.numel(), dtype=torch.float64).view_as(x)
    threat = ThreatModel(0.2 * x.numel() if norm == 1 else 0.3, norm)
    step = AnnealedStep(SteepestStep(size), schedule).start(threat.around(x), steps)
    model, images, labels = tiny_problem()
    forward, at = next(pgd().iterates(model, images, labels)).forward, x
    for i in range(steps):
        at = step(at, gradient, replace(forward, step=i))
        assert threat.distance(at, x) <= threat.eps * (1 + 1e-9)
        if i == 0:
            assert torch.equal(at, threat.around(x).ascend(x, gradient, size))


def test_what_annealing_cannot_do_is_refused():
    with pytest.raises(InputError, match="step_schedule is 'exp'; give one of constant, cosine"):
        pgd(step_schedule="exp")
    with pytest.raises(InputError, match="step_size is -1"):
        pgd(step_size=-1.0, step_schedule="cosine")


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, 2 / 255),
        ({"eps": 4 / 255}, 1 / 255),
        ({"eps": 0.5}, 2 / 255),
        ({"eps": 0.5, "norm": 2}, 0.125),
        ({"eps": 8.0, "bounds": (0, 255)}, 2.0),
        ({"eps": 8.0, "bounds": (-math.inf, math.inf)}, 2.0),
        ({"step_schedule": "cosine"}, 16 / 255),
        ({"step_schedule": "linear", "norm": 2, "eps": 0.5}, 1.0),
        ({"step_schedule": "cosine", "step_size": 0.01}, 0.01),
        ({"step_schedule": "cosine", "eps": 0.6}, 1.0),
        ({"step_schedule": "cosine", "eps": 100.0, "bounds": (0, 255)}, 200.0),
        ({"step_schedule": "cosine", "eps": 200.0, "bounds": (0, 255)}, 255.0),
        ({"step_schedule": "linear", "norm": 2, "eps": 30.0}, 60.0),
    ],
)
def test_where_steps_begin_if_nothing_is_said(given, size):
    assert pgd(**given).step.size == pytest.approx(size, rel=1e-12)
    assert named("pgd", **given).described()["step_size"] == pytest.approx(size, rel=1e-12)


def test_a_radius_beyond_half_of_the_range_is_no_mistake():
    model, x, labels = tiny_problem()
    answer = pgd(0.6, steps=2, step_schedule="cosine")(model, x, labels)
    assert 0.5 < (answer - x).abs().max() <= 0.6 + 1e-6


def test_each_image_has_its_own_first_step():
    eps = torch.tensor([0.01, 0.1])
    torch.testing.assert_close(pgd(eps).step.size, torch.tensor([0.0025, 2 / 255]))
    torch.testing.assert_close(pgd(eps, step_schedule="cosine").step.size, 2 * eps)
