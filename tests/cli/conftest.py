import sys

import numpy as np
import pydantic.fields  # noqa: F401 - first: PySide6 breaks the import that typer makes
import pytest
import torch
from oracles import TinyNet
from PIL import Image

from art_segplugin.cli import main
from art_segplugin.models import CheckpointInfo, Segmenter, SmallSegNet, save_checkpoint

CLASSES = ("ground", "thing", "sky")
COLOURS = ((90, 60, 30), (200, 30, 30), (70, 130, 180))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A small checkpoint of random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "toy.safetensors"
    model = Segmenter(SmallSegNet(3, width=6), classes=3).eval()
    info = CheckpointInfo("small", CLASSES, COLOURS, {"classes": 3, "width": 6})
    save_checkpoint(path, model, info)
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "street.png"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line: (exit status, standard output, standard error)."""

    def run(*arguments, columns=200):
        monkeypatch.setattr(sys, "argv", ["art-segplugin", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code
        return status or 0, *capsys.readouterr()

    return run


def half_written(folder):
    return [p for p in folder.rglob(".*") if p.is_file()]


@pytest.fixture
def nothing_half_written():
    return lambda folder: not half_written(folder)


@pytest.fixture
def pickled(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(TinyNet().state_dict(), path)
    return path
