import pytest
import torch

from art_segplugin.errors import InputError
from art_segplugin.models import load_model
from art_segplugin.models.hub import torch as used

CODE = """
dependencies = ["torch"]
from torch import nn

def segmenter(classes=3):
    return nn.Conv2d(3, classes, 1)

def fails():
    raise KeyError("weights")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hubconf.py").write_text(CODE)
    return tmp_path


def test_an_entry_of_a_folder_is_called(folder):
    model = load_model(f"hub:{folder}:segmenter")
    assert model(torch.rand(1, 3, 4, 6)).shape == (1, 3, 4, 6)
    assert not model.training


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{folder}:fails", r"fails raised KeyError: 'weights' \(hubconf\.py, line 9\)"),
        ("{folder}:other", "raised RuntimeError: Cannot find callable other in hubconf"),
        ("{folder}/empty:segmenter", "has no hubconf.py"),
        ("nowhere:segmenter", "is no folder or GitHub repository with an entry"),
        ("nowhere", "is no folder or GitHub repository with an entry"),
    ],
)
def test_what_goes_wrong_is_one_sentence(folder, spec, message):
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        load_model(f"hub:{spec.format(folder=folder)}")


def test_a_repository_keeps_its_tag_and_a_failed_download_is_one_sentence(monkeypatch):
    asked = []

    def load(repository, entry, *, source, **options):
        asked.append((repository, entry, source))
        raise OSError("no network")

    monkeypatch.setattr(used.hub, "load", load)
    with pytest.raises(InputError, match=r"hub:owner/repo:v1:net raised OSError: no network"):
        load_model("hub:owner/repo:v1:net")
    assert asked == [("owner/repo:v1", "net", "github")]
