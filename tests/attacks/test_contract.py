"""What every recipe promises."""

import inspect
import math
import re

import pytest
import torch
import torch.nn.functional as F
from one_label import one_label_problem
from oracles import LinearSegmenter, tiny_problem

from art_segplugin.attacks import ATTACKS, RECIPES, SWEEP
from art_segplugin.attacks.registry import parameters
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import Cascade, Staged, WorstCase
from art_segplugin.core.types import NO_VOID
from art_segplugin.core.weightings import BeginsClean
from art_segplugin.errors import InputError

TEMPERATURES = (5.0, 1.0, 0.1)  # of a sweep, which is as slow as it has members
RADII = {1: 8.0, 2: 0.6, math.inf: 0.06}
WITHOUT_RADIUS = [name for name, spec in ATTACKS.items() if spec.kind == "minimum-norm"]
WITH_RADIUS = [name for name in RECIPES if name not in WITHOUT_RADIUS]
LONG_STEPS = {"dag": {"gamma": 0.02}, "alma-prox": {"lr": 0.01}, "pdpgd": {"lr": 0.1}}


def build(name, **options):
    if options.get("norm", math.inf) in RADII:
        options.setdefault("eps", RADII[options.get("norm", math.inf)])
    known = parameters(name)
    falls = "step_schedule" in known and known["step_schedule"].default != "constant"
    step = options["eps"] * (2 if falls else 1 / 4)
    few = {"alma-prox": 20, "pdpgd": 120 if options.get("norm") in (1, 2) else 40}.get(name, 5)
    options = {"step_size": step, "steps": few, "temperatures": TEMPERATURES, **options}
    options = LONG_STEPS.get(name, {}) | options
    return RECIPES[name](**{k: v for k, v in options.items() if k in known})


def norms_of(name):
    return [norm for norm in RADII if takes_norm(name, norm)]


def takes_norm(name, norm):
    try:
        build(name, norm=norm)
    except InputError:
        return False
    return True


def radius_of(name, norm):
    """That of the answer, as `build` gives it."""
    return math.inf if name in WITHOUT_RADIUS else RADII[norm]


def widest(attack):
    """The largest radius on the way, in those of the attack: stages may begin outside of it."""
    if isinstance(attack, GradientAttack):
        return math.inf if attack.threat_model.eps is None else attack.threat_model.eps
    return max(widest(part) for part in attack.attacks)


def passes_of(attack, *, compared=False):
    """(forward, backward) passes: only answers that have to be compared are looked at once more."""
    if isinstance(attack, GradientAttack):
        compared = compared or attack.restarts > 1 or attack.select.scores
        backward = attack.restarts * attack.steps
        clean = isinstance(attack.weighting.start(), BeginsClean)  # looks at the images as well
        more = compared + clean
        return backward + more * attack.restarts, backward
    if isinstance(attack, WorstCase):
        compared = compared or len(attack.attacks) > 1
        parts = [passes_of(part, compared=compared) for part in attack.attacks]
    else:
        assert isinstance(attack, Staged)
        *before, last = attack.attacks
        parts = [*map(passes_of, before), passes_of(last, compared=compared)]
    forwards, backwards = zip(*parts, strict=True)
    return sum(forwards), sum(backwards)


every_recipe = pytest.mark.parametrize("name", RECIPES)
every_one_with_a_radius = pytest.mark.parametrize("name", WITH_RADIUS)
every_one_with_a_random_start = pytest.mark.parametrize(
    "name", [name for name in RECIPES if "random_start" in parameters(name)]
)


def in_every_norm(names):
    pairs = [(name, norm) for name in names for norm in norms_of(name)]
    return pytest.mark.parametrize(("name", "norm"), pairs)


@in_every_norm(RECIPES)
@pytest.mark.parametrize("targeted", [False, True])
def test_every_iterate_is_inside_the_threat_model_and_the_attack_succeeds(name, norm, targeted):
    model, x, labels = tiny_problem(n=4, dtype=torch.float64)
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    attack = build(name, norm=norm, targeted=targeted, random_start=True)
    runs = list(attack.iterates(model, x, labels, generator=torch.Generator().manual_seed(0)))
    for iterate in runs:
        for image, radius in (
            (iterate.x_adv, widest(attack)),
            (iterate.best, radius_of(name, norm)),
        ):
            assert (attack.threat_model.distance(image, x) <= radius * (1 + 1e-9)).all()
            assert image.min() >= 0
            assert image.max() <= 1
    shared = isinstance(attack, Cascade)  # whose later members may only keep what was found
    for restart in range(1 if shared else attack.restarts):  # each may have a loss of its own
        first, *_, last = (i.forward for i in runs if i.restart == restart)
        assert (last.loss.mean() < first.loss.mean()) == targeted
    assert runs[-1].best_success.mean() > runs[0].forward.success_rate.mean()


@every_recipe
def test_void_pixels_weigh_nothing(name):
    model, x, labels = tiny_problem()
    void = labels == 255
    for iterate in build(name).iterates(model, x, labels):
        forward = iterate.forward
        assert not forward.fooled[void].any()
        assert not forward.pixel_loss[void].any()
        assert forward.weights is None or not forward.weights[void].any()


@every_recipe
def test_void_pixels_do_not_steer_the_attack(name):
    """What the model says on void pixels must not matter: its bias there is arbitrary."""
    model, x, labels = tiny_problem()
    bias = torch.zeros(2, 4, 12, 14)
    bias[:, 2, 0] = 3.0
    attack = build(name, random_start=False)
    assert torch.equal(
        attack(model, x, labels), attack(lambda images: model(images) + bias, x, labels)
    )


@every_one_with_a_random_start
def test_same_seed_same_result(name):
    model, x, labels = tiny_problem()
    attack = build(name, random_start=True, restarts=2)
    first, again, other = (
        attack(model, x, labels, generator=torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@every_recipe
def test_as_many_backward_passes_as_steps(name):
    model, x, labels = tiny_problem()
    passes = {"forward": 0, "backward": 0}

    class Counting(torch.autograd.Function):
        @staticmethod
        def forward(ctx, images):
            passes["forward"] += 1
            return images.clone()

        @staticmethod
        def backward(ctx, gradient):
            passes["backward"] += 1
            return gradient

    attack = build(name)
    attack(lambda images: model(Counting.apply(images)), x, labels)
    if name == "temperature-sweep":
        assert attack.restarts == len(TEMPERATURES)
    forward, backward = passes_of(attack)
    assert passes == {"forward": forward, "backward": backward}
    shared = isinstance(attack, Cascade)  # whose members share the steps
    assert backward >= 5 * (1 if shared else attack.restarts) or attack.steps == 1


@every_recipe
def test_masked_pixels_do_not_move(name):
    model, x, labels = tiny_problem()
    mask = torch.rand(labels.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    for norm in norms_of(name):
        x_adv = build(name, norm=norm, random_start=True)(model, x, labels, mask=mask)
        moved = (x_adv != x).any(1)
        assert not moved[~mask].any()
        assert moved[mask].any()


@in_every_norm(WITH_RADIUS)
def test_each_image_has_its_own_eps(name, norm):
    model, x, labels = tiny_problem(n=3, dtype=torch.float64)
    eps = RADII[norm] * torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    attack = build(name, norm=norm, eps=eps, random_start=False)
    together = attack(model, x, labels)
    assert torch.equal(together[0], x[0])
    for i in range(3):
        alone = build(name, norm=norm, eps=float(eps[i]), random_start=False)
        torch.testing.assert_close(
            together[i : i + 1], alone(model, x[i : i + 1], labels[i : i + 1])
        )


@every_one_with_a_radius
def test_eps_0_is_the_identity(name):
    model, x, labels = tiny_problem()
    for norm in norms_of(name):
        assert torch.equal(build(name, norm=norm, eps=0.0, random_start=True)(model, x, labels), x)


@every_one_with_a_radius
def test_finds_exactly_the_pixels_that_can_be_fooled(name):
    """The linear segmenter tells in closed form which pixels can be fooled at eps."""
    torch.manual_seed(0)
    model = LinearSegmenter().eval()
    x = 0.3 + 0.4 * torch.rand(2, 3, 6, 7)
    labels = model(x).argmax(1)
    labels[:, 0] = 255
    need, valid = model.smallest_linf(x), labels != 255
    eps = need[valid].median().item()
    x_adv = build(name, eps=eps, random_start=False)(model, x, labels)
    fooled = (model(x_adv).argmax(1) != labels) & valid
    assert not fooled[need > eps * 1.0001].any()
    assert fooled[(need < eps * 0.95) & valid].all()


@in_every_norm(RECIPES)
@pytest.mark.parametrize("targeted", [False, True])
def test_classifiers_are_segmenters_of_one_pixel(name, norm, targeted):
    model, x, labels = one_label_problem(dtype=torch.float64)
    if targeted:
        labels = torch.where(labels == NO_VOID, labels, (labels + 1) % 4)
    attack = build(name, norm=norm, targeted=targeted, random_start=False, ignore_index=NO_VOID)
    runs = list(attack.iterates(model, x, labels))
    for iterate in runs:
        assert iterate.forward.fooled.shape == (6, 1, 1)
        assert (attack.threat_model.distance(iterate.x_adv, x) <= 1.001 * widest(attack)).all()
        assert (
            attack.threat_model.distance(iterate.best, x) <= 1.001 * radius_of(name, norm)
        ).all()
        assert iterate.forward.weights is None or not iterate.forward.weights[-1].any()
    best, labelled = runs[-1].best, labels.flatten() != NO_VOID
    before, after = (
        F.cross_entropy(
            model(images).flatten(1), labels.flatten(), ignore_index=NO_VOID, reduction="none"
        )
        for images in (x, best)
    )
    if name in WITH_RADIUS:  # the nearest wrong logits need not be the least likely ones
        assert ((after < before) == targeted)[labelled].all()
    reached = (model(best).argmax(1) == labels).flatten() == targeted
    assert runs[0].forward.success_rate.sum() == 0
    one_value = norm == 1 and attack.steps == 1  # is all that one step in L1 moves here
    assert (reached & labelled).any() or one_value
    assert torch.equal(runs[-1].best_success == 1, reached & labelled)
    assert torch.equal(best[-1], x[-1])  # void: nothing to attack


@every_recipe
def test_defaults(name):
    known = parameters(name)
    if name in WITHOUT_RADIUS:
        assert not {"eps", "step_size", "restarts", "random_start"} & set(known)
        assert known["share"].default == 0.99
        assert known["steps"].default == (200 if name == "dag" else 500)
        return
    assert known["eps"].default == 8 / 255
    from_the_image = name.endswith("fgsm") or name == "keep-pgd"
    assert known["random_start"].default is not from_the_image
    assert "temperatures" not in known or known["temperatures"].default == SWEEP
    if "steps" in known:
        assert "step_size" not in known or known["step_size"].default in (None, 2 / 255)
        assert known["steps"].default == {"sea": 300, "strong": 100}.get(name, 20)


@every_recipe
def test_documented(name):
    recipe = RECIPES[name]
    module = inspect.getmodule(recipe)
    assert re.search("arXiv:|https://", module.__doc__.splitlines()[0])
    for parameter in parameters(name):
        assert f"\n        {parameter}:" in recipe.__doc__
