import math

import pytest
import torch
import torch.nn.functional as F
from oracles import tiny_problem

from art_segplugin.attacks import ATTACKS, cospgd, keep_pgd
from art_segplugin.attacks.keep_pgd import TwoPartWeights
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.selectors import MostReachedAndKept
from art_segplugin.errors import InputError

EPS, STEPS = 0.08, 12


def class_to_class(n=2):
    """A problem whose labels are the clean prediction, but for pixels of class 1, which become 2."""
    model, x, labels = tiny_problem(n=n, dtype=torch.float64)
    before = model(x).argmax(1)
    void = labels == 255
    return model, x, before, before.masked_fill(before == 1, 2).masked_fill(void, 255)


def forward_pass(fooled, valid, losses=None):
    fooled, valid = torch.tensor(fooled)[:, None], torch.tensor(valid)[:, None]
    losses = torch.ones(fooled.shape) if losses is None else losses
    return ForwardPass(0, 1, fooled.long(), valid, fooled & valid, losses, None)


def test_both_parts_weigh_the_same():
    """One of four valid pixels is the source in the first image, none in the second."""
    valid = [[True, True, True, True, False], [True, True, False, False, False]]
    first = forward_pass(
        [[False, True, True, True, False], [True, True, False, False, False]], valid
    )
    weighting = TwoPartWeights().start()
    third = 4 / (2 * 3)
    expected = torch.tensor([[[2.0, third, third, third]], [[0.5, 0.5, 0.5, 0.5]]])
    counted = torch.tensor(valid)[:, None, :4]
    torch.testing.assert_close(weighting(first)[..., :4] * counted, expected.where(counted, 0))
    later = forward_pass(
        [[True, False, False, False, False], [False, True, True, True, True]], valid
    )
    torch.testing.assert_close(weighting(later), weighting(first))  # the parts stay
    fresh = weighting.start()(later)  # another run, another source: three of four pixels
    torch.testing.assert_close(fresh[0, 0, :4], torch.tensor([2.0, third, third, third]))


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_is_a_share(share):
    with pytest.raises(InputError, match="give a number from 0 to 1"):
        keep_pgd(source_share=share)


def test_reached_less_collateral():
    valid = [[True] * 6 + [False]]
    select = MostReachedAndKept().start()
    first = forward_pass([[False, False, True, True, True, True, True]], valid)
    assert select.score(first).tolist() == [0]
    half = forward_pass([[True, False, True, True, True, False, False]], valid)
    assert select.score(half).tolist() == [1 / 2 - 1 / 4]
    assert select.score(forward_pass([[True] * 7], valid)).tolist() == [1]
    assert select.start().score(half).tolist() == [0]


def test_weights_are_those_of_cospgd_for_each_part():
    model, x, before, labels = class_to_class()
    source = (before == 1) & (labels != 255)
    rest = (before != 1) & (labels != 255)
    for iterate in keep_pgd(EPS, steps=4, targeted=True).iterates(model, x, labels):
        forward = iterate.forward
        if forward.weights is None:
            continue
        one_hot = F.one_hot(forward.labels, 4).movedim(3, 1).double()
        far = 1 - F.cosine_similarity(forward.logits.softmax(1), one_hot, dim=1)
        for part in (source, rest):
            pixels = part.flatten(1).sum(1)[:, None, None]
            total = forward.valid.flatten(1).sum(1)[:, None, None]
            share = 0.7 if part is source else 0.3
            expected = (far * share * total / pixels)[part]
            torch.testing.assert_close(forward.weights[part], expected, atol=1e-9, rtol=1e-9)


def shares(model, x_adv, before, labels):
    after, valid = model(x_adv).argmax(1), labels != 255
    source, rest = valid & (before == 1), valid & (before != 1)
    reached = ((after == 2) & source).flatten(1).sum(1) / source.flatten(1).sum(1)
    harmed = ((after != before) & rest).flatten(1).sum(1) / rest.flatten(1).sum(1)
    return reached, harmed


def test_the_answer_is_the_point_with_most_reached_and_least_collateral():
    model, x, before, labels = class_to_class()
    attack = keep_pgd(EPS, steps=STEPS, targeted=True)
    points = list(attack.iterates(model, x, labels))
    found = torch.stack([torch.sub(*shares(model, p.x_adv, before, labels)) for p in points])
    answer = torch.sub(*shares(model, points[-1].best, before, labels))
    torch.testing.assert_close(answer, found.amax(0), atol=1e-6, rtol=0)
    assert torch.equal(found[0], torch.zeros(2))


def test_restarts_are_ranked_by_both_parts():
    """By the number of pixels on target, which is mostly that of the rest, another would win."""
    model, x, _, labels = class_to_class(n=4)
    attack = keep_pgd(EPS, steps=3, targeted=True, random_start=True, restarts=4)
    points = list(attack.iterates(model, x, labels, seeds=range(4)))
    ranks = torch.stack([p.best_rank for p in points if p.step == 3])
    assert (ranks[1:] >= ranks[:-1]).all()
    assert (ranks[-1] > ranks[0]).any()
    assert points[-1].best_rank.max() <= 1


def test_a_small_source_is_not_outvoted():
    """Of 168 pixels 12 are the source: CosPGD, which counts all alike, reaches fewer of them."""
    model, x, before, labels = class_to_class(n=1)
    rare = torch.zeros_like(before, dtype=torch.bool)
    rare[:, 5:8, 4:8] = True
    labels = torch.where(rare, (before + 1) % 4, before)
    options = {"eps": 0.2, "steps": STEPS, "targeted": True, "random_start": False}
    reached = [
        ((model(a(model, x, labels)).argmax(1) == labels) & rare).sum()
        for a in (keep_pgd(step_size=0.05, **options), cospgd(step_size=0.05, **options))
    ]
    assert reached[0] > reached[1]


def test_it_is_everywhere():
    pytest.importorskip("torchattacks")
    from art_segplugin.wrappers import art
    from art_segplugin.wrappers import torchattacks as ours

    assert art.KeepPGD.spec is ours.KeepPGD.spec is ATTACKS["keep-pgd"]
