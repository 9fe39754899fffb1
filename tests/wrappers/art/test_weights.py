import pickle

import pytest
import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.errors import InputError
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


def test_a_missing_file_and_one_that_is_no_safetensors(tmp_path):
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        load_weights(TinyNet(), tmp_path / "missing.safetensors")


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


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "net.safetensors"
    save_weights(TinyNet(), file)
    before = file.read_bytes()

    def full_disk(state, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("art_segplugin.wrappers.art.weights.save_file", full_disk)
    with pytest.raises(InputError, match="No space left"):
        save_weights(TinyNet(), file)
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
