"""What holds for every objective."""

from collections import Counter

import pytest
import torch
from torch import nn
from training.toy import batch, network, objective_maker, plain_model

from art_segplugin.models import Segmenter
from art_segplugin.training import OBJECTIVES
from art_segplugin.training.objective import mean

EVERY = [*OBJECTIVES, "pgd-at half"]
PASSES = {  # forward, backward
    "cross-entropy": (1, 1),
    "pgd-at": (8, 8),
    "pgd-at half": (8, 8),
    "segpgd-at": (8, 8),
    "alp": (9, 9),
    "trades": (10, 9),  # the first answer to the clean images is a constant of the attack
    "free-at": (1, 1),
    "fast-at": (2, 2),
}


def make(name, weights=None, **values):
    name, _, half = name.partition(" ")
    return objective_maker(name, **values, **({"half": True} if half else {}))(weights)


class Watched:
    """Notes every pass through a model, and the modes in which it was."""

    def __init__(self, model):
        self.model = model
        self.counts, self.modes, self.gradients = Counter(), [], []
        model.register_forward_hook(self.forward)

    def forward(self, model, inputs, logits):
        self.counts["forward"] += 1
        modes = {module.training for module in model.modules()}
        self.modes.append(modes.pop() if len(modes) == 1 else modes)
        if logits.requires_grad:
            logits.register_hook(self.backward)

    def backward(self, gradient):
        self.counts["backward"] += 1
        self.gradients.append(gradient)


@pytest.mark.parametrize("name", EVERY)
def test_number_of_passes(name):
    watched = Watched(plain_model())
    objective = make(name)
    for step in range(2):
        objective(watched.model, batch(seed=step)).backward()
        objective.updated()
    forward, backward = PASSES[name]
    assert watched.counts == {"forward": 2 * forward, "backward": 2 * backward}


@pytest.mark.parametrize("name", EVERY)
def test_attacks_in_evaluation_mode_and_updates_in_training_mode(name):
    model = Segmenter(network(), classes=3).train()
    frozen = model.model[3].eval()  # a part that its owner keeps in evaluation mode
    statistics = model.model[1]
    watched, before = Watched(model), [module.training for module in model.modules()]
    make(name)(model, batch(dtype=torch.float32)).backward()
    assert [module.training for module in model.modules()] == before
    assert not frozen.training
    updates = 2 if name in ("alp", "trades") else 1  # clean images, then attacked ones
    assert watched.modes[:-updates] == [False] * (len(watched.modes) - updates)
    assert watched.modes[-updates:] == [{True, False}] * updates
    assert statistics.num_batches_tracked == updates


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("weights", [None, torch.tensor([0.1, 1.0, 3.0])])
def test_void_pixels_have_no_influence(name, weights):
    """Neither on the update nor on the attack; under a 1x1 kernel no pixel sees another one."""
    torch.manual_seed(0)
    model = Segmenter(nn.Conv2d(3, 3, 1), classes=3).double().train()
    watched, images = Watched(model), batch()
    images.labels[:, 5:9, 3:7] = 255
    void = images.labels == 255
    loss = make(name, weights, margin=0.1)(model, images)
    loss.backward()
    for gradient in watched.gradients:
        shown = void if len(gradient) == 4 else void[1::2]  # half of them are attacked
        assert not gradient.movedim(1, -1)[shown].any()
        assert gradient.any()
    images.images.movedim(1, -1)[void] = 0.9
    other = make(name, weights, margin=0.1)(model, images)
    torch.testing.assert_close(other, loss, rtol=1e-12, atol=0)
    images.images.movedim(1, -1)[~void] *= 0.5
    assert abs(make(name, weights, margin=0.1)(model, images) - loss) > 1e-3


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("weights", [None, torch.tensor([0.1, 1.0, 3.0])])
def test_void_alone_costs_nothing(name, weights):
    model, images = plain_model(), batch()
    images.labels.fill_(255)
    objective = make(name, weights, margin=0.1)
    loss = objective(model, images)
    loss.backward()
    objective.updated()
    assert loss == 0
    assert all(not parameter.grad.any() for parameter in model.parameters())
    assert all(rows.isfinite().all() for rows in objective.state().values())


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("weights", [None, torch.tensor([0.1, 1.0, 3.0])])
def test_the_gradients_of_parts_add_up(name, weights):
    """Parts of unlike numbers of valid pixels, odd and even places mixed."""
    model, images = plain_model(), batch(5)
    images.labels[1:3, :7] = 255
    objective = make(name, weights)
    objective(model, images).backward()
    objective.updated()
    whole = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    objective = make(name, weights)
    for places in ([0, 1, 2], [3], [4]):
        mean(objective.terms(model, images.part(places)), objective.totals(images)).backward()
    for parameter, gradient in zip(model.parameters(), whole, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-9, atol=1e-12)
        assert gradient.any()


def test_every_objective_has_a_name_of_its_own():
    makers = [make(name, weights) for name in EVERY for weights in (None, torch.ones(3))]
    makers += [make("pgd-at", eps=0.01), make("pgd-at", attack="pgd-3"), make("pgd-at", margin=0.1)]
    makers += [make("alp", weight=2.0), make("trades", weight=2.0), make("free-at", replays=2)]
    assert len({objective.name for objective in makers}) == len(makers)


def test_a_term_without_pixels_is_left_out():
    terms, totals = torch.tensor([6.0, 0.0]), torch.tensor([3.0, 0.0])
    assert mean(terms, totals) == 2
    assert mean(torch.tensor([0.01]), torch.tensor([0.1])) == pytest.approx(0.1)
