"""Models that hide their gradient: one warning, and never where nothing could have moved."""

import warnings

import pytest
import torch
from oracles import tiny_problem
from torch import nn

from art_segplugin.attacks import apgd, fgsm, pgd, segpgd
from art_segplugin.core.ensemble import Staged, WorstCase
from art_segplugin.core.iterate import Iterate, warn_without_gradient

SEEDS = (5, 6, 7)


class Rounding(nn.Module):
    """Rounds those images to 8 bits whose first value is below 0.5."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        rounded = (x[:, :1, :1, :1] < 0.5).expand_as(x)
        return self.model(torch.where(rounded, (x * 255).round() / 255, x))


def problem(hidden=(0, 2)):
    """Three images, of which some are rounded; a mask keeps their first value."""
    model, x, labels = tiny_problem(n=3)
    x[:, 0, 0, 0] = 0.9
    x[list(hidden), 0, 0, 0] = 0.1
    return Rounding(model), x, labels, labels != 255  # the first row may not be changed


def said(attack, *arguments, **given):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        attack(*arguments, **given)
    return [str(one.message) for one in caught]


ATTACKS = [
    pgd(0.05, 0.02, 3),
    pgd(0.5, 0.2, 3, norm=2),
    pgd(9.0, 3.0, 3, norm=1),
    pgd(0.05, 0.02, 2, restarts=3),
    pgd(0.05, 0.02, 2, targeted=True),
    pgd(0.05, 0.02, 2, decay=1.0),
    segpgd(0.05, 0.02, 3),
    fgsm(0.05),
    apgd(0.05, 4, loss="dlr"),
    WorstCase([pgd(0.05, 0.02, 2), segpgd(0.05, 0.02, 2, restarts=2)]),
    Staged([pgd(0.1, 0.02, 2), pgd(0.05, 0.02, 2)]),
    WorstCase([Staged([pgd(0.1, 0.02, 2), pgd(0.05, 0.02, 2)]), fgsm(0.05)]),
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_one_sentence_counts_the_images(attack):
    model, x, labels, mask = problem()
    (message,) = said(attack, model, x, labels, mask=mask, seeds=SEEDS)
    assert message.startswith("the gradient is zero or not finite at every step for 2 of 3 images")
    *_, last = attack.iterates(model, x, labels, mask=mask, seeds=SEEDS)
    assert last.without_gradient.tolist() == [True, False, True]
    assert said(attack, model.model, x, labels, mask=mask, seeds=SEEDS) == []


def test_an_ensemble_warns_only_of_what_no_member_moved():
    model, x, labels, mask = problem(hidden=(0, 1))
    seen = []

    def half(images):  # the first forward pass alone has all gradients
        seen.append(1)
        return (model.model if len(seen) == 1 else model)(images)

    for attack in (
        WorstCase([pgd(0.05, 0.02, 2), pgd(0.05, 0.02, 2)]),
        Staged([pgd(0.1, 0.02, 1), pgd(0.05, 0.02, 2)]),
        pgd(0.05, 0.02, 2, restarts=2),
    ):
        seen.clear()
        assert said(attack, half, x, labels, mask=mask) == []


def test_nothing_is_said_where_nothing_could_have_moved():
    model, x, labels, mask = problem(hidden=(0, 1, 2))
    attack = pgd(0.05, 0.02, 2)
    nothing = torch.zeros_like(mask)
    assert said(attack, model, x, labels, mask=nothing) == []
    (message,) = said(attack, model, x, torch.full_like(labels, 255), mask=mask)
    assert message.startswith("Labels contain 255 in every pixel")
    assert said(pgd(0.0, 0.02, 2), model, x, labels, mask=mask) == []
    radii = torch.tensor([0.0, 0.05, 0.05])
    (message,) = said(pgd(radii, 0.02, 2, norm=2), model, x, labels, mask=mask)
    assert "2 of 3 images" in message


def test_nothing_is_said_of_images_that_are_fooled_entirely():
    """A saturated softmax has no gradient on the target either, and nothing is left to do."""
    model, x, *_ = problem(hidden=())
    wanted = model(x).argmax(1)
    sure = lambda images: 1e6 * model(images)  # noqa: E731
    attack = pgd(0.01, 0.001, 2, targeted=True, random_start=False)
    assert said(attack, sure, x, wanted) == []
    assert said(pgd(0.01, 0.001, 2, random_start=False), sure, x, wanted) != []


def test_classifiers_too():
    x = torch.rand(4, 3, 6, 7)
    head = nn.Linear(3, 5)

    def rounding(images):
        return head((images * 255).round().mean((2, 3)))[..., None, None]

    labels = rounding(x).argmax(1)
    (message,) = said(pgd(0.05, 0.02, 2), rounding, x, labels)
    assert "4 of 4 images" in message


def test_points_without_a_gradient_are_not_judged():
    x = torch.rand(2, 3, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_without_gradient(Iterate(0, 0, x, None, x, None))
