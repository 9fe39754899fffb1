import json

import pytest
import torch

from art_segplugin.data.digits import Digits
from art_segplugin.heads import to_hypersphere
from art_segplugin.models import Classifier, load_checkpoint, save_checkpoint
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.resnet import SmallResNet

DIGITS = tuple("0123456789")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A ResNet that knows some digits and strongly prefers the first."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "digits.safetensors"
    options = {"classes": 10, "width": 4, "blocks": 1}
    network, data = SmallResNet(**options), Digits("train")
    images = torch.stack([data[i].image for i in range(200)])
    labels = torch.stack([data[i].labels for i in range(200)]).flatten()
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
    with torch.no_grad():
        network.classifier.bias[0] += 5
    info = CheckpointInfo("resnet", DIGITS, options=options)
    save_checkpoint(path, Classifier(network, classes=10), info)
    return path


def test_writes_a_checkpoint_that_differs_by_the_offsets(run, classifier, tmp_path):
    out = tmp_path / "adjusted.safetensors"
    status, output, _ = run(
        "adjust", "--model", classifier, "--data", "digits", "--count", 30, "--attack", "pgd-2",
        "--eps", "0.5/255", "--rounds", 2, "--batch-size", 30, "--out", out,
    )  # fmt: skip
    assert status == 0
    assert "Class accuracy under pgd-2" in output
    before, after = load_checkpoint(classifier), load_checkpoint(out)
    offsets = torch.tensor(after.info.training["logit_offsets"])
    assert offsets[0] == offsets.min() < -0.5
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(after(images), before(images) + offsets.view(1, 10, 1, 1))
    assert after.info.command.startswith("art-segplugin adjust")
    assert json.loads(after.info.to_json())["task"] == "classification"


def test_does_not_write_over_a_file(run, classifier):
    before = classifier.read_bytes()
    status, _, message = run("adjust", "--model", classifier, "--out", classifier)
    assert status == 2
    assert "exists already" in message
    assert classifier.read_bytes() == before


def test_does_not_write_what_it_could_not_load(run, tmp_path):
    code = tmp_path / "mine.py"
    code.write_text("import torch\ndef net():\n    return torch.nn.Conv2d(3, 11, 1)\n")
    status, _, message = run("adjust", "--model", f"{code}:net", "--out", tmp_path / "x")
    assert status == 2
    assert "no checkpoint of this package's own networks" in message
    assert not (tmp_path / "x").exists()


def test_refuses_a_head_without_a_bias_before_it_attacks(run, tmp_path):
    options = {"classes": 10, "width": 4, "blocks": 1}
    model = to_hypersphere(Classifier(SmallResNet(**options), classes=10), 10)
    path = tmp_path / "cosines.safetensors"
    save_checkpoint(path, model, CheckpointInfo("resnet", DIGITS, options=options))
    status, _, message = run("adjust", "--model", path, "--data", "digits", "--out", tmp_path / "x")
    assert status == 2
    assert "has a hypersphere head, which has no bias" in message
