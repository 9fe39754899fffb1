import math

import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import fgsm, pgd, segpgd
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.core.forward_pass import fooled_pixels
from art_segplugin.core.iterate import Attack
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

EPS = 0.03
MEMBERS = [pgd(EPS, 0.02, 3), segpgd(EPS, 0.01, 5, restarts=2), fgsm(EPS)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def success(model, x, labels):
    valid = labels != 255
    fooled = fooled_pixels(model(x), labels.masked_fill(~valid, 0), valid)
    return fooled.flatten(1).sum(1) / valid.flatten(1).sum(1)


def test_both_kinds_are_attacks():
    assert isinstance(WorstCase(MEMBERS), Attack)
    assert isinstance(MEMBERS[0], Attack)


def test_restarts_are_numbered_on_and_steps_are_those_of_the_longest():
    model, x, labels = tiny_problem()
    attack = WorstCase(MEMBERS)
    runs = list(attack.iterates(model, x, labels))
    visited = [(i.restart, i.step) for i in runs]
    lengths = [3, 5, 5, 1]
    assert visited == [(r, s) for r, length in enumerate(lengths) for s in range(length + 1)]
    assert (attack.restarts, attack.steps) == (4, 5)
    assert all(i.forward is not None for i in runs)


def test_each_image_gets_the_best_answer_of_all_members():
    model, x, labels = tiny_problem(n=8)
    start = (x + 0.01).clamp(0, 1)
    answers = [member(model, x, labels, start=start) for member in MEMBERS]
    rates = torch.stack([success(model, answer, labels) for answer in answers])
    assert rates.argmax(0).unique().numel() > 1  # else the test would show nothing
    best = WorstCase(MEMBERS)(model, x, labels, start=start)
    torch.testing.assert_close(success(model, best, labels), rates.amax(0))
    for i, k in enumerate(rates.argmax(0)):  # of equal ones the first
        assert torch.equal(best[i], answers[k][i])


def test_targeted_members_keep_the_most_pixels_on_target():
    model, x, labels = tiny_problem(n=6)
    wanted = torch.where(labels == 255, labels, (labels + 1) % 4)
    members = [pgd(EPS, size, 3, targeted=True, random_start=False) for size in (0.02, 0.005)]
    rates = torch.stack([1 - success(model, m(model, x, wanted), wanted) for m in members])
    assert (rates[0] != rates[1]).any()
    best = WorstCase(members)(model, x, wanted)
    torch.testing.assert_close(1 - success(model, best, wanted), rates.amax(0))


def test_alike_members_are_restarts_bit_for_bit():
    model, x, labels = tiny_problem(n=4)
    ours = WorstCase([pgd(EPS, 0.02, 3)] * 4).iterates(model, x, labels, generator=seeded())
    theirs = pgd(EPS, 0.02, 3, restarts=4).iterates(model, x, labels, generator=seeded())
    for one, other in zip(ours, theirs, strict=True):
        assert (one.restart, one.step) == (other.restart, other.step)
        assert torch.equal(one.x_adv, other.x_adv)
        assert torch.equal(one.best, other.best)
        assert torch.equal(one.best_success, other.best_success)


def test_an_ensemble_may_be_a_member():
    model, x, labels = tiny_problem(n=4)
    nested, flat = WorstCase([WorstCase(MEMBERS[:2]), MEMBERS[2]]), WorstCase(MEMBERS)
    assert (nested.restarts, nested.steps) == (flat.restarts, flat.steps)
    runs = [list(a.iterates(model, x, labels, generator=seeded())) for a in (nested, flat)]
    for one, other in zip(*runs, strict=True):
        assert (one.restart, one.step) == (other.restart, other.step)
        assert torch.equal(one.best, other.best)


def test_best_is_of_everything_so_far():
    model, x, labels = tiny_problem(n=6)
    ends = []
    for iterate in WorstCase(MEMBERS).iterates(model, x, labels, generator=seeded()):
        torch.testing.assert_close(success(model, iterate.best, labels), iterate.best_success)
        if iterate.restart > 0:
            assert (iterate.best_success >= ends[-1]).all()
        if iterate.step == [3, 5, 5, 1][iterate.restart]:
            ends.append(iterate.best_success)
    assert len(ends) == 4


def test_one_member_is_that_attack():
    model, x, labels = tiny_problem()
    calls = []

    def counted(images):
        calls.append(len(images))
        return model(images)

    answer = WorstCase([MEMBERS[0]])(counted, x, labels, generator=seeded())
    assert torch.equal(answer, MEMBERS[0](model, x, labels, generator=seeded()))
    assert len(calls) == MEMBERS[0].steps


@pytest.mark.parametrize("final_forward", [False, True])
def test_the_answer_does_not_depend_on_final_forward(final_forward):
    model, x, labels = tiny_problem(n=4)
    attack = WorstCase(MEMBERS)
    runs = attack.iterates(model, x, labels, generator=seeded(), final_forward=final_forward)
    assert torch.equal(list(runs)[-1].best, attack(model, x, labels, generator=seeded()))


def test_leaves_no_trace_when_cancelled_in_a_later_member():
    model, x, labels = tiny_problem()
    model.train()
    run = WorstCase(MEMBERS).iterates(model, x, labels)
    for iterate in run:
        assert torch.is_grad_enabled()
        assert model.training
        if iterate.restart == 1:
            break
    run.close()
    assert torch.is_grad_enabled()
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert not any(m.requires_grad for m in (x, iterate.best))


def test_same_threat_models_in_other_words():
    eps = torch.full((2,), 8 / 255)
    attack = WorstCase([pgd(8 / 255, norm="Linf"), pgd(eps, norm=math.inf), pgd(eps.double())])
    assert attack.threat_model.p == math.inf
    assert isinstance(attack.threat_model, ThreatModel)


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([], "there is no attack"),
        ([pgd(0.1), pgd(0.2)], "have the eps 0.1 and 0.2; give attacks with the same eps"),
        ([pgd(0.1), pgd(torch.tensor([0.1, 0.2]))], "have the eps"),
        ([pgd(torch.tensor([0.1])), pgd(torch.tensor([0.1, 0.1]))], "have the eps"),
        ([pgd(0.1), pgd(0.1, norm=2)], "have the norm inf and 2"),
        ([pgd(0.1), pgd(0.1, bounds=(0, 255))], "have the bounds (0.0, 1.0) and (0, 255)"),
        ([pgd(0.1), pgd(0.1, targeted=True)], "have the targeted False and True"),
        ([pgd(0.1), pgd(0.1, ignore_index=0)], "have the ignore_index 255 and 0"),
    ],
)
def test_members_that_cannot_be_compared_are_named(others, words):
    with pytest.raises(InputError) as caught:
        WorstCase(others)
    assert words in str(caught.value)
