"""Members that share their best points, and images that are done."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import LinearSegmenter, tiny_problem

from art_segplugin.attacks import apgd, cospgd, fgsm, pgd, segpgd
from art_segplugin.core.ensemble import Cascade, Staged, WorstCase, points_of
from art_segplugin.core.forward_pass import fooled_pixels
from art_segplugin.core.iterate import Attack
from art_segplugin.core.selectors import LowestAccuracy, SmallestDistance
from art_segplugin.errors import InputError

EPS = 0.03
MEMBERS = [
    cospgd(EPS, 0.02, 3),
    replace(segpgd(EPS, 0.01, 4), select=LowestAccuracy()),
    apgd(EPS, 5),
]
SEEDS = list(range(100))


def success(model, x, labels):
    valid = labels != 255
    fooled = fooled_pixels(model(x), labels.masked_fill(~valid, 0), valid)
    return fooled.flatten(1).sum(1) / valid.flatten(1).sum(1)


def easy_and_hard(n=4, easy=(1, 3)):
    """A linear segmenter of which some images are fooled everywhere within eps, the others nowhere."""
    torch.manual_seed(0)
    model = LinearSegmenter().double().eval()
    x = 0.4 + 0.2 * torch.rand(n, 3, 5, 6, dtype=torch.float64)
    need = model.smallest_linf(x)
    for image in range(n):
        wanted = EPS / 2 if image in easy else 4 * EPS
        shift = (need[image] - wanted) * model.margin(x)[image].sign()
        x[image] -= shift * model.w.detach().sign().view(3, 1, 1)
    return model, x.clamp(0, 1), model(x).argmax(1)


class Counted:
    """A model that remembers how many images went through it, forwards and backwards."""

    def __init__(self, model):
        self.model, self.forwards, self.backwards = model, [], []

    def __call__(self, images):
        self.forwards.append(len(images))
        if images.requires_grad:
            images.register_hook(lambda gradient: self.backwards.append(len(gradient)))
        return self.model(images)


def test_is_an_attack():
    assert isinstance(Cascade(MEMBERS), Attack)
    assert (Cascade(MEMBERS).steps, Cascade(MEMBERS).restarts) == (5, 3)


@pytest.mark.parametrize("leave", [False, True])
def test_members_that_share_nothing_are_a_worst_case(leave):
    model, x, labels = tiny_problem(n=4)
    apart = Cascade(MEMBERS, fresh=range(3), leave=leave)
    runs = [
        list(a.iterates(model, x, labels, seeds=SEEDS[:4])) for a in (apart, WorstCase(MEMBERS))
    ]
    for one, other in zip(*runs, strict=True):
        assert (one.restart, one.step, one.member) == (other.restart, other.step, other.member)
        assert torch.equal(one.x_adv, other.x_adv)
        assert torch.equal(one.best, other.best)


@pytest.mark.parametrize("targeted", [False, True])
def test_each_member_begins_at_the_best_point_so_far(targeted):
    model, x, labels = tiny_problem(n=6, dtype=torch.float64)
    members = [replace(member, targeted=targeted) for member in MEMBERS[:2]]
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    point, rate = None, None
    for member in members:  # by hand, from what attacks give alone
        *_, last = member.iterates(model, x, labels, start=point, seeds=SEEDS[:6])
        if point is None:
            point, rate = last.best, last.best_success
        else:
            better = last.best_success > rate
            point = torch.where(better.view(-1, 1, 1, 1), last.best, point)
            rate = torch.maximum(rate, last.best_success)
    *_, last = Cascade(members).iterates(model, x, labels, seeds=SEEDS[:6])
    assert torch.equal(last.best, point)
    assert torch.equal(last.best_success, rate)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 1000), size=st.floats(0.002, 0.03))
def test_never_weaker_than_any_member_from_where_it_began(seed, size):
    model, x, labels = tiny_problem(n=3, seed=seed)
    members = [pgd(EPS, size, 3), cospgd(EPS, size, 2), fgsm(EPS)]
    attack, begun, ends = Cascade(members, fresh=[2]), {}, {}
    for iterate in attack.iterates(model, x, labels, seeds=SEEDS[:3]):
        begun.setdefault(iterate.member, iterate.x_adv)
        ends[iterate.member] = iterate
    best = success(model, ends[2].best, labels)
    for number, member in enumerate(members):
        alone = member(model, x, labels, start=begun[number])
        torch.testing.assert_close(alone, ends[number].of_member, atol=0, rtol=0)
        assert (best >= success(model, alone, labels) - 1e-6).all()
    rates = [ends[number].best_success for number in range(3)]
    assert (rates[0] <= rates[1]).all()
    assert (rates[1] <= rates[2]).all()


def test_images_that_are_done_leave_and_are_looked_at_once_more():
    model, x, labels = easy_and_hard()
    counted = Counted(model)
    answer = Cascade([pgd(EPS, EPS / 2, 4), pgd(EPS, EPS, 3), fgsm(EPS)])(
        counted, x, labels, seeds=SEEDS[:4]
    )
    assert success(model, answer, labels).tolist() == [0, 1, 0, 1]
    first, second, third = [4] * 5, [2] * 4, [2] * 2
    assert counted.forwards == [*first, 2, *second, 2, *third]
    assert counted.backwards == [4] * 4 + [2] * 3 + [2]


@pytest.mark.parametrize("fresh", [(), (1,), (1, 2)])
def test_that_images_leave_changes_no_answer(fresh):
    model, x, labels = easy_and_hard()
    members = [pgd(EPS, EPS / 2, 4), segpgd(EPS, EPS, 3), apgd(EPS, 3)]
    staying, leaving = (
        list(Cascade(members, fresh, leave).iterates(model, x, labels, seeds=SEEDS[:4]))
        for leave in (False, True)
    )
    assert len(staying) == len(leaving)
    for one, other in zip(staying, leaving, strict=True):
        torch.testing.assert_close(one.best, other.best, atol=1e-12, rtol=0)
        assert torch.equal(one.best_success, other.best_success)
        assert torch.equal(one.without_gradient, other.without_gradient)


def test_iterates_are_of_the_whole_batch_and_true():
    model, x, labels = easy_and_hard()
    labels[:, 0] = 255
    valid = labels != 255
    for iterate in Cascade([pgd(EPS, EPS / 2, 4), cospgd(EPS, EPS, 3)]).iterates(
        model, x, labels, seeds=SEEDS[:4]
    ):
        forward, logits = iterate.forward, model(iterate.x_adv)
        torch.testing.assert_close(forward.logits, logits)
        fooled = fooled_pixels(logits, labels.masked_fill(~valid, 0), valid)
        assert torch.equal(forward.fooled, fooled)
        assert torch.equal(forward.valid, valid)
        loss = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255, reduction="none")
        torch.testing.assert_close(forward.pixel_loss, loss)
        torch.testing.assert_close(success(model, iterate.best, labels).double(),
                                   iterate.best_success.double(), atol=1e-6, rtol=0)  # fmt: skip
        kept = forward
        assert kept.prediction.shape == labels.shape
    assert kept.logits is None  # freed once the attack went on


def test_when_nothing_is_left_the_other_points_cost_one_look_a_member():
    model, x, labels = easy_and_hard(easy=range(4))
    labels[2] = 255  # nothing to attack there
    counted = Counted(model)
    members = [pgd(EPS, EPS / 2, 4), WorstCase([pgd(EPS, steps=2, restarts=2), fgsm(EPS)])]
    attack = Cascade(members)
    runs = list(attack.iterates(counted, x, labels, seeds=SEEDS[:4]))
    assert counted.forwards == [4] * 5 + [4]
    assert counted.backwards == [4] * 4
    unlike = list(WorstCase(members).iterates(model, x, labels))
    where = [[(r.restart, r.step, r.member) for r in of] for of in (runs, unlike)]
    assert where[0] == where[1]
    assert points_of(attack) == len(runs) == 5 + 6 + 2
    assert runs[-1].best_success.tolist() == [1, 1, 0, 1]
    for iterate in runs[5:]:
        assert torch.equal(iterate.x_adv, runs[4].best)
        assert torch.equal(iterate.answer_of_member, runs[4].best)
        assert iterate.forward.fooled.flatten(1).sum(1).tolist() == [30, 30, 0, 30]
        assert not iterate.forward.weights.any()


@pytest.mark.parametrize(
    "second",
    [
        pgd(torch.full((4,), EPS), EPS, 3),
        pgd(EPS, torch.full((4,), EPS), 3),
        replace(pgd(EPS, EPS, 3), compare=SmallestDistance()),
    ],
)
def test_images_stay_where_each_has_values_of_its_own_or_is_not_done(second):
    model, x, labels = easy_and_hard()
    counted = Counted(model)
    Cascade([pgd(EPS, EPS / 2, 4), second])(counted, x, labels, seeds=SEEDS[:4])
    assert counted.forwards == [4] * 5 + [4] * 4


def test_gradient_evaluations_are_counted_through_nested_members():
    nested = WorstCase([fgsm(EPS), Cascade([pgd(EPS, steps=3, restarts=2), pgd(EPS, steps=4)])])
    assert nested.gradients == 1 + 6 + 4
    assert (nested.members, nested.restarts) == (3, 4)
    model, x, labels = tiny_problem(n=3)
    counted = Counted(model)
    nested(counted, x, labels)
    assert counted.backwards == [3] * 11
    staged = Staged([pgd(2 * EPS, steps=2), pgd(EPS, steps=3)])
    assert Cascade([staged, fgsm(EPS)]).gradients == 6


def test_the_answer_of_each_member_is_told_through_nested_ones():
    model, x, labels = tiny_problem(n=4)
    start = (x + 0.01).clamp(0, 1)
    leaves = [pgd(EPS, 0.02, 3), segpgd(EPS, 0.01, 5), fgsm(EPS), pgd(EPS, 0.005, 2)]
    attack = WorstCase([leaves[0], WorstCase(leaves[1:3]), leaves[3]])
    told = {
        iterate.member: iterate.answer_of_member
        for iterate in attack.iterates(model, x, labels, start=start)
    }
    assert list(told) == [0, 1, 2, 3]
    for number, leaf in enumerate(leaves):
        assert torch.equal(told[number], leaf(model, x, labels, start=start))


def test_an_attack_without_members_has_one_answer():
    model, x, labels = tiny_problem()
    for attack in (pgd(EPS, 0.02, 3, restarts=2), Staged([pgd(2 * EPS, 0.02, 2), pgd(EPS)])):
        for iterate in attack.iterates(model, x, labels):
            assert iterate.member == 0
            assert iterate.answer_of_member is iterate.best


def test_stages_can_be_members():
    model, x, labels = easy_and_hard()
    staged = Staged([pgd(2 * EPS, EPS, 2), pgd(EPS, EPS, 3)])
    *_, last = Cascade([pgd(EPS, EPS / 2, 4), staged]).iterates(model, x, labels, seeds=SEEDS[:4])
    assert last.best_success.tolist() == [0, 1, 0, 1]
    assert last.best.sub(x).abs().max() <= EPS + 1e-9


def test_classifiers():
    def model(images):
        return images.mean((2, 3), keepdim=True)[:, :3]

    x = torch.full((3, 3, 4, 4), 0.5)
    x[:, 0] += torch.tensor([0.01, 0.5, 0.01]).view(3, 1, 1)
    labels = torch.zeros(3, 1, 1, dtype=torch.long)
    counted = Counted(model)
    answer = Cascade([pgd(EPS, EPS, 2), fgsm(EPS)])(counted, x, labels)
    assert (model(answer).argmax(1) != 0).flatten().tolist() == [True, False, True]
    assert counted.forwards == [3, 3, 3, 2, 1, 1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Cascade([]), "there is no attack"),
        (lambda: Cascade([pgd(0.1), pgd(0.2)]), "have the eps 0.1 and 0.2"),
        (lambda: Cascade([pgd(0.1)], fresh=[1]), "has the number 1 and there are 1 members"),
    ],
)
def test_what_cannot_be_is_named(make, words):
    with pytest.raises(InputError) as caught:
        make()
    assert words in str(caught.value)


def test_one_member_is_that_attack():
    model, x, labels = tiny_problem()
    attack = pgd(8 / 255, norm=math.inf, random_start=False)
    assert torch.equal(Cascade([attack])(model, x, labels), attack(model, x, labels))
