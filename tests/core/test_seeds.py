"""One seed an image: what an image starts from does not depend on the batch it is in."""

import math

import pytest
import torch
from oracles import tiny_problem

from art_segplugin.attacks import pgd, temperature_sweep
from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.errors import InputError

SEEDS = (7, 1_000_003, 12, 2**40)
RADII = {1: 8.0, 2: 0.6, math.inf: 0.06}


def problem():
    model, x, labels = tiny_problem(n=4, dtype=torch.float64)
    return model, x, labels


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("restarts", [1, 3])
def test_together_as_alone_bit_for_bit(norm, restarts):
    model, x, labels = problem()
    eps = RADII[norm]
    attack = pgd(eps, eps / 4, 3, norm, restarts=restarts)
    together = [i.x_adv for i in attack.iterates(model, x, labels, seeds=SEEDS) if i.step == 0]
    for i, seed in enumerate(SEEDS):
        one = slice(i, i + 1)
        generator = torch.Generator().manual_seed(seed)
        alone = [
            iterate.x_adv
            for iterate in attack.iterates(model, x[one], labels[one], generator=generator)
            if iterate.step == 0
        ]
        assert len(alone) == restarts
        for batch, single in zip(together, alone, strict=True):
            assert torch.equal(batch[one], single)


def test_the_order_of_the_images_does_not_matter():
    model, x, labels = problem()
    attack, order = pgd(0.06, 0.015, 3), [2, 0, 3, 1]
    straight = attack(model, x, labels, seeds=SEEDS)
    mixed = attack(model, x[order], labels[order], seeds=[SEEDS[i] for i in order])
    torch.testing.assert_close(straight[order], mixed, rtol=0, atol=1e-12)


def test_members_of_a_worst_case_draw_in_turn():
    model, x, labels = problem()
    sweep = temperature_sweep(0.06, 0.015, 2, temperatures=(2.0, 0.5))
    starts = [i.x_adv for i in sweep.iterates(model, x, labels, seeds=SEEDS) if i.step == 0]
    assert not torch.equal(starts[0], starts[1])
    again = [i.x_adv for i in sweep.iterates(model, x, labels, seeds=SEEDS) if i.step == 0]
    assert all(torch.equal(one, other) for one, other in zip(starts, again, strict=True))


def test_each_image_may_have_its_own_radius_too():
    model, x, labels = problem()
    eps = torch.tensor([0.0, 0.01, 0.03, 0.06], dtype=torch.float64)
    x_adv = pgd(eps, eps / 4, 3)(model, x, labels, seeds=SEEDS)
    assert (ThreatModel(eps).distance(x_adv, x) <= eps + 1e-12).all()
    alone = pgd(0.06, 0.015, 3)(model, x[3:], labels[3:], seeds=SEEDS[3:])
    torch.testing.assert_close(x_adv[3:], alone, rtol=0, atol=1e-12)


def test_channels_last_images_start_where_they_do_alone():
    model, x, labels = problem()
    x = x.contiguous(memory_format=torch.channels_last)
    attack = pgd(0.06, 0.015, 1)
    first = next(iter(attack.iterates(model, x, labels, seeds=SEEDS))).x_adv
    alone = next(iter(attack.iterates(model, x[1:2], labels[1:2], seeds=SEEDS[1:2]))).x_adv
    assert torch.equal(first[1:2], alone)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seeds": (1, 2)}, "there are 2 seeds for 4 images; give one each."),
        ({"seeds": SEEDS, "generator": torch.Generator()}, "generator and seeds are given"),
        ({"seeds": (1, 2, 3, 2**70)}, "give whole numbers of 64 bits"),
    ],
)
def test_bad_seeds_are_named(given, words):
    model, x, labels = problem()
    with pytest.raises(InputError, match=words):
        pgd(steps=1)(model, x, labels, **given)
