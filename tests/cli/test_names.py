"""Names that users give are printed as they are, also where they look like markup or an emoji."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from art_segplugin.evaluation import RobustnessReport

CODE = """
from torch import nn
from art_segplugin.models import CheckpointInfo, Segmenter

def two():
    info = CheckpointInfo("own", (":car:", "[red]road[/]", "[/sky]"), data="own")
    return Segmenter(nn.Conv2d(3, 3, 1), classes=3, info=info)

def fails():
    raise ValueError("[bold]broken[/] :bomb:")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "[b]models.py").write_text(CODE)
    images = tmp_path / "[red]images"
    images.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(images / ":two:.png")
    Image.fromarray(pixels[..., 0] % 3).save(images / ":two:_label.png")
    monkeypatch.chdir(tmp_path)
    return images


def test_tables_and_progress(run, folder):
    status, printed, message = run(
        "evaluate", "--data", folder.name, "--model", "[b]models.py:two", "--attack", "fgsm",
        "--out", "[i]out",
    )  # fmt: skip
    assert status == 0, message
    for name in ("[b]models.py:two on [red]images", ":car:", "[red]road[/]", "[/sky]"):
        assert name in printed
    assert "[i]out/report.html" in message
    assert RobustnessReport.load(Path("[i]out/report.json")).model == "[b]models.py:two"


def test_an_attack_on_one_image(run, folder):
    status, printed, message = run(
        "attack", folder / ":two:.png", "--model", "[b]models.py:two", "--attack", "fgsm",
        "--out", "[i]out",
    )  # fmt: skip
    assert status == 0, message
    assert "[b]models.py:two on " in printed


def test_errors(run, folder):
    status, _, message = run("evaluate", "--data", folder.name, "--model", "[b]models.py:fails")
    assert status == 2
    assert "[b]models.py:fails raised ValueError: [bold]broken[/] :bomb:" in message
