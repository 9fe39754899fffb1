"""Models with one output channel: the class is 1 where it is positive."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.attacks import pgd, segpgd
from art_segplugin.errors import InputError
from art_segplugin.evaluation.class_names import palette_of
from art_segplugin.models import (
    CheckpointInfo,
    Classifier,
    Segmenter,
    SmallSegNet,
    load_checkpoint,
    save_checkpoint,
)
from art_segplugin.models.outputs import check_outputs, class_logits, pixel_logits

IMAGES = torch.rand(2, 3, 12, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network():
    torch.manual_seed(0)
    return nn.Conv2d(3, 1, 3, padding=1).double()


def redder(images):
    """Class 1 where red is above one half, by up to 10."""
    return 20 * (images[:, :1] - 0.5)


@pytest.mark.parametrize(
    "wrapped", [lambda z: z, lambda z: {"out": z}, lambda z: SimpleNamespace(logits=z)]
)
def test_softmax_and_cross_entropy_are_sigmoid_and_binary_cross_entropy(wrapped):
    """In float64, with the gradient in the images."""
    model, images = network(), IMAGES.clone().requires_grad_()
    labels = (IMAGES[:, 0] > 0.5).long()
    z = model(images)
    expected = F.binary_cross_entropy_with_logits(z.squeeze(1), labels.double(), reduction="sum")
    (gradient,) = torch.autograd.grad(expected, images)
    logits = Segmenter(lambda x: wrapped(model(x)))(images)
    assert logits.shape == (2, 2, 12, 16)
    assert torch.allclose(logits.softmax(1)[:, 1], z.sigmoid().squeeze(1), rtol=0, atol=1e-15)
    found = F.cross_entropy(logits, labels, reduction="sum")
    assert found.item() == pytest.approx(expected.item(), rel=1e-14)
    assert torch.allclose(torch.autograd.grad(found, images)[0], gradient, rtol=0, atol=1e-13)


@pytest.mark.parametrize("attack", [pgd, segpgd])
def test_attacks_flip_exactly_the_pixels_they_can(attack):
    eps = 0.1
    labels = (IMAGES[:, 0] > 0.5).long()
    moved = attack(eps, eps / 4, 20)(Segmenter(redder), IMAGES, labels)
    fooled = (redder(moved).squeeze(1) > 0).long() != labels
    assert torch.equal(fooled, (IMAGES[:, 0] - 0.5).abs() < eps)


def test_validate_knows_the_classes_and_their_names():
    model = Segmenter(redder).validate(IMAGES, (IMAGES[:, 0] > 0.5).long())
    assert model.classes == 2
    assert palette_of(model, None).classes == ("background", "foreground")
    assert Segmenter(redder, classes=1).validate(IMAGES).classes == 2
    with pytest.raises(InputError, match="hold 2; expected 0 to 1"):
        model.check_labels(torch.full((2, 12, 16), 2))
    two = Segmenter(nn.Conv2d(3, 2, 1).double()).validate(IMAGES)
    assert palette_of(two, None).classes == ("0", "1")


def test_one_channel_of_several_is_a_model_of_two_classes():
    model = nn.Conv2d(3, 4, 1).double()
    logits = Segmenter(model, channels=slice(2, 3))(IMAGES)
    assert torch.equal(logits[:, 1], model(IMAGES)[:, 2])
    assert not logits[:, 0].any()


def test_small_logits_are_enlarged():
    logits = pixel_logits(torch.randn(1, 1, 3, 4), (12, 16))
    assert logits.shape == (1, 2, 12, 16)


def test_a_probability_is_refused_where_all_would_be_foreground():
    model = nn.Sequential(network(), nn.Sigmoid())
    with pytest.raises(InputError, match=r"before the sigmoid, or pass output=torch\.logit"):
        Segmenter(model).validate(IMAGES)
    right = Segmenter(model, output=torch.logit).validate(IMAGES)
    assert torch.allclose(right(IMAGES), Segmenter(model[0])(IMAGES), rtol=0, atol=1e-12)
    trained = torch.linspace(0, 1, 24).view(2, 1, 3, 4)
    with pytest.raises(InputError, match="lambda z"):
        check_outputs(pixel_logits(trained, (3, 4)))
    weak = 0.2 + 0.6 * trained  # may be logits
    with pytest.warns(UserWarning, match="lambda z"):
        check_outputs(pixel_logits(weak, (3, 4)))
    halves = torch.cat((-weak, weak), 1) / 2  # what the message names for logits that are so small
    check_outputs(halves)
    assert torch.allclose(halves.softmax(1)[:, 1], weak[:, 0].sigmoid())


def test_classifiers_with_one_logit():
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 16, 1)).double()
    z = linear(IMAGES)
    for model in (linear, nn.Sequential(linear, nn.Flatten(0))):
        logits = Classifier(model).validate(IMAGES, torch.tensor([0, 1]).view(2, 1, 1))(IMAGES)
        assert torch.equal(logits.flatten(1), torch.cat((torch.zeros_like(z), z), 1))
    assert class_logits(torch.zeros(0, 1), 0).shape == (0, 2)


def test_a_checkpoint_with_one_channel(tmp_path):
    torch.manual_seed(0)
    net, images = SmallSegNet(1), torch.rand(1, 3, 32, 32)
    info = CheckpointInfo("small", ("crack",), ((0, 255, 0),), options={"classes": 1})
    save_checkpoint(tmp_path / "net.safetensors", Segmenter(net, classes=1), info)
    loaded = load_checkpoint(tmp_path / "net.safetensors").validate(images)
    assert loaded.classes == 2
    assert palette_of(loaded, None).classes == ("background", "crack")
    assert len(palette_of(loaded, None).colours) == 2
    assert torch.equal(loaded(images)[:, 1:], net.eval()(images))
