"""The way down to the loop, for each way in: no file is passed twice, as docs/architecture.md says."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from oracles import tiny_problem
from PIL import Image
from typer.testing import CliRunner

from art_segplugin.attacks import named
from art_segplugin.cli import app
from art_segplugin.core import forward_pass
from art_segplugin.training import TrainingOptions
from art_segplugin.training.objectives import make_objective
from art_segplugin.training.trainer import train
from art_segplugin.wrappers.art import PyTorchSegmenter, SegPGD

ROOT = Path(__file__).parents[1]
PRODUCT = ("art_segplugin", "art_segplugin_gui")


def files_on_the_stack():
    """Files of the product from the outermost call to this one, a run of one file once."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        names = [name for name in path.parts if name in PRODUCT]
        if names and path.is_relative_to(ROOT):
            found.append("/".join(path.parts[path.parts.index(names[-1]) + 1 :]))
        frame = frame.f_back
    return [name for name, _ in itertools.groupby(reversed(found))]


@pytest.fixture
def walks(monkeypatch):
    """Filled with the way down at every forward pass of an attack."""
    found, check = [], forward_pass.check_logits

    def noting(*arguments):
        found.append(files_on_the_stack()[:-1] if False else files_on_the_stack())
        return check(*arguments)

    monkeypatch.setattr(forward_pass, "check_logits", noting)
    return found


def test_a_attack_of_a_file(walks, tmp_path):
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "street.png")
    line = ["attack", str(tmp_path / "street.png"), "--attack", "segpgd-1", "--out", str(tmp_path)]
    print(CliRunner().invoke(app, line))
    print(walks[0])


def test_b_generate(walks):
    model, x, labels = tiny_problem()
    estimator = PyTorchSegmenter(
        model, input_shape=(3, 12, 14), nb_classes=4, clip_values=(0, 1), device_type="cpu"
    )
    SegPGD(estimator, max_iter=1, verbose=False).generate(x.numpy(), labels.numpy())
    print(walks[0])


def test_d_evaluate(walks, tmp_path):
    line = ["evaluate", "--count", "1", "--attack", "segpgd-1", "--out", str(tmp_path / "x")]
    print(CliRunner().invoke(app, line))
    print(walks[0])
