"""SEA and red-eps APGD against algorithms that are written out for one image, with floats and ifs."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import tiny_problem

from art_segplugin.attacks import apgd, named, red_eps_apgd, sea
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.errors import InputError

EPS = 0.03


def right_of(logits, label):
    return (logits.argmax(1) == label) & (label != 255)


def cross_entropy(logits, label):
    return F.cross_entropy(logits, label, ignore_index=255, reduction="none")


def probability(logits, label):
    at_label = label.masked_fill(label == 255, 0).unsqueeze(1)
    return logits.softmax(1).gather(1, at_label).squeeze(1), label != 255


def mce(logits, label, share):
    return (cross_entropy(logits, label) * right_of(logits, label)).sum()


def mce_bal(logits, label, share):
    loss, right, total = cross_entropy(logits, label), right_of(logits, label), 0.0
    for y in range(logits.shape[1]):
        count = (label == y).sum()
        total = total + (loss * (right & (label == y))).sum() / max(count, 1)
    return total


def js(logits, label, share=None):
    p, valid = probability(logits, label)
    values = math.log(2) + (p * p.log() - (1 + p) * (1 + p).log()) / 2
    return values[valid].sum()


def tsallis(logits, label, share):
    (p, valid), q = probability(logits, label), -2 + 3 * share
    return ((1 - p ** (1 - q)) / (1 - q))[valid].sum()


def ce(logits, label, share=None):
    return cross_entropy(logits, label).sum()


def straight_apgd(model, x, label, start, eps, steps, climbed, tracked):
    """Points, and the one of the lowest accuracy; the later of those of the highest tracked loss."""

    def project(z):
        return torch.maximum(torch.minimum(z, x + eps), x - eps).clamp(0, 1)

    def look(z, k):
        z = z.clone().requires_grad_(True)
        logits = model(z)
        (g,) = torch.autograd.grad(climbed(logits, label, k / steps), z)
        return tracked(logits, label).item(), g.sign(), right_of(logits, label).sum().item()

    p, w = [0.0, 0.22], set()
    while p[-1] <= 1 + 1e-9:
        w.add(math.ceil(round(p[-1] * steps, 6)))
        p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
    now, before, eta, size_was_halved = project(start), None, 2 * eps, False
    points, scores = [], []
    increases = last_w = 0
    before_loss = math.inf
    for k in range(steps + 1):
        loss, direction, right = look(now, k) if k < steps else (*look(now, steps - 1),)
        points.append(now)
        scores.append((-right, loss, k))
        if k == steps:
            break
        if k == 0:
            best, best_loss, best_direction, checked_loss = now, loss, direction, loss
            after = project(now + eta * direction)
        else:
            increases += loss > before_loss
            if loss > best_loss:
                best, best_loss, best_direction = now, loss, direction
            if k in w:
                stalled = not size_was_halved and best_loss == checked_loss
                size_was_halved = increases < 0.75 * (k - last_w) or stalled
                last_w, increases, checked_loss = k, 0, best_loss
                if size_was_halved:
                    eta /= 2
                    now, loss, direction = best, best_loss, best_direction
            z = project(now + eta * direction)
            after = project(now + 0.75 * (z - now) + 0.25 * (now - before))
        before, before_loss, now = now, loss, after
    winner = max(scores)
    return points, points[winner[2]], winner[0]


def straight_red_eps(model, x, label, start, steps, climbed, tracked):
    """Radii 2, 1.5 and 1 times EPS with 3, 3 and 4 tenths of the steps."""
    visited, few = [], 3 * steps // 10
    for factor, n in ((2, few), (1.5, few), (1, steps - 2 * few)):
        points, start, score = straight_apgd(
            model, x, label, start, factor * EPS, n, climbed, tracked
        )
        visited += points
    return visited, start, score


def problem(n=3, away=2 * EPS):
    model, x, labels = tiny_problem(n=n, size=(7, 8), dtype=torch.float64)
    noise = torch.empty_like(x).uniform_(-away, away, generator=torch.Generator().manual_seed(3))
    return model, x, labels, (x + noise).clamp(0, 1)


@pytest.mark.parametrize(
    ("loss", "climbed", "tracked"),
    [("mce", mce, ce), ("mce-bal", mce_bal, ce), ("js", js, js), ("tsallis", tsallis, ce)],
)
def test_every_point_of_red_eps_apgd_is_that_of_the_algorithm(loss, climbed, tracked):
    model, x, labels, start = problem()
    attack = red_eps_apgd(EPS, 30, loss=loss)
    runs = list(attack.iterates(model, x, labels, start=start))
    for n in range(3):
        one = slice(n, n + 1)
        points, answer, _ = straight_red_eps(
            model, x[one], labels[one], start[one], 30, climbed, tracked
        )
        assert len(points) == len(runs) == 33  # two points are looked at once more
        for run, point in zip(runs, points, strict=True):
            torch.testing.assert_close(run.x_adv[one], point, rtol=0, atol=1e-9)
        torch.testing.assert_close(runs[-1].best[one], answer, rtol=0, atol=1e-9)


def test_sea_keeps_the_best_of_its_three_runs_of_each_image():
    model, x, labels, start = problem(n=4)
    found = sea(EPS, 20)(model, x, labels, start=start)
    winners = []
    for n in range(4):
        one = slice(n, n + 1)
        answers = [
            straight_red_eps(model, x[one], labels[one], start[one], 20, climbed, tracked)[1:]
            for climbed, tracked in ((mce_bal, ce), (mce, ce), (js, js))
        ]
        scores = [score for _, score in answers]
        winners.append(scores.index(max(scores)))
        torch.testing.assert_close(found[one], answers[winners[-1]][0], rtol=0, atol=1e-9)
    assert len(set(winners)) > 1  # else the choice would not be shown


def test_members_of_sea_can_be_run_one_by_one():
    model, x, labels, start = problem()
    attack = sea(EPS, 10)
    answers = [member(model, x, labels, start=start) for member in attack.attacks]
    right = torch.stack([right_of(model(x_adv), labels).sum((1, 2)) for x_adv in answers])
    best = attack(model, x, labels, start=start)
    assert torch.equal(right_of(model(best), labels).sum((1, 2)), right.amin(0))
    alone = [red_eps_apgd(EPS, 10, loss=loss) for loss in ("mce-bal", "mce", "js")]
    for member, one in zip(answers, alone, strict=True):
        assert torch.equal(member, one(model, x, labels, start=start))


def test_the_best_answer_so_far_never_gets_worse_nor_leaves_the_radius():
    """Also in the first stages of a later member, whose own answers are not scored yet."""
    model, x, labels = tiny_problem(n=3, dtype=torch.float64)
    attack = sea(EPS, 10, restarts=2)
    assert attack.restarts == 6
    before = None
    for iterate in attack.iterates(model, x, labels, seeds=(1, 2, 3)):
        assert (attack.threat_model.distance(iterate.best, x) <= EPS * (1 + 1e-9)).all()
        right = right_of(model(iterate.best), labels).sum((1, 2))
        if iterate.best_success is None:
            assert before is None
            continue
        expected = 1 - right / (labels != 255).sum((1, 2))
        torch.testing.assert_close(iterate.best_success, expected.float(), check_dtype=False)
        assert before is None or (right <= before).all()
        before = right
    assert before is not None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1000))
def test_stages_share_the_steps_and_use_all_of_them(steps):
    stages = red_eps_apgd(EPS, steps).attacks
    assert sum(stage.steps for stage in stages) == steps
    assert all(stage.steps >= 1 for stage in stages)
    if steps >= 4:
        assert [stage.threat_model.eps / EPS for stage in stages] == pytest.approx([2, 1.5, 1])
        assert [stage.steps for stage in stages[:2]] == [int(steps * 3 / 10)] * 2
    else:
        assert [stage.threat_model.eps for stage in stages] == [EPS]


def test_restarts_are_stages_again():
    model, x, labels = tiny_problem()
    attack = red_eps_apgd(EPS, 10, restarts=2)
    one = red_eps_apgd(EPS, 10)
    assert isinstance(attack, WorstCase)
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    expected = WorstCase([one, one])(model, x, labels, generator=generators[0])
    assert torch.equal(attack(model, x, labels, generator=generators[1]), expected)


def test_the_first_stage_starts_anywhere_within_twice_the_radius():
    model, x, labels = tiny_problem()
    first = next(iter(sea(EPS, 10).iterates(model, x, labels, seeds=(1, 2))))
    distance = (first.x_adv - x).abs().amax((1, 2, 3))
    assert ((distance > 1.9 * EPS) & (distance <= 2 * EPS * (1 + 1e-6))).all()
    still = next(iter(sea(EPS, 10, random_start=False).iterates(model, x, labels)))
    assert torch.equal(still.x_adv, x)


@pytest.mark.parametrize(
    ("factory", "bad", "words"),
    [
        (sea, {"norm": 1}, "APGD is made for 2 and inf"),
        (sea, {"steps": 0}, "steps is 0"),
        (sea, {"class_pixels": (0, 1)}, "give a number above 0 for each class"),
        (red_eps_apgd, {"loss": "cw"}, "loss is 'cw'; give one of ce, dlr, mce, mce-bal, js"),
        (red_eps_apgd, {"eps": -1.0}, "eps is -1.0"),
        (apgd, {"loss": "mce-bal", "class_pixels": (0,)}, "give a number above 0"),
    ],
)
def test_bad_values_are_one_sentence(factory, bad, words):
    with pytest.raises(InputError, match=words):
        factory(**bad)


def test_names():
    assert named("sea").name == "sea-300"
    assert named("red-eps-apgd-50", loss="mce").described()["loss"] == "mce"
    assert [len(member.attacks) for member in named("sea-9").build().attacks] == [3, 3, 3]
