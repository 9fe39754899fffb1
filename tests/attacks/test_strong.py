"""The budget of `strong`, what it is made of, and that it is found wherever attacks are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tiny_problem

from art_segplugin.attacks import ATTACKS, apgd, cospgd, named, strong
from art_segplugin.attacks.apgd import LOSSES
from art_segplugin.attacks.strong import COMPOSITION, STEP_RULES, Part, shared_out
from art_segplugin.core.ensemble import Cascade
from art_segplugin.errors import InputError

EPS = 0.03


def success(model, x, labels):
    valid = labels != 255
    return ((model(x).argmax(1) != labels) & valid).sum((1, 2)) / valid.sum((1, 2))


@settings(deadline=None, max_examples=100)
@given(steps=st.integers(1, 1000), shares=st.lists(st.integers(1, 100), min_size=1, max_size=6))
def test_the_budget_is_used_up_and_shared_as_asked(steps, shares):
    parts = [Part("ce", "auto", share) for share in shares]
    given_to = shared_out(steps, parts)
    assert sum(given_to) == steps
    assert given_to[0] >= 1
    for share, got in zip(shares, given_to, strict=True):
        assert abs(got - steps * share / sum(shares)) < 1


@pytest.mark.parametrize("steps", [1, 2, 7, 100, 200])
def test_as_many_gradient_evaluations_an_image_as_steps(steps):
    model, x, labels = tiny_problem(n=3, size=(4, 5))
    backwards = []

    def counted(images):
        if images.requires_grad:
            images.register_hook(lambda gradient: backwards.append(len(gradient)))
        return model(images)

    attack = strong(EPS, steps=steps)
    attack(counted, x, labels)
    assert attack.gradients == steps
    assert sum(backwards) <= steps * len(x)  # fewer, where images were done
    assert len(backwards) <= steps


def test_restarts_are_whole_cascades():
    attack = strong(EPS, steps=10, restarts=3)
    assert attack.gradients == 30
    assert all(isinstance(one, Cascade) for one in attack.attacks)


def test_the_table_is_of_known_parts_and_names_all_steps():
    assert {part.loss for part in COMPOSITION} <= LOSSES.keys()
    assert {part.steps for part in COMPOSITION} <= STEP_RULES.keys()
    assert sum(part.share for part in COMPOSITION) == 100
    assert [one.steps for one in strong(EPS, steps=100).attacks] == [p.share for p in COMPOSITION]


@pytest.mark.parametrize("targeted", [False, True])
def test_is_no_weaker_than_its_first_member_and_improves_on_it(targeted):
    model, x, labels = tiny_problem(n=8)
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    attack = strong(EPS, steps=20, targeted=targeted)
    ends = {}
    for iterate in attack.iterates(model, x, labels, seeds=range(8)):
        ends[iterate.member] = iterate.best_success
    first, last = ends[0], ends[max(ends)]
    assert (last >= first).all()
    assert last.mean() > first.mean()
    assert len(ends) == len(COMPOSITION)


def test_leaves_less_than_its_attacks_alone_at_the_same_budget():
    model, x, labels = tiny_problem(n=16, size=(16, 16))
    ours = success(model, strong(EPS, steps=40)(model, x, labels, seeds=range(16)), labels)
    for alone in (cospgd(EPS, EPS / 4, 40), apgd(EPS, 40)):
        theirs = success(model, alone(model, x, labels, seeds=range(16)), labels)
        assert ours.mean() >= theirs.mean() - 0.01


@pytest.mark.parametrize(("norm", "eps"), [(1, 8.0), (2, 0.6)])
def test_other_norms(norm, eps):
    model, x, labels = tiny_problem(n=3)
    attack = strong(eps, steps=10, norm=norm)
    answer = attack(model, x, labels)
    assert attack.gradients == 10
    assert (attack.threat_model.distance(answer, x) <= eps * 1.001).all()
    assert (success(model, answer, labels) > success(model, x, labels)).all()


@pytest.mark.parametrize("steps", [0, -1])
def test_other_budgets_are_named(steps):
    with pytest.raises(InputError, match=r"steps is .*; give a whole number >= 1"):
        strong(EPS, steps=steps)


def test_names():
    assert named("strong").name == "strong-100"
    assert named("strong-200").build().gradients == 200
    assert ATTACKS["strong"].kind == "ensemble"


def test_torchattacks_and_art_give_what_the_attack_gives():
    pytest.importorskip("torchattacks")
    pytest.importorskip("art")
    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ours

    assert art.SegmentationStrong.spec is ours.SegmentationStrong.spec is ATTACKS["strong"]
    model, x, labels = tiny_problem(n=2)
    plain = strong(EPS, steps=6, random_start=False)(model, x, labels)
    wrapped = ours.SegmentationStrong(model, eps=EPS, steps=6, random_start=False)(x, labels)
    assert torch.equal(plain, wrapped)

    estimator = art.PyTorchSegmenter(model, input_shape=(3, 12, 14), nb_classes=4)
    attack = art.SegmentationStrong(estimator, eps=EPS, max_iter=6, num_random_init=0)
    answer = attack.generate(x.numpy(), labels.numpy())
    np.testing.assert_allclose(answer, plain.numpy(), atol=1e-6)
