from types import SimpleNamespace

import pytest
import torch
from torch import nn

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.errors import InputError
from art_segplugin.models import CheckpointInfo, Classifier, load_checkpoint, save_checkpoint
from art_segplugin.models.resnet import SmallResNet


def linear(classes=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, classes))


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda logits: logits,
        lambda logits: logits[:, :, None, None],
        lambda logits: {"logits": logits},
        lambda logits: {"out": logits},
        lambda logits: SimpleNamespace(logits=logits),
    ],
)
def test_finds_the_logits(wrapped):
    network, images = linear(), torch.rand(2, 3, 8, 8)
    logits = Classifier(lambda x: wrapped(network(x)), classes=3)(images)
    assert logits.shape == (2, 3, 1, 1)
    assert torch.equal(logits[:, :, 0, 0], network(images))


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (torch.zeros(2, 3, 8, 8), r"a tensor \(2, 3, 8, 8\) .* expected logits \(2, classes\)"),
        ({"scores": 1}, "a dict for one label per image"),
        (torch.zeros(3, 3), r"a tensor \(3, 3\) .* expected logits \(2, classes\)"),
        (torch.zeros(2, 4), "gives 4 classes and 3 were expected"),
    ],
)
def test_refuses_what_is_no_logits(result, words):
    with pytest.raises(InputError, match=words):
        Classifier(lambda x: result, classes=3)(torch.rand(2, 3, 8, 8))


def test_no_class_is_void():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 300))
    model, images = Classifier(network), torch.rand(2, 3, 8, 8)
    labels = torch.tensor([255, 299]).view(2, 1, 1)
    model.validate(images, labels)
    attack = pgd(ignore_index=model.ignore_index, random_start=False)
    moved = attack(model, images, labels)
    assert (moved != images).flatten(1).any(1).all()


def test_validates_one_label_an_image():
    model, images = Classifier(linear()), torch.rand(2, 3, 8, 8)
    model.validate(images, torch.tensor([0, 2]).view(2, 1, 1))
    assert model.classes == 3
    with pytest.raises(InputError, match=r"expected \(2, 1, 1\) .* classification"):
        model.validate(images, torch.zeros(2, 8, 8, dtype=torch.int64))
    with pytest.raises(InputError, match="the labels hold 3; expected 0 to 2"):
        model.validate(images, torch.tensor([0, 3]).view(2, 1, 1))


@pytest.mark.parametrize("recipe", [pgd, segpgd])
def test_attacks_reach_the_optimum_of_a_linear_model(recipe):
    """The margin of two classes is linear: the best L-inf attack is a sign step, in closed form."""
    network, eps = linear(classes=2).double(), 0.01
    images = 0.2 + 0.6 * torch.rand(5, 3, 8, 8, dtype=torch.float64)
    labels = network(images).argmax(1)
    weight = network[1].weight[1] - network[1].weight[0]
    sign = torch.where(labels == 0, 1.0, -1.0).double()
    best = images + eps * sign.view(-1, 1, 1, 1) * weight.sign().view(1, 3, 8, 8)
    model = Classifier(network)
    # The default std and mean leave float64 alone.
    attack = recipe(eps, eps / 4, 10)
    found = attack(model, images, labels.view(-1, 1, 1))
    still_right = model(best).argmax(1).flatten() == labels
    assert torch.allclose(found[still_right], best[still_right])
    assert torch.equal(model(found).argmax(1).flatten() == labels, still_right)


def test_a_checkpoint_stays_a_classifier(tmp_path):
    torch.manual_seed(0)
    options = {"classes": 4, "width": 4, "blocks": 1}
    model = Classifier(SmallResNet(**options), classes=4, mean=(0.5,) * 3, std=(0.2,) * 3).eval()
    info = CheckpointInfo("resnet", ("a", "b", "c", "d"), options=options)
    save_checkpoint(tmp_path / "net.safetensors", model, info)
    loaded = load_checkpoint(tmp_path / "net.safetensors")
    images = torch.rand(2, 3, 32, 32)
    assert type(loaded) is Classifier
    assert loaded.info.task == "classification"
    assert torch.equal(loaded(images), model(images))
