"""Kinds of attack that have a place in the core, each shown by a toy attack of a few lines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from oracles import LinearSegmenter, tiny_problem
from torch import nn
from torch.utils.checkpoint import checkpoint

from art_segplugin.attacks import apgd, pgd
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import Staged
from art_segplugin.core.forward_pass import query
from art_segplugin.core.inputs import InputTransform
from art_segplugin.core.iterate import Attack, FittedAttack, Iterate, better_of
from art_segplugin.core.losses import LayerLoss, cross_entropy
from art_segplugin.core.selectors import SmallestDistance
from art_segplugin.core.steps import SteepestStep
from art_segplugin.core.task import TaskAttack
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

SEEDS = (3, 4)


def linear_problem():
    torch.manual_seed(0)
    model = LinearSegmenter().double().eval()
    x = 0.3 + 0.4 * torch.rand(2, 3, 6, 7, dtype=torch.float64)
    return model, x, model(x).argmax(1)


# minimum norm: no eps; of the answers that fool every pixel the nearest counts


@dataclass(frozen=True, eq=False)
class SmallestFooling(TaskAttack):
    """Bisect the radius; the nearest answer that fools all pixels wins."""

    threat_model: ThreatModel
    largest: float
    ignore_index: int = 255

    def run(self, task, *, final_forward):
        best = Iterate(0, 0, task.images, None, task.images, None)
        low, high = torch.zeros(len(task.images)), torch.full((len(task.images),), self.largest)
        for i in range(20):
            eps = ((low + high) / 2).to(task.images)
            x_adv = GradientAttack(ThreatModel(eps), SteepestStep(eps), 1, random_start=False)(
                task.model, task.images, task.labels.masked_fill(~task.valid, 255)
            )
            forward = query(task, x_adv, i, 20)
            done = forward.success_rate == 1
            low, high = torch.where(done, low, eps.to(low)), torch.where(done, eps.to(low), high)
            distance = self.threat_model.distance(x_adv, task.images)
            rank = SmallestDistance()(forward.success_rate, distance)
            now = Iterate(0, i, x_adv, forward, x_adv, forward.success_rate, rank)
            best = better_of(now, replace(best, forward=None))
            yield best


def test_minimum_norm_finds_the_smallest_distance_that_fools_every_pixel():
    model, x, labels = linear_problem()
    need = model.smallest_linf(x).flatten(1).amax(1)
    attack = SmallestFooling(ThreatModel(None), 0.5)
    x_adv = attack(model, x, labels)
    assert ((model(x_adv).argmax(1) != labels).flatten(1).all(1)).all()
    found = attack.threat_model.distance(x_adv, x)
    torch.testing.assert_close(found, need, rtol=0, atol=0.5 / 2**19)


def test_restarts_without_a_budget_keep_the_nearest_that_fools_enough():
    model, x, labels = linear_problem()
    attack = GradientAttack(
        ThreatModel(None), SteepestStep(0.3), 1, restarts=4, compare=SmallestDistance(0.5)
    )
    runs = list(attack.iterates(model, x, labels, seeds=SEEDS))
    ends = [i for i in runs if i.step == 1]
    success = torch.stack(
        [(model(i.x_adv).argmax(1) != labels).double().mean((1, 2)) for i in ends]
    )
    distance = torch.stack([attack.threat_model.distance(i.x_adv, x) for i in ends])
    nearest = distance.masked_fill(success < 0.5, torch.inf).argmin(0)
    assert (success >= 0.5).any(0).all()
    for image, restart in enumerate(nearest.tolist()):
        assert torch.equal(runs[-1].best[image], ends[restart].x_adv[image])


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_that_is_none_is_named(share):
    with pytest.raises(InputError, match="give a number above 0 and up to 1"):
        SmallestDistance(share)


# patch: no eps inside a mask


@pytest.mark.parametrize("norm", [2, "inf"])
def test_a_patch_moves_as_far_as_the_bounds_allow_and_only_inside_its_mask(norm):
    model, x, labels = linear_problem()
    mask = torch.zeros(2, 6, 7, dtype=torch.bool)
    mask[:, 1:4, 2:5] = True
    attack = GradientAttack(ThreatModel(None, norm), SteepestStep(30.0), 30)
    x_adv = attack(model, x, labels, mask=mask, seeds=SEEDS)
    assert torch.equal(x_adv * ~mask.unsqueeze(1), x * ~mask.unsqueeze(1))
    towards = torch.where(labels == 1, -1.0, 1.0).unsqueeze(1) * model.w.view(1, 3, 1, 1)
    corner = (towards > 0).to(x)  # of the bounds, where the margin is least
    assert torch.equal(x_adv.movedim(1, 3)[mask], corner.movedim(1, 3)[mask])


def test_there_is_no_random_start_from_everywhere():
    model, x, labels = linear_problem()
    threat_model = ThreatModel(None, bounds=(-torch.inf, torch.inf))
    with pytest.raises(InputError, match="give finite bounds, or random_start=False"):
        GradientAttack(threat_model, SteepestStep(0.1), 1)(model, x, labels)


# universal: fit, then apply


@dataclass(frozen=True, eq=False)
class Universal:
    """One perturbation for all images, moved by the mean of their FGSM steps."""

    threat_model: ThreatModel
    passes: int = 3

    def fits(self, model, batches, *, generator=None):
        eps = self.threat_model.eps
        step = GradientAttack(ThreatModel(eps / 4), SteepestStep(eps / 4), 1, random_start=False)
        delta = torch.zeros(())
        for _ in range(self.passes):
            for images, labels in batches:
                moved = (images + delta).clamp(0, 1)
                change = step(model, moved, labels) - moved
                delta = (delta + change.mean(0, keepdim=True)).clamp(-eps, eps)
            yield Applied(delta, self.threat_model)


@dataclass(frozen=True, eq=False)
class Applied(TaskAttack):
    """Adds what was learned."""

    delta: torch.Tensor
    threat_model: ThreatModel
    ignore_index: int = 255

    def run(self, task, *, final_forward):
        x_adv = self.threat_model.around(task.images, task.mask).project(task.images + self.delta)
        forward = query(task, x_adv, 0, 0)
        yield Iterate(0, 0, x_adv, forward, x_adv, forward.success_rate)


def test_a_universal_attack_is_fitted_to_batches_and_applied_to_others():
    model, x, labels = linear_problem()
    universal = Universal(ThreatModel(0.05))
    assert isinstance(universal, FittedAttack)
    assert not isinstance(universal, Attack)
    *_, fitted = universal.fits(model, [(x[:1], labels[:1])])
    x_adv = fitted(model, x[1:], labels[1:])
    assert (fitted.threat_model.distance(x_adv, x[1:]) <= 0.05 + 1e-12).all()
    assert not torch.equal(x_adv, x[1:])


# predict-only access: the model has no gradients


@dataclass(frozen=True, eq=False)
class RandomSearch(TaskAttack):
    """Keep the best of many random points."""

    threat_model: ThreatModel
    steps: int = 20
    ignore_index: int = 255

    def run(self, task, *, final_forward):
        region = self.threat_model.around(task.images, task.mask)
        best = Iterate(0, 0, task.images, None, task.images, None)
        for i in range(self.steps):
            x_adv = region.random_point(task.random)
            forward = query(task, x_adv, i, self.steps)
            rank = forward.success_rate
            best = better_of(Iterate(0, i, x_adv, forward, x_adv, rank, rank), best)
            yield best


def test_an_attack_with_predictions_only_works_where_there_are_no_gradients():
    model, x, labels = linear_problem()

    def predicting(images):
        with torch.no_grad():
            return F.one_hot(model(images).argmax(1), 3).movedim(3, 1).double()

    attack = RandomSearch(ThreatModel(0.1))
    runs = list(attack.iterates(predicting, x, labels, seeds=SEEDS))
    rates = [i.best_success for i in runs]
    assert all((after >= before).all() for before, after in pairwise(rates))
    assert (rates[-1] > rates[0]).all()


# losses that read named layers


@dataclass(frozen=True)
class FeatureLoss:
    """The size of what a layer gives at each pixel, beside the cross-entropy."""

    layers: tuple[str, ...]

    def __call__(self, logits, labels, activations):
        return cross_entropy(logits, labels) + activations[self.layers[0]].square().sum(1)


def test_a_loss_reads_the_layers_that_it_names():
    model, x, labels = tiny_problem(dtype=torch.float64)
    loss = FeatureLoss(("body.1",))
    assert isinstance(loss, LayerLoss)
    assert not isinstance(cross_entropy, LayerLoss)
    attack = GradientAttack(ThreatModel(0.03), SteepestStep(0.01), 1, loss, random_start=False)
    first = next(iter(attack.iterates(model, x, labels))).forward
    model.eval()
    features = model.body[1](model.body[0](x))
    valid = labels != 255
    expected = F.cross_entropy(model(x), labels.masked_fill(~valid, 0), reduction="none")
    expected = (expected + features.square().sum(1)).masked_fill(~valid, 0)
    torch.testing.assert_close(first.pixel_loss, expected)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_may_be_named_by_its_end_where_that_is_unique():
    model, x, labels = tiny_problem()
    outer = nn.Sequential(model)
    for name, words in (
        ("head", None),
        ("0.head", None),
        ("neck", "layer 'neck' does not exist"),
        ("0.body.4", "does not exist"),
    ):
        attack = GradientAttack(ThreatModel(0.1), SteepestStep(0.1), 1, FeatureLoss((name,)))
        if words is None:
            attack(outer, x, labels)
        else:
            with pytest.raises(InputError, match=words):
                attack(outer, x, labels)
    attack = GradientAttack(ThreatModel(0.1), SteepestStep(0.1), 1, FeatureLoss(("head",)))
    with pytest.raises(InputError, match=r"is one of 0\.head, 1\.head"):
        attack(nn.ModuleList([model, tiny_problem()[0]]), x, labels)
    with pytest.raises(InputError, match="the model is no torch module"):
        attack(lambda images: model(images), x, labels)


# input transforms and filters of the gradient: DI, TI, EOT


@dataclass(frozen=True)
class Shifts:
    """Roll image and maps together by a random number of columns."""

    samples: int

    def __call__(self, images, maps, random):
        seeds = [random] * len(images) if isinstance(random, torch.Generator) else random
        by = [int(torch.randint(0, 5, (1,), generator=one)) for one in seeds]
        roll = [torch.stack([row.roll(k, -1) for row, k in zip(one, by, strict=True)])
                for one in (images, *maps)]  # fmt: skip
        return roll[0], roll[1:]


def test_gradients_go_through_a_transform_that_moves_labels_with_the_image():
    """A pixelwise model is the same after any shift, so shifts change nothing but the sum."""
    model, x, labels = linear_problem()
    labels[:, 0] = 255
    shifts = Shifts(3)
    assert isinstance(shifts, InputTransform)
    attack = GradientAttack(ThreatModel(0.1), SteepestStep(0.03), 4, random_start=False)
    plain = list(attack.iterates(model, x, labels))
    moved = list(replace(attack, transform=shifts).iterates(model, x, labels, seeds=SEEDS))
    for one, other in zip(plain, moved, strict=True):
        torch.testing.assert_close(one.x_adv, other.x_adv, rtol=0, atol=1e-12)
        assert torch.equal(one.forward.fooled, other.forward.fooled)


def test_the_gradient_is_filtered_before_the_step():
    model, x, labels = tiny_problem()
    seen = []

    def blur(gradient):
        seen.append(gradient)
        return F.avg_pool2d(gradient, 3, 1, 1)

    attack = GradientAttack(ThreatModel(0.1), SteepestStep(0.02), 3, random_start=False)
    first, second, *_ = replace(attack, smooth=blur).iterates(model, x, labels)
    expected = (x + 0.02 * F.avg_pool2d(seen[0], 3, 1, 1).sign()).clamp(0, 1)
    torch.testing.assert_close(second.x_adv, expected)
    assert torch.equal(first.x_adv, x)
    assert len(seen) == 3


# radii in stages: SEA


def staged(radii: Sequence[float], steps: int = 3) -> Staged:
    return Staged([GradientAttack(ThreatModel(r), SteepestStep(r / 2), steps) for r in radii])


def test_stages_begin_where_the_one_before_ended_inside_their_own_radius():
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = staged([0.08, 0.06, 0.04])
    runs = list(attack.iterates(model, x, labels, seeds=SEEDS))
    assert [i.step for i in runs] == list(range(attack.steps + 1)) == list(range(12))
    distance = [attack.threat_model.distance(i.x_adv, x).max() for i in runs]
    assert distance[3] > 0.06
    for number, iterate in enumerate(runs):
        assert distance[number] <= (0.08, 0.06, 0.04)[number // 4] + 1e-12
        assert attack.threat_model.distance(iterate.best, x).max() <= 0.04 + 1e-12
        assert (iterate.best_success is None) == (number < 8)
    inside = ThreatModel(0.06).around(x).project(runs[3].x_adv)
    assert torch.equal(runs[4].x_adv, inside)
    assert torch.equal(runs[-1].best, attack(model, x, labels, seeds=SEEDS))


def test_one_stage_is_the_attack_itself():
    model, x, labels = tiny_problem()
    one = staged([0.04]).attacks[0]
    assert torch.equal(
        staged([0.04])(model, x, labels, seeds=SEEDS), one(model, x, labels, seeds=SEEDS)
    )


def test_stages_that_do_not_fit_together_are_refused():
    with pytest.raises(InputError, match="give at least one"):
        Staged([])
    one = staged([0.04]).attacks[0]
    with pytest.raises(InputError, match="a stage has 2 restarts"):
        Staged([replace(one, restarts=2)])
    with pytest.raises(InputError, match="targeted"):
        Staged([one, replace(one, targeted=True)])


# the mode is held until after the backward pass


class Checkpointed(nn.Module):
    """Runs its body once more in the backward pass."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.head(checkpoint(self.net.body, x, use_reentrant=False))


def test_checkpointed_layers_stay_in_evaluation_mode_in_the_backward_pass():
    net, x, labels = tiny_problem(dtype=torch.float64)
    attack = GradientAttack(ThreatModel(0.03), SteepestStep(0.01), 3, random_start=False)
    expected = attack(net.eval(), x, labels)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = attack(Checkpointed(net), x, labels)
    assert torch.equal(found, expected)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(module.training for module in net.modules())


class DropPath(nn.Module):
    def forward(self, x):
        kept = torch.rand(len(x), 1, 1, 1) < 0.5
        return 2 * x * kept if self.training else x


class Residual(nn.Module):
    """A residual block with drop-path, which is computed once more in the backward pass, or not."""

    def __init__(self, *, again):
        super().__init__()
        torch.manual_seed(0)
        self.again, self.first = again, nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), DropPath()
        )
        self.head = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        x = self.first(x)
        changed = checkpoint(self.block, x, use_reentrant=False) if self.again else self.block(x)
        return self.head(x + changed)


@pytest.mark.parametrize(
    "attack",
    [
        pgd(9.0, 3.0, 3, norm=1),
        pgd(0.5, 0.2, 3, norm=2, restarts=2),
        apgd(0.05, 5),
        replace(pgd(0.05, 0.02, 3), transform=Shifts(2)),
        Staged([pgd(0.1, 0.02, 2), pgd(0.05, 0.02, 2)]),
    ],
)
def test_drop_path_in_training_mode_does_not_touch_the_gradient(attack):
    _, x, labels = tiny_problem(dtype=torch.float64)
    expected = attack(Residual(again=False).double().eval(), x, labels, seeds=SEEDS)
    model = Residual(again=True).double().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert torch.equal(attack(model, x, labels, seeds=SEEDS), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
