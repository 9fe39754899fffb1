import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from art_segplugin.evaluation import RobustnessReport


class Nearest(nn.Module):
    """The class is the nearest of three colours."""

    def __init__(self):
        super().__init__()
        self.colours = nn.Buffer(torch.eye(3).view(1, 3, 3, 1, 1))

    def forward(self, images):
        return -(images.unsqueeze(1) - self.colours).square().sum(2)


@pytest.fixture
def folder(tmp_path):
    """One image of three colours, with one of its eight columns labelled wrongly."""
    labels = np.repeat(np.arange(8)[None] % 3, 8, 0).astype(np.uint8)
    Image.fromarray(np.eye(3, dtype=np.uint8)[labels] * 255).save(tmp_path / "a.png")
    labels[:, 7] = (labels[:, 7] + 1) % 3
    Image.fromarray(labels).save(tmp_path / "a_label.png")
    return tmp_path


def _torchscript(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.freeze(torch.jit.script(Nearest().eval())), str(file))


def _export(file):
    sides = {0: torch.export.Dim("n")}
    program = torch.export.export(Nearest(), (torch.rand(2, 3, 8, 8),), dynamic_shapes=(sides,))
    torch.export.save(program, str(file))


@pytest.mark.parametrize(("name", "write"), [("net.pt", _torchscript), ("net.pt2", _export)])
def test_programs_are_evaluated(run, folder, name, write):
    write(folder / name)
    status, _, message = run(
        "evaluate", "--data", folder, "--model", folder / name, "--attack", "segpgd-5",
        "--eps", "0.6", "--step-size", "0.2", "--out", folder / "out",
    )  # fmt: skip
    assert status == 0, message
    report = RobustnessReport.load(folder / "out" / "report.json")
    assert report.clean.pixel_accuracy == 7 / 8
    assert report.results[1].pixel_accuracy < 1 / 2


def test_onnx_is_scored_and_gradient_attacks_are_refused(run, folder):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Nearest(), (torch.rand(1, 3, 8, 8),), str(folder / "net.onnx"), dynamo=False
        )
    command = ("evaluate", "--data", folder, "--model", folder / "net.onnx")
    status, _, message = run(*command, "--attack", "segpgd-5", "--out", folder / "attacked")
    assert status == 2
    assert "scores and no gradient" in " ".join(message.split())
    assert "Traceback" not in message
    status, _, message = run(*command, "--attack", "none", "--out", folder / "clean")
    assert status == 0, message
    report = RobustnessReport.load(folder / "clean" / "report.json")
    assert [result.attack for result in report.results] == ["clean"]
    assert report.clean.pixel_accuracy == 7 / 8
