"""What goes wrong inside a user's model is one sentence and a file, whatever it is."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODELS = """
import torch
from torch import nn
from art_segplugin.models import Segmenter


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.ModuleDict({"last": nn.Conv2d(7, 2, 1)})

    def forward(self, x):
        return self.head["last"](x)


def broken():
    return Broken()


def cut():
    class Cut(nn.Conv2d):
        def forward(self, x):
            return super().forward(x).detach()

    return Cut(3, 2, 1)


def full():
    class Full(nn.Conv2d):
        def forward(self, x):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")

    return Full(3, 2, 1)


def backward():
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise ArithmeticError("no way [back]")

    class Net(nn.Conv2d):
        calls = 0

        def forward(self, x):
            self.calls += 1
            y = super().forward(x)
            return Fails.apply(y) if self.calls > 1 else y

    return Net(3, 2, 1)


def halves():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.PixelUnshuffle(8), nn.PixelShuffle(8))


def half():
    return nn.Conv2d(3, 2, 1).to(torch.bfloat16)


def binary():
    class Red(nn.Module):
        def forward(self, x):
            return 20 * (x[:, :1] - 0.5)

    return Red()
"""


@pytest.fixture
def attack(run, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "mine.py").write_text(MODELS)

    def attack(name, *options):
        model = f"{tmp_path / 'mine.py'}:{name}"
        return run(
            "attack", picture, "--model", model, "--steps", 2, "--out", tmp_path / "out", *options
        )

    return attack


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "broken",
            r"failed on images of shape \(1, 3, 40, 48\) in head\.last \(Conv2d\): RuntimeError: ",
        ),
        ("backward", r"ArithmeticError: no way \[back\]\."),
    ],
)
def test_one_sentence_and_the_traceback_in_a_file(attack, tmp_path, name, words):
    status, _, err = attack(name)
    assert status == 1
    assert re.search(words, err)
    assert "Traceback (most" not in err
    assert err.count("error:") == 1
    assert err.splitlines()[-1].startswith("error:")
    path = Path(re.search(r"The traceback is in (\S+)\.", err)[1])
    assert path.is_relative_to(tmp_path / "state" / "art-segplugin")
    text = path.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "mine.py" in text


def test_where_no_file_can_be_written_the_traceback_is_printed(attack, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    status, _, err = attack("broken")
    assert status == 1
    assert "Traceback (most recent call last)" in err
    assert "head.last (Conv2d)" in err.splitlines()[-1]


def test_a_cut_graph_is_a_fault_of_the_input(attack, tmp_path):
    status, _, err = attack("cut")
    assert status == 2
    assert "has no gradient in the images" in err
    assert not (tmp_path / "state").exists()


def test_memory_names_the_remedies(attack):
    status, _, err = attack("full")
    assert status == 1
    assert re.search(r"memory does not suffice .*--batch-size.*--scale", err)
    assert "traceback" not in err


def test_a_size_that_does_not_fit_names_the_stride(attack):
    status, _, err = attack("halves", "--scale", 0.9)
    assert status == 1
    assert "pass stride=8 to Segmenter" in err


@pytest.mark.parametrize("name", ["half", "binary"])
def test_half_precision_and_one_channel_are_attacked(attack, tmp_path, name):
    status, _, err = attack(name)
    assert status == 0, err
    if name == "binary":
        assert "background" in (tmp_path / "out" / "report.json").read_text()


@pytest.mark.parametrize("command", ["evaluate", "diagnose"])
def test_every_command_keeps_the_traceback(attack, run, picture, tmp_path, command):
    Image.fromarray(np.indices((40, 48))[1].astype(np.uint8) % 2).save(
        tmp_path / "street_label.png"
    )
    model, out = f"{tmp_path / 'mine.py'}:broken", tmp_path / "report"
    status, _, err = run(command, "--model", model, "--data", tmp_path, "--out", out)
    assert status == 1
    path = Path(re.search(r"The traceback is in (\S+)\.", err)[1])
    assert "mine.py" in path.read_text(encoding="utf-8")
