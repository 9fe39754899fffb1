"""Who does not ask for the logits gets the same answer, and their memory is free in the backward pass."""

import pytest
import torch
from oracles import tiny_problem
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from art_segplugin.attacks import apgd, cospgd, pgd, temperature_pgd

EPS, STEP = 0.05, 0.01

ATTACKS = {
    "pgd": pgd(EPS, STEP, 3),
    "cospgd": cospgd(EPS, STEP, 3),
    "apgd": apgd(EPS, 3),
    "temperature_pgd": temperature_pgd(EPS, STEP, 3),
}
each_attack = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())


class Watched(nn.Module):
    """Says at the backward pass of its first layer whether its logits are still in memory."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1)
        self.in_memory = []

    def forward(self, x):
        features = self.first(x)
        logits = self.last(features)
        memory = StorageWeakRef(logits.untyped_storage())
        if features.requires_grad:
            features.register_hook(lambda gradient: self.in_memory.append(not memory.expired()))
        return logits


def watched():
    torch.manual_seed(0)
    return Watched().eval().requires_grad_(False), torch.rand(2, 3, 9, 11)


@each_attack
def test_logits_are_free_before_the_gradient_goes_through_the_model(attack):
    model, x = watched()
    labels = model(x).argmax(1)
    attack(model, x, labels)
    assert model.in_memory == [False] * 3
    model.in_memory.clear()
    for iterate in attack.iterates(model, x, labels):
        assert iterate.forward.prediction.shape == labels.shape
    assert model.in_memory == [True] * 3


@each_attack
def test_the_answer_is_the_same(attack):
    model, x, labels = tiny_problem()
    runs = [
        list(attack.iterates(model, x, labels, seeds=range(len(x)), keep_logits=keep))
        for keep in (True, False)
    ]
    for kept, freed in zip(*runs, strict=True):
        assert torch.equal(kept.best, freed.best)
        assert torch.equal(kept.forward.pixel_loss, freed.forward.pixel_loss)
    before_the_last = runs[1][0].forward
    assert before_the_last.logits is None
    with pytest.raises(RuntimeError, match="freed"):
        _ = before_the_last.prediction
