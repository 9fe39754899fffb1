import copy
import io

import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import (
    HypersphereConv2d,
    HypersphereLinear,
    hypersphere_head,
    to_hypersphere,
    to_plain,
)
from art_segplugin.models import Classifier, Segmenter, SmallResNet, SmallSegNet


def segmenter(classes=4):
    torch.manual_seed(0)
    return Segmenter(SmallSegNet(classes, width=6), classes=classes)


def classifier(classes=4):
    torch.manual_seed(0)
    return Classifier(SmallResNet(classes, width=4), classes=classes)


@pytest.mark.parametrize("build", [segmenter, classifier])
@pytest.mark.parametrize("layer", [None, "classifier"])
@pytest.mark.parametrize("bare", [True, False])
def test_gives_scaled_cosines_of_the_same_features(build, layer, bare):
    model = build().eval()
    network, images = model.model, torch.rand(2, 3, 32, 40)
    features = []
    network.classifier.register_forward_hook(lambda _, inputs, __: features.append(inputs[0]))
    model(images)
    converted = network if bare else model
    assert to_hypersphere(converted, 4, 20.0, layer) is converted
    head = hypersphere_head(model)
    assert network.classifier is head
    with torch.no_grad():
        weight = head.weight.flatten(1)
        z = features[0].movedim(1, -1)
        expected = 20 * torch.cosine_similarity(z.unsqueeze(-2), weight, dim=-1).movedim(-1, 1)
        torch.testing.assert_close(head(features[0]), expected)
        assert model(images).shape == (2, 4, *model.label_size(images))
        assert model(images).abs().max() <= 20


@pytest.mark.parametrize("build", [segmenter, classifier])
def test_all_else_stays(build):
    model = build().double()
    model.model.train()
    model.model.classifier.eval()
    model.model.classifier.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    kept = dict(model.named_parameters())
    strides = model.model.classifier.weight.stride()
    random = torch.get_rng_state()
    to_hypersphere(model, 4)
    after = model.state_dict()
    assert [name for name in before if name not in after] == ["model.classifier.bias"]
    assert list(after) == [name for name in before if name in after]
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    # The very parameters, so that an optimiser made before goes on.
    assert all(parameter is kept[name] for name, parameter in model.named_parameters())
    head = model.model.classifier
    assert head.weight.stride() == strides
    assert head.weight.dtype == torch.float64
    assert not head.weight.requires_grad
    assert not head.training
    assert model.model.training
    assert torch.equal(torch.get_rng_state(), random)


def test_the_geometry_of_a_convolution_stays():
    torch.manual_seed(0)
    options = {"stride": (2, 1), "padding": (1, 2), "dilation": (2, 1), "padding_mode": "reflect"}
    model = nn.Sequential(nn.Conv2d(3, 4, (3, 2), **options))
    images = torch.randn(1, 3, 9, 9)
    plain = model(images) - model[0].bias.view(1, -1, 1, 1)
    to_hypersphere(model, 4, 1.0)
    assert isinstance(model[0], HypersphereConv2d)
    lengths = torch.linalg.vector_norm(model[0].weight.flatten(1), dim=1).view(1, -1, 1, 1)
    ratio = model(images) * lengths / plain  # 1 / length of the patch, whatever the class
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-3, atol=1e-4)
    assert model(images).abs().max() <= 1


def test_trains_with_gradient_through_the_length_of_the_weights():
    model = to_hypersphere(segmenter(), 4)
    head = hypersphere_head(model)
    model(torch.rand(1, 3, 32, 32))[:, 0].sum().backward()
    assert head.weight.grad.abs().max() > 0
    along = (head.weight.grad * head.weight).flatten(1).sum(1)
    assert along.abs().max() < 1e-3 * head.weight.grad.abs().max()


@pytest.mark.parametrize("build", [segmenter, classifier])
def test_back_to_a_plain_layer_of_the_same_predictions(build):
    model = to_hypersphere(build().eval(), 4, 30.0)
    head = hypersphere_head(model)
    shape = (500, head.weight.shape[1], *[1] * (head.weight.ndim - 2))
    features = torch.randn(shape) * torch.rand(500).view(-1, *[1] * (len(shape) - 1)) * 10
    predicted = head(features).argmax(1)
    parameter = head.weight
    assert to_plain(model) is model
    plain = model.model.classifier
    assert type(plain) in (nn.Linear, nn.Conv2d)
    assert plain.weight is parameter
    assert plain.bias is None
    assert torch.equal(plain(features).argmax(1), predicted)
    lengths = torch.linalg.vector_norm(plain.weight.flatten(1), dim=1)
    torch.testing.assert_close(lengths, torch.full((4,), 30.0))
    with pytest.raises(InputError, match="no hypersphere head"):
        to_plain(model)


def test_a_network_that_is_nothing_but_a_layer():
    layer = nn.Linear(3, 4)
    head = to_hypersphere(layer, 4)
    assert isinstance(head, HypersphereLinear)
    assert head.weight is layer.weight
    assert type(to_plain(head)) is nn.Linear
    wrapped = Segmenter(nn.Conv2d(3, 4, 1), classes=4)
    assert to_hypersphere(wrapped, 4) is wrapped
    assert wrapped(torch.rand(1, 3, 5, 5)).abs().max() <= 15


def test_a_layer_under_two_names_is_swapped_in_both():
    model = nn.Sequential(nn.Linear(3, 4))
    model.add_module("alias", model[0])
    to_hypersphere(model, 4)
    assert model.alias is model[0] is hypersphere_head(model)


def test_weights_without_a_direction_are_drawn():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4))
    with torch.no_grad():
        model[0].weight[1:3] = 0
    kept = model[0].weight[[0, 3]].clone()
    to_hypersphere(model, 4)
    assert torch.equal(model[0].weight[[0, 3]], kept)
    assert (model[0].weight.norm(dim=1) > 0).all()
    assert model[0].weight.is_leaf
    assert model(torch.randn(5, 8)).abs().min() > 0


def test_copies_and_weights_of_converted_networks():
    model = to_hypersphere(segmenter().eval(), 4)
    images = torch.rand(1, 3, 32, 32)
    expected = model(images)
    assert torch.equal(copy.deepcopy(model)(images), expected)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = to_hypersphere(Segmenter(SmallSegNet(4, width=6), classes=4).eval(), 4)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other(images), expected)


@pytest.mark.parametrize("build", [segmenter, classifier])
def test_hooks_stay_and_can_be_removed(build):
    model, seen = build().eval(), []
    layer = model.model.classifier
    handles = [
        layer.register_forward_hook(lambda *_: seen.append("after")),
        layer.register_forward_pre_hook(lambda *_: seen.append("before")),
        layer.register_full_backward_hook(lambda *_: seen.append("backward")),
    ]
    to_hypersphere(model, 4)
    images = torch.rand(2, 3, 32, 32)
    model(images).sum().backward()
    assert seen == ["before", "after", "backward"]
    to_plain(model)
    model(images).sum().backward()
    assert seen == 2 * ["before", "after", "backward"]
    for handle in handles:
        handle.remove()
    model(images).sum().backward()
    assert len(seen) == 6


@pytest.mark.parametrize("model", ["x", None, lambda x: x])
def test_what_is_no_module_is_refused(model):
    for convert in (lambda: to_hypersphere(model, 4), lambda: to_plain(model)):
        with pytest.raises(InputError, match=r"the model is a \w+; expected a torch.nn.Module"):
            convert()


class OddLinear(nn.Linear):
    def forward(self, features):
        return 2 * super().forward(features)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Linear(3, 4), {"scale": -1.0}, "scale is -1.0; give a finite number > 0"),
        (HypersphereLinear(3, 4), {}, "converted to hypersphere embedding already"),
        (nn.Linear(3, 4), {"scale": 10001}, "scale is 10001; .* at most 10000, such as 15"),
        (nn.Linear(3, 5), {}, "gives 4 outputs"),
        (nn.Sequential(nn.Linear(3, 4)), {"layer": "head"}, "no layer 'head'"),
        (nn.Sequential(OddLinear(3, 4)), {}, "0 is a OddLinear, which may compute"),
        (nn.Sequential(nn.LazyLinear(4)), {}, "0 is a LazyLinear"),
        (
            nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))),
            {},
            "0 is a ParametrizedLinear",
        ),
        (
            nn.Sequential(nn.utils.spectral_norm(nn.Linear(3, 4))),
            {},
            "the weights of 0 are computed",
        ),
    ],
)
def test_refuses(model, options, message):
    with pytest.raises(InputError, match=message):
        to_hypersphere(model, 4, **options)
