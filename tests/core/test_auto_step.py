import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tiny_problem
from torch.utils._python_dispatch import TorchDispatchMode

from art_segplugin.attacks import apgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep, checkpoints
from art_segplugin.core.losses import cross_entropy
from art_segplugin.core.selectors import HighestLoss
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.threat_model import ThreatModel


def test_checkpoints_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 20, 33, 50, 250, 1000])
def test_checkpoints_by_the_formula(steps):
    p = [0.0, 0.22]
    while p[-1] <= 1:
        p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
    expected = {math.ceil(round(q * steps, 6)) for q in p[1:-1]}
    assert checkpoints(steps) == sorted(expected)


def straight_apgd(f, x, start, eps, norm, steps):
    """Algorithm 1 for one image (1, ch, h, w), with floats and ifs; f(x) is the loss, a sum."""

    def project(z):
        if norm == 2:
            length = float((z - x).norm())
            return (x + (z - x) * min(1.0, eps / length)).clamp(0, 1) if length else z.clamp(0, 1)
        return torch.maximum(torch.minimum(z, x + eps), x - eps).clamp(0, 1)

    def look(z):
        z = z.clone().requires_grad_(True)
        loss = f(z)
        (g,) = torch.autograd.grad(loss, z)
        return loss.item(), g / g.norm() if norm == 2 else g.sign()

    points, w = [start], checkpoints(steps)
    eta = 2 * eps
    now = start
    loss, direction = look(now)
    f_max, x_max, direction_max = loss, now, direction
    before = before_loss = None
    last_w, last_f_max, reduced, increases = 0, f_max, False, 0
    halvings = 0
    for k in range(steps):
        if k > 0:
            loss, direction = look(now)
            increases += loss > before_loss
            if loss > f_max:
                f_max, x_max, direction_max = loss, now, direction
            if k in w:
                condition_1 = increases < 0.75 * (k - last_w)
                condition_2 = not reduced and f_max == last_f_max
                reduced = condition_1 or condition_2
                last_w, last_f_max, increases = k, f_max, 0
                if reduced:
                    halvings += 1
                    eta /= 2
                    now, loss, direction = x_max, f_max, direction_max
        z = project(now + eta * direction)
        after = z if k == 0 else project(now + 0.75 * (z - now) + 0.25 * (now - before))
        before, before_loss, now = now, loss, after
        points.append(now)
    return points, halvings


@pytest.mark.parametrize(("norm", "eps"), [("inf", 0.06), (2, 0.6)])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("steps", [1, 7, 40])
def test_every_point_is_that_of_the_algorithm_written_out_for_one_image(norm, eps, targeted, steps):
    model, x, labels = tiny_problem(n=3, size=(6, 7), dtype=torch.float64)
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    attack = apgd(eps, steps, norm, targeted=targeted)
    runs = list(attack.iterates(model, x, labels, generator=torch.Generator().manual_seed(1)))
    sign = -1 if targeted else 1
    halvings = 0
    for n in range(3):

        def loss(z, n=n):
            return sign * F.cross_entropy(
                model(z), labels[n : n + 1], ignore_index=255, reduction="sum"
            )

        start = runs[0].x_adv[n : n + 1]
        points, count = straight_apgd(loss, x[n : n + 1], start, eps, norm, steps)
        halvings += count
        for run, point in zip(runs, points, strict=True):
            torch.testing.assert_close(run.x_adv[n : n + 1], point, rtol=0, atol=1e-9)
    assert halvings > 3 or steps < 40


def bowl(logits, labels):
    """Highest, 0, where every value of the image is 0.52."""
    return -((logits - 0.52) ** 2).sum(1)


def test_the_step_size_shrinks_until_the_summit_is_found():
    x = torch.full((2, 3, 4, 5), 0.5, dtype=torch.float64)
    labels = torch.zeros(2, 4, 5, dtype=torch.long)
    losses = {}
    for rule in (AutoStep(), SteepestStep(0.2)):
        attack = GradientAttack(
            ThreatModel(0.1), rule, 100, loss=bowl, select=HighestLoss(), random_start=False
        )
        *_, last = attack.iterates(lambda images: images, x, labels)
        losses[type(rule)] = bowl(last.best, labels).max()
    assert losses[AutoStep] > -1e-5
    assert losses[SteepestStep] < -1e-3  # goes to and fro between 0.4 and 0.6


def waves(x):
    """Logits of each pixel alone, with many hills; no sum runs over several images or pixels."""
    r, g, b = x.unbind(1)
    return torch.stack([(9 * r + g).sin(), (7 * g - 5 * b).cos(), (11 * b * r).sin()], 1)


class Watched(AutoStep):
    """Writes down the step sizes after each step."""

    def start(self, region, steps):
        run, self.sizes[:] = super().start(region, steps), []

        def step(x_adv, gradient, forward):
            x_next = run(x_adv, gradient, forward)
            self.sizes.append(run.size.flatten())
            return x_next

        return step

    @property
    def sizes(self):
        return self.__dict__.setdefault("_sizes", [])


@pytest.mark.parametrize("eps", [0.3, torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])])
def test_step_sizes_begin_at_2_eps_and_are_halved_image_by_image(eps):
    torch.manual_seed(0)
    x, labels = torch.rand(5, 3, 4, 4), torch.randint(0, 3, (5, 4, 4))
    rule = Watched()
    replace(apgd(eps, 50, 2), step=rule)(waves, x, labels)
    sizes = torch.stack(rule.sizes)
    torch.testing.assert_close(sizes[0], (2 * torch.as_tensor(eps)).expand(5))
    ratio = sizes[:-1] / sizes[1:]
    assert ((ratio == 1) | (ratio == 2)).all()
    changed = (ratio == 2).any(1).nonzero().flatten() + 1
    assert set(changed.tolist()) <= set(checkpoints(50))
    assert (ratio == 2).any(0).all()
    assert ((ratio == 2).any(1) & (ratio == 1).any(1)).any()


def test_targeted_is_untargeted_with_the_loss_negated():
    model, x, labels = tiny_problem(dtype=torch.float64)
    untargeted = replace(apgd(0.06, 30, random_start=False), select=HighestLoss())
    negated = replace(
        untargeted,
        loss=lambda logits, labels: -cross_entropy(logits, labels),
        targeted=True,
        step=AutoStep(targeted=True),
        select=HighestLoss(targeted=True),
    )
    expected = untargeted(model, x, labels)
    assert not torch.equal(expected, x)
    assert torch.equal(negated(model, x, labels), expected)


@settings(deadline=None, max_examples=6)
@given(
    seed=st.integers(0, 10**6),
    chosen=st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True),
    norm=st.sampled_from([2, "inf"]),
    targeted=st.booleans(),
    steps=st.integers(1, 40),
)
def test_an_image_does_not_depend_on_its_batch_and_stays_in_the_ball(
    seed, chosen, norm, targeted, steps
):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(5, 3, 4, 4, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, 3, (5, 4, 4), generator=generator)
    attack = apgd(0.3, steps, norm, targeted=targeted)
    start = attack.threat_model.around(x).random_point(generator)
    together = attack(waves, x, labels, start=start)
    alone = attack(waves, x[chosen], labels[chosen], start=start[chosen])
    torch.testing.assert_close(together[chosen], alone, rtol=0, atol=1e-9)
    assert (attack.threat_model.distance(together, x) <= 0.3 * (1 + 1e-9)).all()


def test_a_loss_that_is_nan_stops_nobody_else():
    x = torch.stack([torch.full((3, 4, 5), 0.5), torch.full((3, 4, 5), 0.3)]).double()
    labels = torch.zeros(2, 4, 5, dtype=torch.long)

    def broken(logits, labels):
        loss = bowl(logits, labels)
        return torch.stack([loss[0] * math.nan, loss[1]])

    options = {"random_start": False, "select": HighestLoss()}
    attack = GradientAttack(ThreatModel(0.1), AutoStep(), 30, loss=bowl, **options)
    expected = attack(lambda images: images, x, labels)
    result = replace(attack, loss=broken)(lambda images: images, x, labels)
    assert torch.equal(result[1], expected[1])
    assert result.isfinite().all()


class Synchronising(TorchDispatchMode):
    """Collects the operators that would wait for the device."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(name in str(func) for name in ("_local_scalar_dense", "nonzero", "masked_select")):
            self.seen.add(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("norm", [2, "inf"])
@pytest.mark.parametrize("loss", ["ce", "dlr"])
def test_never_waits_for_the_device(norm, loss):
    model, x, labels = tiny_problem()
    attack = apgd(torch.tensor([0.1, 0.2]), 10, norm, restarts=2, loss=loss)
    run = attack.iterates(model, x, labels, mask=labels != 3)
    next(run)  # what was given has been checked
    with Synchronising() as recorder:
        list(run)
    assert not recorder.seen
    with recorder:
        x.sum().item()
    assert recorder.seen
