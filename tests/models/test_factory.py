import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import factory

CODE = """
from neighbour import CLASSES
from torch import nn

def build():
    return nn.Conv2d(3, CLASSES, 1)

def number():
    return 3

def needs(classes, *, width, depth=2, **rest):
    return nn.Conv2d(3, classes, 1)

def fails():
    return {}["weights.pth"]

net = nn.Conv2d(3, 2, 1)
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
        ("{file}", "needs", "needs classes, width; expected a function without required"),
        ("{file}", "fails", r"raised KeyError: 'weights.pth' \(own_models.py, line 15\)"),
        (
            "{broken}",
            "build",
            r"raised ModuleNotFoundError: .*no_such_package.*\(broken.py, line 2",
        ),
        ("missing.py", "build", "there is no Python file missing.py"),
        ("no.such.module", "build", "module 'no.such.module' cannot be imported"),
    ],
)
def test_says_what_is_missing(file, source, function, message):
    broken = file.with_name("broken.py")
    broken.write_text("\nimport no_such_package\n")
    with pytest.raises(InputError, match=message):
        factory.load(f"{source.format(file=file, broken=broken)}:{function}")


def test_a_network_that_is_there_already_is_taken(file):
    assert factory.load(f"{file}:net")(torch.rand(1, 3, 8, 8)).shape == (1, 2, 8, 8)


def test_the_code_may_need_a_torchvision_without_operators(monkeypatch):
    tries = []
    monkeypatch.setattr(factory, "import_torchvision", lambda: tries.append("declared"))

    def build():
        tries.append("built")
        if "declared" not in tries:
            try:
                raise RuntimeError("operator torchvision::nms does not exist")
            except RuntimeError as error:
                raise ModuleNotFoundError("as transformers says it") from error
        return nn.Conv2d(3, 2, 1)

    assert factory.built("x.py:build", build)(torch.rand(1, 3, 4, 4)).shape[1] == 2
    assert tries == ["built", "declared", "built"]


def test_what_the_wrapper_is_told_arrives(tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\nfrom art_segplugin.models import Segmenter\n"
        "class Net(nn.Module):\n"
        "    def forward(self, x):\n"
        "        assert x.shape[-1] % 8 == 0\n"
        "        return {'masks': x.repeat(1, 2, 1, 1)}\n"
        "def build():\n"
        "    return Segmenter(Net(), mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0), bgr=True, stride=8,\n"
        "        channels=slice(0, 4), output=lambda result: result['masks'])\n"
    )
    images = torch.rand(1, 3, 5, 6)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.1, 0.2, 0.3), (0.5, 1.0, 2.0)))
    expected = ((images - mean) / std).flip(1).repeat(1, 2, 1, 1)[:, :4]
    torch.testing.assert_close(factory.load(f"{tmp_path / 'own.py'}:build")(images), expected)
