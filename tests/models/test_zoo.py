from dataclasses import replace

import pytest
import torch

from art_segplugin.cli.options import MODEL_HELP
from art_segplugin.errors import InputError
from art_segplugin.models import zoo
from art_segplugin.models.checkpoint import save_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.small import SmallSegNet
from art_segplugin_gui.session.suffixes import CHECKPOINT_SUFFIXES


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
    for prefix in ("torchvision", "hf", "smp", "hub"):
        kind = replace(zoo.MODELS[prefix], open=lambda spec: asked.append(spec))
        monkeypatch.setitem(zoo.MODELS, prefix, kind)
        zoo.load_model(f"{prefix}:owner/name:x")
    assert asked == [f"{p}:owner/name:x" for p in ("torchvision", "hf", "smp", "hub")]


@pytest.mark.parametrize(
    ("spec", "kind", "code"),
    [
        ("small-scenes", "shipped", False),
        ("runs/best.safetensors", "checkpoint", False),
        ("C:/runs/best.pt", "checkpoint", False),
        ("missing.onnx", "checkpoint", False),
        ("torchvision:fcn_resnet50", "torchvision", False),
        ("hf:owner/name", "hf", False),
        ("smp:folder", "smp", False),
        ("hub:owner/repo:tag:entry", "hub", True),
        ("models.py:build", "function", True),
        ("package.module:build", "function", True),
    ],
)
def test_the_table_knows_every_form(spec, kind, code):
    assert zoo.model_kind(spec) is zoo.MODELS[kind]
    assert zoo.model_kind(spec).runs_code is code


def test_python_code_and_folders_are_answered_with_what_is_missing(tmp_path):
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(InputError, match=r"mine\.py names no function; .*mine\.py:FUNCTION"):
        zoo.load_model(str(tmp_path / "mine.py"))
    with pytest.raises(InputError, match=r"is a folder; give hf:.*smp:"):
        zoo.load_model(str(tmp_path))


def test_other_prefixes_are_the_users_code(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 2, 1)\n")
    assert zoo.load_model(f"{file}:build")(torch.rand(1, 3, 4, 4)).shape == (1, 2, 4, 4)


@pytest.mark.parametrize("spec", ["nonsense", "hf:", ":build", ""])
def test_other_texts_are_answered_with_the_forms(spec):
    with pytest.raises(
        InputError,
        match=r"is no model: expected a shipped name .*hf:FOLDER or hf:OWNER/NAME.*FUNCTION",
    ):
        zoo.load_model(spec)


def test_a_missing_checkpoint_is_named():
    with pytest.raises(InputError, match=r"there is no checkpoint file runs/best\.safetensors"):
        zoo.load_model("runs/best.safetensors")


def test_help_and_app_know_what_the_table_knows():
    for kind in zoo.MODELS.values():
        assert any(form in MODEL_HELP for form in kind.spec.split(" or ")), kind.spec
    assert CHECKPOINT_SUFFIXES == zoo.WEIGHT_SUFFIXES
    assert {name for name, kind in zoo.MODELS.items() if kind.runs_code} == {
        "torchscript", "export", "hub", "function",
    }  # fmt: skip
