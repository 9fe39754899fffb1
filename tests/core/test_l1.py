"""L1 and L2 at the bounds: against closed forms, and against bisection in NumPy's float64."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from oracles import tiny_problem
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from art_segplugin.attacks import pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.auto_step import AutoStep
from art_segplugin.core.ensemble import Staged, WorstCase
from art_segplugin.core.threat_model import SAMPLE, ThreatModel

EPS = 20.0


def nearest(change, low, high, eps, norm):
    """The nearest point of ball and box to one change (d,), float64, by bisection."""

    def point(t):
        if norm == 1:
            moved = np.sign(change) * np.maximum(np.abs(change) - t, 0)
        else:
            moved = change / (1 + t)
        return np.clip(moved, low, high)

    length = (lambda z: np.abs(z).sum()) if norm == 1 else np.linalg.norm
    if length(point(0.0)) <= eps:
        return point(0.0)
    least, most = 0.0, 1.0
    while length(point(most)) > eps and most < 1e300:
        most *= 2
    for _ in range(200):
        middle = (least + most) / 2
        least, most = (middle, most) if length(point(middle)) > eps else (least, middle)
    return point(most)


def reference(x_adv, x, eps, norm, bounds=(0.0, 1.0), mask=None):
    found = torch.empty_like(x, dtype=torch.float64)
    for n in range(len(x)):
        flat, to = x[n].double().numpy().ravel(), x_adv[n].double().numpy().ravel()
        low, high = bounds[0] - flat, bounds[1] - flat
        if mask is not None:
            free = mask[n].expand_as(x[n]).numpy().ravel()
            low, high = np.where(free, low, 0.0), np.where(free, high, 0.0)
        moved = nearest(to - flat, low, high, float(eps[n]), norm)
        found[n] = torch.from_numpy(flat + moved).view_as(x[n])
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([1, 2]),
    st.floats(0, 12),
    st.sampled_from([0.05, 0.5, 3.0, 100.0]),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_projecting_is_on_ball_and_box_at_once(norm, eps, far, masked, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(3, 2, 3, 4, generator=generator, dtype=torch.float64)
    x = torch.where(torch.rand(x.shape, generator=generator) < 0.3, x.round(), x)  # at the bounds
    heavy = torch.randn(x.shape, generator=generator, dtype=torch.float64) ** 3
    x_adv = x + far * heavy
    mask = torch.rand(3, 3, 4, generator=generator) < 0.6 if masked else None
    radii = eps * torch.tensor([1.0, 0.3, 0.0], dtype=torch.float64)
    found = ThreatModel(radii, norm).around(x, mask).project(x_adv)
    expected = reference(x_adv, x, radii, norm, mask=mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("scale", [0.02, 1.0, 30.0])
def test_large_images_are_projected_to_float32(norm, scale):
    """Beyond what is sorted; also from steps that are sparse, as those of L1 are."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, 90, 120, generator=generator)
    assert x[0].numel() > 2 * SAMPLE
    change = scale * torch.randn(x.shape, generator=generator) ** 3
    change *= torch.rand(x.shape, generator=generator) < 0.3
    eps = torch.tensor([300.0, 30.0]) if norm == 1 else torch.tensor([20.0, 2.0])
    threat_model = ThreatModel(eps, norm)
    found = threat_model.around(x).project(x + change)
    expected = reference(x + change, x, eps, norm)
    assert (found.double() - expected).abs().max() < 1e-3
    used = threat_model.distance(found, x) / eps
    assert (used <= 1 + 1e-5).all()
    assert (used >= 0.999 * threat_model.distance(expected, x.double()) / eps).all()


@pytest.mark.parametrize("norm", [1, 2])
def test_a_far_start_uses_the_budget_without_bounds_too(norm):
    x = torch.zeros(1, 3, 100, 100)
    far = 1000 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    threat_model = ThreatModel(50.0, norm, (-math.inf, math.inf))
    used = threat_model.distance(threat_model.around(x).project(far), x)
    torch.testing.assert_close(used, torch.tensor([50.0]), rtol=0.05, atol=0)
    assert used <= 50 * (1 + 1e-5)


def linear_problem():
    """A classifier whose margin is linear in grey images of 12 x 12, about 16 on the images."""
    generator = torch.Generator().manual_seed(3)
    w = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    x = torch.rand(3, 1, 12, 12, generator=generator, dtype=torch.float64)
    offset = 16.4 - (w * x).sum((1, 2, 3)).mean()

    def model(images):
        margin = (w * images).sum((1, 2, 3)) + offset
        return torch.stack([margin, torch.zeros_like(margin)], 1)[..., None, None]

    return model, w, x, torch.zeros(3, 1, 1, dtype=torch.long)


def margin(model, x):
    return model(x)[:, 0, 0, 0]


def greedy(w, x, eps, mask=None):
    """The most that the margin can fall: each coordinate to its bound, steepest first."""
    gains = []
    for image, budget in zip(x, torch.as_tensor(eps).expand(len(x)), strict=True):
        room = torch.where(w > 0, image[0], 1 - image[0])
        if mask is not None:
            room = room * mask
        order = w.abs().flatten().argsort(descending=True)
        filled = room.flatten()[order]
        kept = (budget - (filled.cumsum(0) - filled)).clamp(min=0).minimum(filled)
        gains.append((kept * w.abs().flatten()[order]).sum())
    return torch.stack(gains)


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("targeted", [False, True])
def test_pgd_comes_near_greedy_filling_and_uses_its_budget(random_start, targeted):
    model, w, x, labels = linear_problem()
    attack = pgd(EPS, 2.0, 100, norm=1, random_start=random_start, targeted=targeted)
    x_adv = attack(model, x, labels + targeted, generator=torch.Generator().manual_seed(0))
    gain = margin(model, x) - margin(model, x_adv)
    best = greedy(w, x, EPS)
    assert (gain <= best + 1e-9).all()
    assert (gain >= 0.95 * best).all()
    used = attack.threat_model.distance(x_adv, x)
    assert (used >= 0.95 * EPS).all()
    assert (used <= EPS * (1 + 1e-12)).all()


MOMENTUM = pgd(EPS, 2.0, 100, norm=1, decay=0.5)
RADII = torch.tensor([20.0, 5.0, 40.0], dtype=torch.float64)


@pytest.mark.parametrize(
    ("attack", "share"),
    [
        (MOMENTUM, 0.9),
        (pgd(RADII, RADII / 10, 100, norm=1), 0.94),
        (pgd(EPS, 2.0, 100, norm=1, restarts=2), 0.95),
        (WorstCase([pgd(EPS, 2.0, 60, norm=1), pgd(EPS, 1.0, 100, norm=1)]), 0.95),
        (Staged([pgd(2 * EPS, 4.0, 50, norm=1), pgd(EPS, 2.0, 60, norm=1)]), 0.95),
        (GradientAttack(ThreatModel(EPS, 1), AutoStep(), 100), 0.8),
    ],
)
def test_all_that_moves_takes_the_same_rule(attack, share):
    model, w, x, labels = linear_problem()
    x_adv = attack(model, x, labels, generator=torch.Generator().manual_seed(0))
    gain = margin(model, x) - margin(model, x_adv)
    eps = attack.threat_model.eps
    assert (gain >= share * greedy(w, x, eps)).all()
    assert (
        attack.threat_model.distance(x_adv, x) <= torch.as_tensor(eps, dtype=x.dtype) * (1 + 1e-12)
    ).all()


@pytest.mark.parametrize("norm", [1, 2])
def test_under_a_mask_the_budget_is_used_as_well(norm):
    model, w, x, labels = linear_problem()
    mask = torch.zeros(3, 12, 12, dtype=torch.bool)
    mask[:, :6] = True
    eps = 8.0 if norm == 1 else 2.0
    attack = pgd(eps, eps / 10, 100, norm=norm)
    x_adv = attack(model, x, labels, mask=mask, generator=torch.Generator().manual_seed(0))
    assert (attack.threat_model.distance(x_adv, x) >= 0.95 * eps).all()
    assert torch.equal(x_adv[:, :, 6:], x[:, :, 6:])
    if norm == 1:
        gain = margin(model, x) - margin(model, x_adv)
        assert (gain >= 0.95 * greedy(w, x, eps, mask[0])).all()


def test_l2_does_not_lose_budget_at_the_bounds():
    """Of a large radius, at which most coordinates stand at their bound."""
    model, w, x, labels = linear_problem()
    attack = pgd(5.0, 1.0, 60, norm=2)
    x_adv = attack(model, x, labels, generator=torch.Generator().manual_seed(0))
    assert (attack.threat_model.distance(x_adv, x) >= 0.999 * 5.0).all()
    # The optimum is clip(s * w) with one s for the image.
    expected = reference(x - 1e4 * w, x, [5.0] * 3, 2)
    best = margin(model, x) - margin(model, expected)
    assert (margin(model, x) - margin(model, x_adv) >= 0.999 * best).all()


def test_a_sparse_gradient_moves_by_the_whole_step():
    """Two coordinates of 20,000 have a gradient, and one of them little room."""
    x = torch.full((1, 1, 100, 200), 0.5)
    x[0, 0, 7, 9] = 0.9
    gradient = torch.zeros_like(x)
    gradient[0, 0, 7, 9], gradient[0, 0, 50, 60] = 2.0, -1.0
    moved = ThreatModel(5.0, 1).around(x).ascend(x, gradient, 0.4) - x
    torch.testing.assert_close(moved[0, 0, 7, 9].item(), 0.1)
    torch.testing.assert_close(moved[0, 0, 50, 60].item(), -0.2)


@pytest.mark.parametrize("size", [0.0, torch.tensor([0.0, 0.3]).view(2, 1, 1, 1)])
def test_steps_of_length_0_stay(size):
    x = torch.rand(2, 3, 4, 5)
    for bounds in ((0.0, 1.0), (-math.inf, math.inf)):
        moved = ThreatModel(1.0, 1, bounds).around(x).ascend(x, torch.randn_like(x), size)
        torch.testing.assert_close(moved[0], x[0])
        assert moved.isfinite().all()


class Recorder(TorchDispatchMode):
    """What waits for the device, and how much is sorted."""

    def __init__(self):
        super().__init__()
        self.waits, self.sorted = set(), [0]

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if any(name in str(func) for name in ("_local_scalar_dense", "nonzero", "masked_select")):
            self.waits.add(str(func))
        if any(name in str(func) for name in ("sort", "topk", "kthvalue")):
            self.sorted.append(args[0].shape[-1])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_nothing_waits_for_the_device_and_no_image_is_sorted_whole(norm, masked):
    model, x, labels = tiny_problem(size=(120, 140))
    eps = torch.tensor([90.0, 30.0])
    mask = labels == 1 if masked else None
    run = pgd(eps, eps / 4, 3, norm=norm, decay=0.5).iterates(model, x, labels, mask=mask)
    next(run)
    with Recorder() as recorder:
        list(run)
    assert not recorder.waits
    assert max(recorder.sorted) < x[0].numel()


def test_steps_in_large_images_use_the_whole_budget():
    """Of 1.5 million coordinates in float32, 1 % of which move in a step."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 512, 1024, generator=generator)
    region, threat_model = ThreatModel(2000.0, 1).around(x), ThreatModel(2000.0, 1)
    x_adv = region.random_point(generator)
    for _ in range(6):
        gradient = torch.randn(x.shape, generator=generator) ** 3
        before, x_adv = x_adv, region.ascend(x_adv, gradient, 500.0)
        moved = (x_adv - before) * gradient.sign() > 0.02
        assert 0.005 < moved.double().mean() < 0.012
        torch.testing.assert_close(
            threat_model.distance(x_adv, x), torch.tensor([2000.0]), rtol=1e-4, atol=0
        )
        assert x_adv.min() >= 0
        assert x_adv.max() <= 1


@pytest.mark.parametrize("eps", [2.5, 10.0])
def test_leaves_no_more_accuracy_than_foolbox_on_digits(eps):
    """With as many steps, and answers inside the ball, which foolbox's projection leaves."""
    foolbox = pytest.importorskip("foolbox")
    data = pytest.importorskip("sklearn.datasets").load_digits()
    x, y = torch.tensor(data.images).float()[:, None] / 16, torch.tensor(data.target)
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[200:]), y[200:]).backward()
        optimizer.step()
    net, x, y = net.eval(), x[:200], y[:200]
    attack = pgd(eps, 0.2 * eps, 60, norm=1, random_start=False, ignore_index=-100)
    x_adv = attack(nn.Sequential(net, nn.Unflatten(1, (10, 1, 1))), x, y[:, None, None])
    peer = foolbox.attacks.SparseL1DescentAttack(rel_stepsize=0.2, steps=60)
    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    theirs = peer.run(model, x, foolbox.criteria.Misclassification(y), epsilon=eps)
    theirs = attack.threat_model.around(x).project(theirs)
    left = [(net(images).argmax(1) == y).float().mean() for images in (x_adv, theirs)]
    assert left[0] <= left[1]
    used = attack.threat_model.distance(x_adv, x)
    assert (used.mean() > 0.95 * eps) & (used <= eps * (1 + 1e-5)).all()
