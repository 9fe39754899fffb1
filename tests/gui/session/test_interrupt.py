"""Cancelling in the middle of a forward and of a backward pass."""

import pytest
import torch
from session_parts import net, picture, run
from torch import nn

from art_segplugin.interpret.hooks import BetweenLayers
from art_segplugin.models import Segmenter
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Failed, Step, Stopped
from art_segplugin_gui.session.jobs import Cancelled, CancelToken
from art_segplugin_gui.session.model_cache import CurrentToken


class Counted(nn.Module):
    """A layer that notes its passes, forwards and backwards, and may do something at one of them."""

    def __init__(self, passes, act):
        super().__init__()
        self.noted = passes, act

    def forward(self, x):
        note(*self.noted)
        return _CountedBackward.apply(x * 1.0, self.noted)


class _CountedBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, noted):
        ctx.noted = noted
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        note(*ctx.noted)
        return gradient, None


def note(passes, act):
    passes.append(len(passes) + 1)
    act(passes[-1])


LAYERS = 25


def deep(passes, act):
    layers = [Counted(passes, act) for _ in range(LAYERS)]
    return nn.Sequential(*layers, nn.Conv2d(3, 4, 1)).eval()


@pytest.mark.parametrize("at", [5, LAYERS + 10], ids=["forwards", "backwards"])
def test_a_pass_is_left_between_two_layers(at):
    current, token, passes = CurrentToken(), CancelToken(), []
    model = deep(passes, lambda number: token.cancel() if number == at else None)
    BetweenLayers(model, current.check)
    current.token = token
    x = torch.rand(1, 3, 4, 4, requires_grad=True)
    with pytest.raises(Cancelled):
        torch.autograd.grad(model(x).sum(), x)
    assert len(passes) == at


def test_hooks_change_no_number():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)), torch.rand(1, 3, 8, 8)
    before = model(x)
    current = CurrentToken()
    hooks, current.token = BetweenLayers(model, current.check), CancelToken()
    assert torch.equal(model(x), before)
    current.token.cancel()
    with pytest.raises(Cancelled):
        model(x)
    hooks.remove()
    assert torch.equal(model(x), before)


def test_the_engine_stops_within_a_layer_and_goes_on_with_the_next_request():
    token, passes = CancelToken(), []
    at = 7 * LAYERS + 3
    model = deep(passes, lambda number: token.cancel() if number == at else None)
    engine = Engine("cpu", load=lambda spec: Segmenter(model, classes=4))
    seen = list(run(frame=picture((4, 4)), options={"steps": 100}).run(engine, token))
    assert isinstance(seen[-2], Stopped)
    assert len(passes) == at
    found = list(run(rev=2, frame=picture((4, 4))).run(engine, CancelToken()))
    assert [event.number for event in found if isinstance(event, Step)][-1] == 3


def test_two_names_for_one_network_do_not_stop_each_other():
    shared = Segmenter(net(), classes=4)
    engine = Engine("cpu", load=lambda spec: shared)
    token = CancelToken()
    for event in run(a="one").run(engine, token):
        if isinstance(event, Step):
            token.cancel()
    for rev, spec in enumerate(("two", "one", "two"), 2):
        found = list(run(rev=rev, a=spec).run(engine, CancelToken()))
        assert [event.number for event in found if isinstance(event, Step)][-1] == 3


def test_a_model_of_torchscript_is_attacked_and_stopped_around_it():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    scripted = torch.jit.trace(network.eval(), torch.rand(1, 3, 4, 4))
    model = Segmenter(torch.jit.freeze(scripted), classes=4)
    engine = Engine("cpu", load=lambda spec: model)
    seen = list(run(frame=picture((4, 4)), options={"steps": 3}).run(engine, CancelToken()))
    assert not [event for event in seen if isinstance(event, Failed)]
    current, token = CurrentToken(), CancelToken()
    x, current.token = torch.rand(1, 3, 4, 4), token
    stopped = Segmenter(scripted, classes=4)
    BetweenLayers(stopped, current.check)
    stopped(x)
    token.cancel()
    with pytest.raises(Cancelled):
        stopped(x)
