"""The way down to the loop for each way in: no file is passed twice. The lists of docs/architecture.md."""

import numpy as np
import pytest
from helpers.walks import noting
from oracles import tiny_problem
from PIL import Image
from training.toy import objective_maker, run
from typer.testing import CliRunner

from art_segplugin.cli import app
from art_segplugin.core import forward_pass
from art_segplugin.wrappers.art import PyTorchSegmenter, SegPGD

LOOP = ["core/task.py", "core/attack.py", "core/forward_pass.py"]


@pytest.fixture
def walks(monkeypatch):
    """The way down to every look that an attack takes at a point."""
    found = []
    monkeypatch.setattr(forward_pass, "check_logits", noting(forward_pass.check_logits, found))
    return found


def only(walks):
    """The one way that all of them went."""
    assert walks
    assert all(walk == walks[0] for walk in walks)
    assert len(set(walks[0])) == len(walks[0])
    return walks[0]


def invoked(*line):
    result = CliRunner().invoke(app, [str(part) for part in line])
    assert result.exit_code == 0, result.output


def test_attack_of_an_image(walks, tmp_path):
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "street.png")
    invoked("attack", tmp_path / "street.png", "--attack", "segpgd-1", "--out", tmp_path / "out")
    assert only(walks) == ["cli/attack.py", "cli/attack_files.py", "evaluation/dataset.py", *LOOP]


def test_generate_in_art(walks):
    model, x, labels = tiny_problem()
    estimator = PyTorchSegmenter(
        model, input_shape=(3, 12, 14), nb_classes=4, clip_values=(0, 1), device_type="cpu"
    )
    SegPGD(estimator, max_iter=1, verbose=False).generate(x.numpy(), labels.numpy())
    assert only(walks) == ["wrappers/art/attacks.py", *LOOP]


def test_evaluate(walks, tmp_path):
    invoked("evaluate", "--count", 1, "--attack", "segpgd-1", "--out", tmp_path / "out")
    assert only(walks) == ["cli/evaluate.py", "cli/evaluation.py", "evaluation/dataset.py", *LOOP]


def test_a_training_step(walks, tmp_path):
    list(run(tmp_path, objective=objective_maker("pgd-at", attack="pgd-1"), steps=2)[1])
    way = ["trainer.py", "optimisation.py", "adversarial.py", "inner_attack.py"]
    assert only(walks) == [*(f"training/{name}" for name in way), *LOOP]
