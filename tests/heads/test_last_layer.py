import numpy as np
import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import (
    add_to_logits,
    class_weight_norms,
    find_last_layer,
    to_hypersphere,
)
from art_segplugin.models import Classifier, Segmenter, SmallResNet, SmallSegNet


def module(**children):
    result = nn.Module()
    for name, child in children.items():
        setattr(result, name, child)
    return result


def fcn():
    classifier = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1))
    return module(classifier=classifier, aux_classifier=nn.Sequential(nn.Conv2d(3, 4, 1)))


def models():
    torch.manual_seed(0)
    yield Segmenter(SmallSegNet(4, width=6), classes=4), "classifier"
    yield Classifier(SmallResNet(4, width=4), classes=4), "classifier"
    yield fcn(), "classifier.1"


@pytest.mark.parametrize(("model", "name"), list(models()))
def test_finds_the_layer_and_its_norms(model, name):
    inner = getattr(model, "model", model)
    for asked in (None, name):
        found, layer = find_last_layer(model, 4, asked)
        assert found == name
        assert layer is inner.get_submodule(name)
    norms = class_weight_norms(model, 4)
    by_hand = [float(sum(w**2 for w in row.flatten().tolist()) ** 0.5) for row in layer.weight]
    assert norms.tolist() == pytest.approx(by_hand)


def test_norms_of_a_hypersphere_head_are_those_of_its_weights():
    model = SmallSegNet(4, width=6)
    before = class_weight_norms(model, 4)
    to_hypersphere(model, 4)
    assert torch.equal(class_weight_norms(model, 4), before)
    assert find_last_layer(model, 4)[0] == "classifier"


@pytest.mark.parametrize("auxiliary", ["aux", "aux_classifier", "AuxLogits", "auxiliary_head"])
def test_auxiliary_heads_do_not_count(auxiliary):
    model = module(fc=nn.Linear(3, 4), **{auxiliary: module(fc=nn.Linear(3, 4))})
    assert find_last_layer(model, 4)[0] == "fc"
    assert find_last_layer(model, 4, f"{auxiliary}.fc")[0] == f"{auxiliary}.fc"


def test_a_classifier_of_images_beside_the_segmenting_head_does_not_count():
    heads = {"segmentation_head": nn.Sequential(nn.Conv2d(3, 4, 3))}
    model = module(**heads, classification_head=nn.Sequential(nn.Linear(3, 4)))
    assert find_last_layer(model, 4)[0] == "segmentation_head.0"


def test_layers_in_a_row_end_with_the_last():
    chain = module(first=nn.Conv2d(3, 4, 3), second=nn.Conv2d(4, 4, 1))
    assert find_last_layer(chain, 4)[0] == "second"
    blocks = [module(conv=nn.Conv2d(3, 4, 1)), module(conv=nn.Conv2d(4, 3, 1))]
    blocks.append(module(conv=nn.Conv2d(3, 4, 1)))
    assert find_last_layer(nn.Sequential(*blocks), 4)[0] == "2.conv"
    assert find_last_layer(module(conv=nn.Conv2d(3, 4, 1), head=blocks[0]), 4)[0] == "head.conv"
    stack = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), nn.Linear(3, 4))
    assert find_last_layer(stack, 4)[0] == "3"


def test_a_network_that_is_nothing_but_a_layer():
    layer = nn.Conv2d(3, 4, 1)
    assert find_last_layer(layer, 4) == ("", layer)
    assert find_last_layer(Segmenter(layer), 4, "") == ("", layer)


class ToyForUniversalSegmentation(nn.Module):
    def __init__(self):
        super().__init__()
        self.class_predictor = nn.Linear(3, 4)


LRASPP = module(low_classifier=nn.Conv2d(3, 4, 1), high_classifier=nn.Conv2d(8, 4, 1))
SUMMED = module(score3=nn.Conv2d(3, 4, 1), score4=nn.Conv2d(8, 4, 1))


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        (fcn(), "classifier.4", r"no layer 'classifier.4'; expected one of 4 .* classifier.1"),
        (nn.Sequential(nn.Linear(3, 5)), "x", "no layer 'x'; expected one of 4 outputs, such as 0"),
        (fcn(), "classifier", "classifier is a Sequential; expected a linear layer or conv"),
        (fcn(), "classifier.0", "classifier.0 gives 8 outputs; expected 4"),
        (nn.Sequential(nn.Linear(3, 5), nn.ReLU()), None, "no linear .* gives 4 outputs"),
        (module(head=LRASPP), None, "head.low_classifier and head.high_classifier give as many"),
        (module(head=LRASPP), "head.high_classifier", "head.high_classifier is one of two layers"),
        (SUMMED, None, "score3 and score4 give as many .* name that layer"),
        (
            module(head=module(fc=nn.Linear(3, 4)), head_dist=module(fc=nn.Linear(3, 4))),
            None,
            "head.fc and head_dist.fc give as many",
        ),
        (
            nn.ModuleList([module(fc=nn.Linear(3, 4)), module(fc=nn.Linear(3, 4))]),
            None,
            "0.fc and 1.fc give as many",
        ),
        (module(model=ToyForUniversalSegmentation()), None, "ToyForUniv.* classifies masks, not"),
        (nn.Sequential(nn.Conv2d(8, 4, 1, groups=2)), None, "0 is a convolution of 2 groups"),
        (module(up=nn.ConvTranspose2d(8, 4, 2)), None, "up is a transposed convolution"),
        (module(up=nn.ConvTranspose2d(8, 4, 2)), "up", "up is a transposed convolution"),
        (nn.Sequential(nn.Linear(3, 4), nn.Softmax(1)), None, "0 is followed by Softmax: its out"),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.ReLU())), "0", "followed by ReLU"),
        (Segmenter(lambda x: x), None, "a function has no layers to look for"),
        (Segmenter(fcn(), channels=slice(4)), None, "only the channels .* of the model's logits"),
    ],
)
def test_refuses_what_has_no_last_layer(model, name, message):
    with pytest.raises(InputError, match=message) as caught:
        find_last_layer(model, 4, name)
    assert "\n" not in str(caught.value)
    if name is None:
        assert class_weight_norms(model, 4) is None
        with pytest.raises(InputError, match=message):
            add_to_logits(model, torch.zeros(4))


@pytest.mark.parametrize("classes", [4.0, "4", None, True])
def test_classes_are_a_whole_number(classes):
    with pytest.raises(InputError, match=f"classes is {classes!r}; expected a whole number"):
        find_last_layer(nn.Linear(3, 4), classes)
    assert find_last_layer(nn.Linear(3, 4), np.int64(4))[0] == ""


def test_one_of_several_layers_can_be_named():
    assert find_last_layer(SUMMED, 4, "score3") == ("score3", SUMMED.score3)


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


def test_a_hypersphere_head_gets_no_bias():
    model = to_hypersphere(SmallSegNet(4, width=6), 4)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match=r"classifier is a hypersphere head, .* without a bias"):
        add_to_logits(model, torch.ones(4))
    assert before.keys() == model.state_dict().keys()
    assert model.classifier.bias is None


def test_a_model_with_one_output_channel_is_told_what_it_lacks():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 1, 1))
    with pytest.raises(InputError, match=r"one output channel.*give it a last layer of 2 outputs"):
        find_last_layer(model, 2)
