import pickle

import pytest
import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import SmallSegNet
from art_segplugin.wrappers.art.weights import load_weights, reset_weights, save_weights


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.second = nn.Conv2d(3, 3, 1)
        self.second.weight = self.first.weight


@pytest.mark.parametrize("kind", [TinyNet, Tied])
def test_round_trip(kind, tmp_path):
    model, other = kind(), kind()
    save_weights(model, tmp_path / "net.safetensors")
    load_weights(other, tmp_path / "net.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


@pytest.mark.parametrize("kept", [None, 0, 5, 100, -1])
def test_a_missing_empty_or_broken_file(tmp_path, kept):
    file = tmp_path / "net.safetensors"
    if kept is not None:
        save_weights(TinyNet(), file)
        file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"net\.safetensors cannot be read as safetensors"):
        load_weights(TinyNet(), file)


class Bomb:
    def __reduce__(self):
        return (open, ("opened", "w"))


def test_a_pickle_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "net.safetensors"
    for write in (pickle.dump, torch.save):
        with file.open("wb") as stream:
            write(Bomb(), stream)
        with pytest.raises(InputError, match="cannot be read as safetensors"):
            load_weights(TinyNet(), file)
    assert not (tmp_path / "opened").exists()


def test_another_architecture_changes_nothing(tmp_path):
    save_weights(TinyNet(classes=5), tmp_path / "net.safetensors")
    model = TinyNet(classes=4)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(InputError, match=r"another architecture: 2 of them.*head\.bias"):
        load_weights(model, tmp_path / "net.safetensors")
    assert all(torch.equal(model.state_dict()[k], v) for k, v in before.items())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    file = tmp_path / "net.safetensors"
    save_weights(TinyNet(), file)
    before = file.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write .*net\.safetensors"):
            save_weights(TinyNet(), file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_reset_draws_all_weights_and_drops_statistics_and_gradients():
    model = TinyNet()
    model.body[1].running_mean += 3
    before = {k: v.clone() for k, v in model.named_parameters()}
    model(torch.rand(1, 3, 8, 8)).sum().backward()
    reset_weights(model)
    assert not torch.equal(model.head.weight, before["head.weight"])
    assert not torch.equal(model.body[0].weight, before["body.0.weight"])
    assert not model.body[1].running_mean.any()
    assert all(p.grad is None for p in model.parameters())


class OwnWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.scale = nn.Parameter(torch.ones(3))


def test_weights_that_nobody_can_reset_are_named_and_nothing_is_changed():
    model = nn.Sequential(OwnWeights())
    before = model[0].conv.weight.clone()
    with pytest.raises(InputError, match=r"OwnWeights \(0\) has weights and no reset_parameters"):
        reset_weights(model)
    assert torch.equal(model[0].conv.weight, before)


def test_attention_is_reset():
    attention = nn.MultiheadAttention(8, 2)
    before = attention.in_proj_weight.clone()
    reset_weights(attention)
    assert not torch.equal(attention.in_proj_weight, before)


def test_a_model_that_starts_its_parts_in_its_own_way_is_reset_so():
    net = SmallSegNet(4)
    with torch.no_grad():
        for value in net.state_dict().values():
            value.add_(1)
    reset_weights(net)
    fresh = SmallSegNet(4)
    assert not net.encoder8[1].norm.weight.any()  # blocks start as the identity
    assert net.classifier.weight.std() < 0.02
    assert not net.stem[1].running_mean.any()  # what only the layer itself resets
    for name, value in fresh.state_dict().items():
        assert net.state_dict()[name].float().std(correction=0) == pytest.approx(
            value.float().std(correction=0).item(), rel=0.3
        ), name


def test_the_outer_module_has_the_last_word():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(3, 3, 1))

        def reset_parameters(self):
            nn.init.zeros_(self.inner[0].weight)

    outer = Outer()
    reset_weights(outer)
    assert not outer.inner[0].weight.any()
    assert outer.inner[0].bias.any()
