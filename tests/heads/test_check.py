import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import check_is_last, find_last_layer, hypersphere_head, to_hypersphere
from art_segplugin.models import Classifier, Segmenter, SmallResNet, SmallSegNet

IMAGES = torch.linspace(0, 1, 2 * 3 * 32 * 40).view(2, 3, 32, 40)


class Net(nn.Module):
    """A convolution, and whatever follows."""

    def __init__(self, follows, classes=4, **options):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Conv2d(3, classes, 1, **options)
        self.other = nn.Conv2d(3, classes, 1)
        self.refine = nn.Conv2d(classes, classes, 3, padding=1)
        self.follows = follows

    def forward(self, x):
        return self.follows(self, self.head(x), x)


def resized(mode):
    return lambda net, y, x: F.interpolate(y[..., ::3, ::2], x.shape[-2:], mode=mode)


@pytest.mark.parametrize(
    "follows",
    [
        lambda net, y, x: y,
        resized("nearest"),
        resized("bilinear"),
        resized("bicubic"),
        lambda net, y, x: {"out": y, "aux": net.other(x)},
        lambda net, y, x: y[:, :, :-5, :-3],
        lambda net, y, x: y.mean((2, 3)),
    ],
)
@pytest.mark.parametrize("converted", [True, False])
def test_resizing_and_reshaping_are_allowed(follows, converted):
    net = Net(follows)
    if converted:
        to_hypersphere(net, 4, layer="head")
    check_is_last(net, IMAGES, None if converted else net.head)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("wrapped", [Segmenter, Classifier])
def test_own_networks_and_their_wrappers_pass_and_stay_as_they_are(dtype, wrapped):
    network = SmallSegNet(4, width=6) if wrapped is Segmenter else SmallResNet(4, width=4)
    model = to_hypersphere(wrapped(network, classes=4), 4).to(dtype).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    check_is_last(model, IMAGES.to(dtype))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert not hypersphere_head(model)._forward_hooks


def test_tokens_have_the_classes_last():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 4)

        def forward(self, x):
            return self.fc(x.flatten(2).mT).mT.reshape(len(x), 4, *x.shape[-2:])

    check_is_last(to_hypersphere(Tokens(), 4), IMAGES)


@pytest.mark.parametrize(
    "follows",
    [
        lambda net, y, x: y.softmax(1),
        lambda net, y, x: y.log_softmax(1),
        lambda net, y, x: y.relu(),
        lambda net, y, x: y - y.mean(1, keepdim=True),
        lambda net, y, x: y / 0.5,
        lambda net, y, x: y + 0.3,
        lambda net, y, x: y + net.refine(y),
        lambda net, y, x: (y + net.other(x)) / 2,
        lambda net, y, x: torch.cat([y, y], 1),
        lambda net, y, x: y.argmax(1),
        lambda net, y, x: y.argmax(1, keepdim=True),
        lambda net, y, x: [y],
    ],
)
def test_whatever_else_follows_is_seen(follows):
    net = to_hypersphere(Net(follows), 4, layer="head")
    with pytest.raises(InputError, match="logits are not the outputs of head: something follows"):
        check_is_last(net, IMAGES)
    assert not net.head._forward_hooks


def test_what_follows_only_in_training_does_no_harm():
    check_is_last(
        to_hypersphere(Net(lambda n, y, x: y.relu() if n.training else y), 4, layer="head"), IMAGES
    )


def test_a_hook_that_changes_the_outputs_is_something_that_follows():
    net = to_hypersphere(Net(lambda net, y, x: y), 4, layer="head")
    net.head.register_forward_hook(lambda _, __, outputs: 2 * outputs)
    with pytest.raises(InputError, match="logits are not the outputs of head"):
        check_is_last(net, IMAGES)


def test_a_layer_that_is_not_run_is_not_the_last():
    net = Net(lambda net, y, x: net.other(x))
    with pytest.raises(InputError, match="logits are not the outputs of head"):
        check_is_last(net, IMAGES, net.head)
    with pytest.raises(InputError, match="refine is not run by the model"):
        check_is_last(net, IMAGES, net.refine)
    with pytest.raises(InputError, match="the model has no hypersphere head"):
        check_is_last(net, IMAGES)


def test_half_of_a_levit_is_not_its_last_layer():
    timm = pytest.importorskip("timm")
    network = timm.create_model("levit_128s", num_classes=5)
    with pytest.raises(InputError, match=r"head\.linear and head_dist\.linear give as many"):
        find_last_layer(network, 5)
    to_hypersphere(network, 5, layer="head.linear")
    with pytest.raises(InputError, match=r"are not the outputs of head\.linear"):
        check_is_last(Classifier(network, classes=5), torch.rand(1, 3, 224, 224))
