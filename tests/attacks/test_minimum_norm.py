"""Attacks without a radius: against closed forms, an independent package, and what they promise."""

import importlib
import importlib.util
import math
import sys
from dataclasses import replace
from itertools import pairwise
from types import ModuleType

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_label import one_label_problem
from oracles import LinearSegmenter, tiny_problem

from art_segplugin.attacks import ATTACKS, alma_prox, dag, fmn, pdpgd
from art_segplugin.core.proximal import proximal_l1, proximal_l2, proximal_linf
from art_segplugin.core.selectors import SmallestDistance
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.core.types import NO_VOID
from art_segplugin.errors import InputError

NAMES = [name for name, spec in ATTACKS.items() if spec.kind == "minimum-norm"]
every_attack = pytest.mark.parametrize("name", NAMES)


def linear_problem(size=(8, 9), dtype=torch.float64, images=2):
    torch.manual_seed(0)
    model = LinearSegmenter().to(dtype).eval()
    x = 0.3 + 0.4 * torch.rand(images, 3, *size, dtype=dtype)
    labels = model(x).argmax(1)
    labels[:, 0] = 255
    return model, x, labels


def smallest(model, x, labels, share):
    """The smallest Linf radius that fools the share of the valid pixels of each image."""
    need, found = model.smallest_linf(x), []
    for image, of_image in zip(need, labels, strict=True):
        ordered = image[of_image != 255].sort().values
        found.append(ordered[math.ceil(share * len(ordered) - 1e-9) - 1])
    return torch.stack(found)


def shares(model, x, labels):
    valid = labels != 255
    return ((model(x).argmax(1) != labels) & valid).flatten(1).sum(1) / valid.flatten(1).sum(1)


slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("attack", "options", "above"),
    [
        pytest.param(alma_prox, {}, 1.02, marks=slow),
        pytest.param(fmn, {}, 1.001, marks=slow),
        pytest.param(pdpgd, {}, 1.1, marks=slow),
        (alma_prox, {"steps": 100, "lr": 0.005}, 1.05),
        (fmn, {"steps": 100}, 1.001),
        (pdpgd, {"steps": 100, "lr": 0.03}, 1.05),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_comes_near_the_smallest_radius(attack, options, above):
    """There is none below it; the first three with their own steps."""
    share = 0.9
    model, x, labels = linear_problem(dtype=torch.float32)
    built = attack(share=share, **options)
    x_adv = built(model, x, labels)
    need = smallest(model, x, labels, share)
    distance = built.threat_model.distance(x_adv, x)
    assert (shares(model, x_adv, labels) >= share).all()
    assert (distance >= need * (1 - 1e-4)).all()
    assert (distance <= need * above).all()


@pytest.mark.parametrize("share", [0.99, 0.5])
def test_dag_stops_at_the_first_step_that_fools_enough(share):
    """Its steps are 1, 0.6 and 0.4 long in the channels: a margin m needs m / 0.38 of the first."""
    model, x, labels = linear_problem()
    gamma = 0.002
    x_adv = dag(share=share, gamma=gamma)(model, x, labels)
    w = model.w.detach().abs()
    need = smallest(model, x, labels, share) * w.sum() * w.max() / w.square().sum()
    distance = dag().threat_model.distance(x_adv, x)
    torch.testing.assert_close(distance, (need / gamma).ceil() * gamma, rtol=0, atol=1e-12)


def test_dag_does_not_go_beyond_the_bounds_and_back():
    model, x, labels = linear_problem()
    bounds = (x.min().item(), x.max().item())
    runs = list(dag(20, gamma=0.1, bounds=bounds).iterates(model, x, labels))
    for before, after in pairwise(runs):
        at_bound = ((before.x_adv == bounds[0]) | (before.x_adv == bounds[1])) & (before.x_adv != x)
        assert torch.equal(after.x_adv[at_bound], before.x_adv[at_bound])


def test_dag_stays_finite_where_there_is_no_gradient():
    """Whatever the step: one beyond about 4 over the smallest float32 is infinite."""
    _, x, labels = tiny_problem()
    logits = torch.nn.functional.one_hot(labels.clamp(max=3), 4).movedim(-1, 1).float()
    flat = lambda images: logits + 0 * images.sum()  # noqa: E731
    with pytest.warns(UserWarning, match="the gradient is zero"):
        answer = dag(2, gamma=10.0, bounds=(0, 255))(flat, 255 * x, labels)
    assert torch.equal(answer, 255 * x)


# parity with adv-lib (BSD-3), where it is installed


@pytest.fixture
def adv_lib(monkeypatch):
    """`pip install --no-deps adv-lib`; its plots need visdom, which nothing here does."""
    if importlib.util.find_spec("visdom") is None:
        visdom = ModuleType("visdom")
        visdom.Visdom = object
        monkeypatch.setitem(sys.modules, "visdom", visdom)  # undone: it could not be found twice
    return pytest.importorskip("adv_lib.attacks.segmentation", exc_type=ImportError)


def visited(attack, model, x, labels, **options):
    points = []

    def recording(images):
        points.append(images.detach().clone())
        return model(images)

    answer = attack(recording, x, labels, masks=labels != 255, **options)
    return points, answer


def assert_same_points(theirs, ours, model, x, labels, points, atol=1e-6):
    found = [iterate.x_adv for iterate in ours.iterates(model, x, labels)]
    for step in range(points):
        torch.testing.assert_close(found[step], theirs[step], rtol=0, atol=atol)
    assert (found[points - 1] - x).abs().max() > 0.005


def attacked_problem(*, targeted):
    model, x, labels = tiny_problem(size=(12, 20), dtype=torch.float64)
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    return model, x, labels


@pytest.mark.parametrize(("targeted", "share"), [(False, 0.9), (True, 0.2)])
def test_dag_equals_adv_lib(adv_lib, targeted, share):
    model, x, labels = attacked_problem(targeted=targeted)
    options = {"targeted": targeted, "max_iter": 61, "adv_threshold": share}
    theirs, answer = visited(adv_lib.dag, model, x, labels, γ=0.02, **options)
    assert len(theirs) > 5
    found = dag(60, targeted=targeted, gamma=0.02, share=share)(model, x, labels)
    right = shares(model, found, labels)
    reached = 1 - right if targeted else right
    assert (reached >= share - 1e-6).all()  # theirs gives x where it fails
    torch.testing.assert_close(found, answer, rtol=0, atol=1e-9)


def slope_of_adv_lib(y, rho, mu):
    """mu * y where the derivative of its penalty has mu."""
    above = mu * y + 2 * mu * rho * y + (rho * y) ** 2 / 2
    return torch.where(y >= 0, above, mu / (1 - rho.clamp(min=1) * y.clamp(max=0)) ** 2)


@pytest.mark.parametrize(("targeted", "share"), [(False, 0.99), (False, 0.8), (True, 0.8)])
def test_alma_prox_with_the_slope_of_adv_lib_equals_it(adv_lib, monkeypatch, targeted, share):
    """30 points: of two that differ by the 1e-8 of their search, ReLUs may later take other sides."""
    theirs = sys.modules[adv_lib.alma_prox.__module__]
    compiled = theirs.prox_linf_indicator
    plain = getattr(compiled, "_torchdynamo_orig_callable", compiled)
    monkeypatch.setattr(theirs, "prox_linf_indicator", lambda **given: plain(**given, ε=1e-10))
    model, x, labels = attacked_problem(targeted=targeted)
    tolerance = 0.0 if targeted else 1e-4
    points, _ = visited(
        adv_lib.alma_prox,
        model,
        x,
        labels,
        targeted=targeted,
        num_steps=40,
        adv_threshold=share,
        check_steps=4,
        lr_init=0.01,
        logit_tolerance=tolerance,
    )
    ours = alma_prox(
        40, targeted=targeted, share=share, lr=0.01, check_steps=4, tolerance=tolerance
    )
    ours = replace(ours, weighting=replace(ours.weighting, slope=slope_of_adv_lib))
    assert_same_points(points, ours, model, x, labels, 30)


@pytest.mark.parametrize(
    ("norm", "steps", "targeted"),
    [(1, 120, False), (2, 100, False), ("inf", 40, False), ("inf", 40, True)],
)
def test_pdpgd_equals_adv_lib(adv_lib, norm, steps, targeted):
    model, x, labels = attacked_problem(targeted=targeted)
    points, _ = visited(
        adv_lib.pdpgd,
        model,
        x,
        labels,
        norm=float(norm),
        targeted=targeted,
        num_steps=steps,
        primal_lr=0.05,
    )
    ours = pdpgd(steps, norm, targeted, lr=0.05)
    assert_same_points(points, ours, model, x, labels, steps)


@pytest.mark.parametrize("norm", [1, 2, math.inf])
@pytest.mark.parametrize("targeted", [False, True])
def test_fmn_of_one_label_equals_adv_lib(adv_lib, norm, targeted):
    """It has FMN for classifiers only; an image with one label is one pixel. Far from the bounds."""
    theirs = importlib.import_module("adv_lib.attacks.fast_minimum_norm").fmn
    model, x, labels = one_label_problem(dtype=torch.float64)
    x, labels = 0.4 + 0.2 * x[:-1], labels[:-1]
    labels = model(x).argmax(1)
    if targeted:
        labels = (labels + 1) % 4
    points, first = [], 2.0 if norm == 2 else 0.3

    def recording(images):
        points.append(images.detach().clone())
        return model(images).flatten(1)

    theirs(recording, x, labels.flatten(), norm, targeted, steps=30, α_init=first)
    ours = fmn(30, norm, targeted, first_step=first, ignore_index=NO_VOID)
    found = [iterate.x_adv for iterate in ours.iterates(model, x, labels)]
    same = 0
    for step, point in enumerate(points):
        if norm == 1 and (point.amin() == 0 or point.amax() == 1):
            break  # from the bounds on, theirs is no projection to both
        if norm == 2 and step > 10:
            break  # theirs makes short changes as long as the radius
        torch.testing.assert_close(found[step], point, rtol=0, atol=1e-7)
        same += 1
    assert same > 4
    assert (found[same] - x).abs().max() > 1e-3


def straight_fmn(model, x, labels, steps, first, gamma, share):
    """Algorithm 1 for Linf, image by image, on the mean margin of the valid pixels; no shared code."""
    answers = []
    for image, of_image in zip(x, labels, strict=True):
        delta, eps, best, nearest = torch.zeros_like(image), math.inf, None, math.inf
        valid = of_image != 255
        for k in range(steps):
            delta.requires_grad_(True)
            z = model((image + delta)[None])[0][:, valid].T
            y = of_image[valid]
            others = z.clone()
            others[torch.arange(len(y)), y] = -math.inf
            margin = others.amax(1) - z[torch.arange(len(y)), y]
            (gradient,) = torch.autograd.grad(margin.mean(), delta)
            delta = delta.detach()
            cosine = (1 + math.cos(math.pi * k / steps)) / 2
            a = first / 100 + (first - first / 100) * cosine
            g = 0.001 + (gamma - 0.001) * cosine
            size = delta.abs().max().item()
            if (margin > 0).double().mean() >= share:
                if size <= nearest:
                    nearest, best = size, image + delta
                eps = min(eps * (1 - g), nearest)
            elif best is not None:
                eps *= 1 + g
            else:
                eps = size + margin.mean().abs().item() / gradient.abs().sum().item()
            delta = (delta + a * gradient / gradient.norm()).clamp(-eps, eps)
            delta = (image + delta).clamp(0, 1) - image
        answers.append(best)
    return answers


def test_fmn_of_pixels_equals_its_algorithm():
    model, x, labels = tiny_problem(dtype=torch.float64)
    expected = straight_fmn(model, x, labels, 41, 2.0, 0.1, 0.6)
    built = fmn(41, first_step=2.0, gamma=0.1, share=0.6)
    runs = list(built.iterates(model, x, labels))
    found = runs[-2].best  # the algorithm does not look at where its last step leads
    for image, one in zip(found, expected, strict=True):
        torch.testing.assert_close(image, one, rtol=0, atol=1e-9)


# the proximity operators


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 1.0, 30.0]), st.booleans())
def test_no_point_costs_less_than_what_the_linf_operator_gives(seed, weight, bounded):
    generator = torch.Generator().manual_seed(seed)
    point = torch.randn(2, 1, 3, 4, generator=generator, dtype=torch.float64)
    metric = 0.1 + torch.rand(point.shape, generator=generator, dtype=torch.float64)
    low = -torch.rand(point.shape, generator=generator, dtype=torch.float64) if bounded else None
    high = torch.rand(point.shape, generator=generator, dtype=torch.float64) if bounded else None
    weights = torch.full((2,), weight, dtype=torch.float64)
    found = proximal_linf(point, weights, metric, low, high)

    def cost(d):
        pull = 0.5 * (metric * (d - point).square()).flatten(1).sum(1)
        return weights * d.abs().flatten(1).amax(1) + pull

    least = cost(found)
    for scale in (1e-4, 1e-2, 1.0):
        noise = scale * torch.randn(40, *point.shape, generator=generator, dtype=torch.float64)
        for other in found + noise:
            other = other.clamp(low, high) if bounded else other
            assert (cost(other) >= least - 1e-12).all()


def test_operators_of_l1_and_l2_in_closed_form():
    point = torch.tensor([3.0, -4.0, 0.0]).view(1, 3, 1, 1)
    assert proximal_l1(point, torch.tensor([1.0])).flatten().tolist() == [2, -3, 0]
    assert proximal_l2(point, torch.tensor([1.0])).flatten().tolist() == pytest.approx(
        [2.4, -3.2, 0]
    )
    assert proximal_l2(point, torch.tensor([9.0])).flatten().tolist() == [0, 0, 0]
    assert proximal_linf(point, torch.tensor([2.0])).flatten().tolist() == pytest.approx(
        [2.5, -2.5, 0]
    )


# what all of them promise


@settings(deadline=None, max_examples=12)
@given(st.sampled_from(NAMES), st.integers(0, 10**6), st.sampled_from([0.3, 0.8, 1.0]))
def test_answers_are_the_nearest_points_that_fool_enough(name, seed, share):
    """Inside the bounds, and as near as the nearest of the points that were visited."""
    model, x, labels = tiny_problem(size=(5, 6), seed=seed)
    attack = ATTACKS[name].factory(15, share=share, bounds=(0.05, 0.95))
    runs = list(attack.iterates(model, x, labels))
    rates = torch.stack([iterate.forward.success_rate for iterate in runs])
    sizes = torch.stack([attack.threat_model.distance(i.x_adv, x) for i in runs])
    answer = runs[-1].best
    assert answer.min() >= 0.05
    assert answer.max() <= 0.95
    torch.testing.assert_close(shares(model, answer, labels), runs[-1].best_success)
    found = attack.threat_model.distance(answer, x)
    for image in range(len(x)):
        enough = rates[:, image] >= share
        if enough.any():
            assert found[image] == sizes[enough, image].min()
        else:
            assert runs[-1].best_success[image] == rates[:, image].max()


@every_attack
def test_an_image_that_is_fooled_already_is_its_own_answer(name):
    model, x, labels = tiny_problem()
    wrong = torch.where(labels == 255, labels, (model(x).argmax(1) + 1) % 4)
    assert torch.equal(ATTACKS[name].factory(5)(model, x, wrong), x)


@pytest.mark.filterwarnings("ignore:Labels contain")
@every_attack
def test_images_do_not_depend_on_their_batch(name):
    model, x, labels = tiny_problem(n=3, dtype=torch.float64)
    labels[2] = 255  # nothing to attack
    attack = ATTACKS[name].factory(25, share=0.5)
    together = attack(model, x, labels)
    for i in range(3):
        alone = attack(model, x[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)
    assert torch.equal(together[2], x[2])


@every_attack
def test_only_what_the_mask_allows_is_changed_and_measured(name):
    """Without a radius a mask still says which pixels may change, here one half of the image."""
    model, x, labels = tiny_problem()
    mask = torch.zeros(labels.shape, dtype=torch.bool)
    mask[:, :, 7:] = True
    x_adv = ATTACKS[name].factory(40, share=0.3)(model, x, labels, mask=mask)
    moved = (x_adv != x).any(1)
    assert not moved[~mask].any()
    assert moved[mask].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@every_attack
def test_half_precision_images_are_attacked_in_float32(name, dtype):
    model, x, labels = tiny_problem()
    attack = ATTACKS[name].factory(20, share=0.5)
    *_, last = attack.iterates(model, x.to(dtype), labels)
    assert last.best.dtype == dtype
    assert last.best.isfinite().all()
    assert (last.best_success > 0).all()


def test_the_distance_ranks_where_float32_could_not():
    rank = SmallestDistance(0.99)(torch.ones(2), torch.tensor([1000.0, 1000.1]))
    assert rank[0] > rank[1] > 1


def test_a_selector_by_distance_needs_one():
    model, x, labels = tiny_problem()
    attack = replace(fmn(2), threat_model=ThreatModel(0.1))
    with pytest.raises(RuntimeError, match="no distance to select by"):
        attack(model, x, labels)


@pytest.mark.parametrize(
    ("attack", "options", "words"),
    [
        (dag, {"norm": 2}, "DAG is made for inf"),
        (alma_prox, {"norm": 1}, "ALMA-prox is made for inf"),
        (dag, {"gamma": -1}, "gamma is -1"),
        (fmn, {"gamma": 2}, "gamma is 2; give a number from 0 to 1"),
        (fmn, {"share": 0}, "share is 0"),
        (alma_prox, {"lr_reduction": 0}, "lr_reduction"),
        (alma_prox, {"average": 1}, "average"),
        (pdpgd, {"lr": math.nan}, "lr is nan; give a number from 0"),
        (pdpgd, {"steps": 0}, "steps is 0"),
    ],
)
def test_bad_values_are_named(attack, options, words):
    with pytest.raises(InputError, match=words):
        attack(**options)


def test_alma_prox_says_what_it_cannot_attack():
    model, x, labels = tiny_problem(classes=2)
    with pytest.raises(InputError, match="3 or more classes, the model has 2; use fmn"):
        alma_prox(2)(model, x, labels)
