import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models import zoo
from art_segplugin.models.checkpoint import save_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.small import SmallSegNet


@pytest.fixture
def checkpoint(tmp_path):
    info = CheckpointInfo("small", ("a", "b"), options={"classes": 2, "width": 6})
    save_checkpoint(tmp_path / "net.safetensors", SmallSegNet(2, width=6), info)
    return tmp_path / "net.safetensors"


def test_loads_a_checkpoint_by_path_and_by_shipped_name(checkpoint, monkeypatch):
    images = torch.rand(1, 3, 32, 32)
    by_path = zoo.load_model(str(checkpoint))(images)
    monkeypatch.setattr(zoo, "shipped", lambda: {"tiny": checkpoint})
    assert torch.equal(zoo.load_model("tiny")(images), by_path)


def test_prefixes_choose_the_zoo(monkeypatch):
    asked = []
    monkeypatch.setattr(zoo, "ZOOS", {"hf": lambda name: asked.append(name)})
    zoo.load_model("hf:owner/name")
    assert asked == ["owner/name"]


def test_other_prefixes_are_the_users_code(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 2, 1)\n")
    assert zoo.load_model(f"{file}:build")(torch.rand(1, 3, 4, 4)).shape == (1, 2, 4, 4)


@pytest.mark.parametrize("spec", ["nonsense", "hf:", ""])
def test_other_texts_are_answered_with_the_forms(spec):
    with pytest.raises(InputError, match=r"is no model: expected a shipped name .*hf:NAME"):
        zoo.load_model(spec)


def test_a_missing_checkpoint_is_named():
    with pytest.raises(InputError, match=r"there is no checkpoint file runs/best\.safetensors"):
        zoo.load_model("runs/best.safetensors")
