from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn
from training.toy import Toy, network, plain_network

from art_segplugin.attacks import named, pgd
from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.batches import SampleCache
from art_segplugin.training.trainer import validation_scores


def _scores(model, data, batch_size=2, withstand=None):
    with ThreadPoolExecutor(1) as maker:
        return validation_scores(
            Segmenter(model, classes=3), SampleCache(data, 2**20), maker, batch_size, withstand
        )


def _miou(model, data):
    with ThreadPoolExecutor(1) as maker:
        scores = validation_scores(Segmenter(model), SampleCache(data, 2**20), maker, 2)
    assert list(scores) == ["miou"]
    return scores["miou"]


class _Knowing(nn.Module):
    """Predicts the first class everywhere."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]))

    def forward(self, images):
        return self.bias.view(1, 3, 1, 1) + 0 * images


def test_pools_counts_over_the_data_set():
    labels = torch.cat([sample.labels[sample.labels != 255] for sample in Toy(4)])
    share = (labels == 0).double().mean().item()
    assert _miou(_Knowing(), Toy(4)) == share / 3  # the other two classes have IoU 0


def test_refuses_void_alone():
    class Void(Toy):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            return replace(sample, labels=torch.full_like(sample.labels, 255))

    with pytest.raises(InputError, match="hold void pixels only"):
        _miou(_Knowing(), Void(2))


def test_leaves_the_model_as_it_was():
    model = network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    _miou(model, Toy(2))
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


class _InFloat64(nn.Module):
    """Sums in another order, as in batches of another size, then differ by nothing that counts."""

    def __init__(self, network):
        super().__init__()
        self.network = network.double()

    def forward(self, images):
        return self.network(images.double())


def test_the_score_under_attack_does_not_depend_on_the_batches():
    """Random starts belong to the images, so that scores of one model are one."""
    withstand = named("pgd-2", eps=0.1, step_size=0.1)
    scores = [_scores(_InFloat64(plain_network()), Toy(5), size, withstand) for size in (1, 2, 5)]
    assert list(scores[0]) == ["miou", "robust_miou"]
    assert scores[0] == scores[1] == scores[2]
    assert scores[0]["robust_miou"] < scores[0]["miou"]


def test_void_is_the_models_whatever_the_attack_says():
    def renamed(sample):
        return replace(sample, labels=sample.labels.where(sample.labels != 255, 9))

    class Renamed(Toy):
        palette = replace(Toy.palette, ignore_index=9)

        def __getitem__(self, index):
            return renamed(super().__getitem__(index))

    withstand = named("pgd-2", eps=0.1, step_size=0.1)
    with ThreadPoolExecutor(1) as maker:
        model = Segmenter(plain_network(), classes=3, ignore_index=9)
        found = validation_scores(model, SampleCache(Renamed(3), 2**20), maker, 2, withstand)
    assert found == _scores(plain_network(), Toy(3), 2, withstand)


def test_the_score_under_attack_is_that_of_attacked_images():
    """Without a random start the attack can be repeated from outside."""
    model = Segmenter(plain_network(), classes=3).eval()
    withstand = named("pgd-2", eps=0.1, step_size=0.1, random_start=False)
    cache = SampleCache(Toy(3), 2**20)
    images = torch.stack([cache[i].image for i in range(3)]).float() / 255
    labels = torch.stack([cache[i].labels for i in range(3)]).long()
    guess = model(pgd(0.1, 0.1, 2, random_start=False)(model, images, labels)).argmax(1)
    guess[labels == 255] = 255
    ious = [
        ((guess == c) & (labels == c)).sum() / ((guess == c) | (labels == c)).sum()
        for c in range(3)
    ]
    found = _scores(plain_network(), Toy(3), 2, withstand)["robust_miou"]
    assert found == pytest.approx(sum(ious).item() / 3, rel=1e-6)
