import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models import factory

CODE = """
from neighbour import CLASSES
from torch import nn

def build():
    return nn.Conv2d(3, CLASSES, 1)

def number():
    return 3
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)  # restores sys.path afterwards
    (tmp_path / "neighbour.py").write_text("CLASSES = 5\n")
    (tmp_path / "own_models.py").write_text(CODE)
    return tmp_path / "own_models.py"


def test_builds_from_a_file_and_from_a_module(file, monkeypatch):
    images = torch.rand(1, 3, 8, 8)
    segmenter = factory.load(f"{file}:build")
    assert segmenter(images).shape == (1, 5, 8, 8)
    assert not segmenter.training
    monkeypatch.chdir(file.parent)
    assert factory.load("own_models:build")(images).shape == (1, 5, 8, 8)


@pytest.mark.parametrize(
    ("source", "function", "message"),
    [
        ("{file}", "nothing", "has no function 'nothing'"),
        ("{file}", "number", "returned a int; expected a torch module"),
        ("missing.py", "build", "there is no Python file missing.py"),
        ("no.such.module", "build", "module 'no.such.module' cannot be imported"),
    ],
)
def test_says_what_is_missing(file, source, function, message):
    with pytest.raises(InputError, match=message):
        factory.load(f"{source.format(file=file)}:{function}")
