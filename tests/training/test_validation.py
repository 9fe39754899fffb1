from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from torch import nn
from training.toy import Toy, network

from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.validation import validation_scores


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
