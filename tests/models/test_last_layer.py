import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import Classifier, Segmenter, SmallResNet, SmallSegNet
from art_segplugin.models.last_layer import add_to_logits, class_weight_norms, last_layer


def models():
    torch.manual_seed(0)
    yield Segmenter(SmallSegNet(4, width=6), classes=4), "classifier"
    yield Classifier(SmallResNet(4, width=4), classes=4), "classifier"
    fcn = nn.Module()
    fcn.classifier = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1))
    fcn.aux_classifier = nn.Sequential(nn.Conv2d(3, 4, 1))
    yield fcn, "classifier.1"


@pytest.mark.parametrize(("model", "name"), list(models()))
def test_finds_the_layer_and_its_norms(model, name):
    layer = last_layer(model, 4)
    inner = getattr(model, "model", model)
    assert layer is inner.get_submodule(name)
    norms = class_weight_norms(model, 4)
    by_hand = [float(sum(w**2 for w in row.flatten().tolist()) ** 0.5) for row in layer.weight]
    assert norms.tolist() == pytest.approx(by_hand)


def test_none_where_there_is_none():
    assert last_layer(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), 4) is None
    assert class_weight_norms(nn.Identity(), 4) is None
    with pytest.raises(InputError, match="gives 4 outputs"):
        add_to_logits(nn.Identity(), torch.zeros(4))


@pytest.mark.parametrize("index", [0, 1])
def test_adds_a_constant_to_the_logits(index):
    model = list(models())[index][0].eval()
    images, offsets = torch.rand(2, 3, 32, 40), torch.tensor([0.5, -1.0, 0.0, 2.0])
    before = model(images)
    add_to_logits(model, offsets)
    torch.testing.assert_close(model(images), before + offsets.view(1, 4, 1, 1))


def test_a_layer_without_a_bias_gets_one():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    x = torch.rand(4, 3)
    before = model(x)
    add_to_logits(model, torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(model(x), before + torch.tensor([1.0, -1.0]))
