import threading

import pytest
import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.core.layers import recorded
from art_segplugin.errors import InputError
from art_segplugin.interpret.hooks import activation, layer_name, leaf_layers

MODEL = TinyNet().eval()


def test_layers_are_counted_as_the_model_holds_them():
    assert leaf_layers(MODEL) == ["body.0", "body.1", "body.2", "body.3", "head"]
    assert [layer_name(MODEL, i) for i in (0, 4, -1)] == ["body.0", "head", "head"]
    assert layer_name(MODEL, "body") == "body"


@pytest.mark.parametrize("layer", [5, -6, "nose"])
def test_unknown_layers_are_refused(layer):
    with pytest.raises(InputError, match=str(layer)):
        layer_name(MODEL, layer)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


@pytest.mark.parametrize(
    ("model", "forward", "found"),
    [(Pair(), None, "tuple"), (nn.Identity(), lambda: None, "nothing")],
)
def test_what_is_no_tensor_is_refused_and_the_hook_is_gone(model, forward, found):
    net = nn.Sequential(model)
    with pytest.raises(InputError, match=f"returned {found}"):
        activation(net, "0", forward or (lambda: net(torch.zeros(1))))
    assert not model._forward_hooks


def test_of_several_calls_the_last_counts():
    shared = nn.ReLU()
    net = nn.Sequential(shared, nn.Flatten(0), shared)
    assert activation(net, "0", lambda: net(torch.ones(2, 3))).shape == (6,)


def test_the_forward_pass_of_another_thread_is_not_heard():
    images = torch.rand(2, 1, 3, 8, 8)

    def forward():
        MODEL(images[0])
        other = threading.Thread(target=MODEL, args=(images[1],))
        other.start()
        other.join()

    assert torch.equal(activation(MODEL, "head", forward), MODEL(images[0]))


def test_the_hook_is_gone_after_an_exception():
    with pytest.raises(RuntimeError):
        activation(MODEL, "head", lambda: MODEL(torch.zeros(1)))
    assert not MODEL.head._forward_hooks


def test_layers_of_torchscript_cannot_be_read():
    scripted = torch.jit.trace(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), torch.rand(1, 3, 4, 4))
    model = nn.Sequential(scripted, nn.Conv2d(4, 2, 1))
    x = torch.rand(1, 3, 4, 4)
    assert torch.equal(activation(model, "1", lambda: model(x)), model(x))
    for read in (
        lambda: activation(model, "0.1", lambda: model(x)),
        lambda: recorded(model, ["0.1"]).__enter__(),
    ):
        with pytest.raises(InputError, match=r"layer '0\.1' is TorchScript"):
            read()
