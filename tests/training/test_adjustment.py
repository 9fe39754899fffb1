import math

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from training.toy import PALETTE, Toy

from art_segplugin.attacks import pgd
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError
from art_segplugin.heads.last_layer import add_to_logits
from art_segplugin.models import Segmenter
from art_segplugin.training.adjustment import fit_offsets, soft_minimum

ATTACK = pgd(0.05, 0.02, 3)


def biased():
    """Sees the brightest channel, but underrates the third class."""
    layer = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        layer.weight.copy_(10 * torch.eye(3).view(3, 3, 1, 1))
        layer.bias.copy_(torch.tensor([0.5, 0.0, -3.0]))
    return Segmenter(layer, classes=3).eval()


def test_raises_the_weakest_class_under_attack():
    model, data = biased(), Toy(6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    states = list(fit_offsets(model, data, ATTACK, batch_size=2))
    assert [state.round for state in states] == [0, 1, 2, 3]
    assert not states[0].offsets.any()
    best = max(states, key=lambda state: state.soft_minimum)
    assert torch.equal(states[-1].best, best.offsets)
    assert best.accuracy.min() > states[0].accuracy.min() + 0.3
    assert best.offsets[2] > best.offsets[0]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_accuracy_is_that_of_the_adjusted_model():
    """What a round reports is what an attack on the model with these offsets in its bias leaves."""
    model, data = biased(), Toy(4)
    states = list(fit_offsets(model, data, ATTACK, batch_size=4, rounds=1, seed=7))
    add_to_logits(model, states[1].offsets)
    images = torch.stack([data[i].image.mul(255).round().div(255) for i in range(4)])
    labels = torch.stack([data[i].labels for i in range(4)])
    x_adv = ATTACK(model, images, labels, generator=torch.Generator().manual_seed(7))
    right = model(x_adv).argmax(1) == labels
    for index in range(3):
        share = right[labels == index].double().mean().item()
        assert states[1].accuracy[index].item() == pytest.approx(share, abs=1e-12)


def test_a_model_in_training_mode_is_attacked_as_it_is_used():
    """Its layers are checkpointed, and so run again in the backward pass."""

    class Checkpointed(nn.Sequential):
        def forward(self, images):
            return checkpoint(super().forward, images, use_reentrant=False)

    plain = biased().model
    model = Segmenter(Checkpointed(nn.BatchNorm2d(3), nn.Dropout(0.5), plain), classes=3)
    states = [
        list(fit_offsets(model.train(training), Toy(4), ATTACK, rounds=1))
        for training in (False, True)
    ]
    assert model.model[0].num_batches_tracked == 0
    assert all(torch.equal(a.offsets, b.offsets) for a, b in zip(*states, strict=True))


def test_soft_minimum_lies_between_minimum_and_mean():
    accuracy = torch.tensor([0.2, 0.5, math.nan, 0.8], dtype=torch.float64)
    values = [soft_minimum(accuracy, strength).item() for strength in (1e-6, 1, 10, 1e4)]
    assert values[0] == pytest.approx(0.5, abs=1e-5)
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(0.2, abs=1e-3)


def test_an_absent_class_is_left_out():
    class WithoutBlue(Toy):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return Sample(sample.name, sample.image, sample.labels.where(sample.labels != 2, 255))

    states = list(fit_offsets(biased(), WithoutBlue(2), ATTACK, rounds=2))
    assert states[0].accuracy.isnan().tolist() == [False, False, True]
    assert states[2].offsets[:2].all()
    assert states[2].offsets[2] == 0  # to sink it would help the others here, and ruin it elsewhere


class Void(Toy):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        return Sample(sample.name, sample.image, torch.full_like(sample.labels, 255))


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (Toy(0), {}, "data set is empty"),
        (Toy(2), {"strength": 0.0}, "strength is 0.0"),
        (Toy(2), {"rounds": 0}, "rounds is 0"),
        (Void(2), {}, "void pixels only"),
    ],
)
def test_bad_input_is_named(data, options, words):
    assert data.palette is PALETTE
    with pytest.raises(InputError, match=words):
        next(fit_offsets(biased(), data, ATTACK, **options))


def test_the_attack_has_the_void_of_the_model():
    with pytest.raises(InputError, match="void is 9 for the attack and 255 for the model"):
        next(fit_offsets(biased(), Toy(2), pgd(0.05, 0.02, 3, ignore_index=9)))
