"""Cancelling in the middle of a forward and of a backward pass."""

import threading
import time

import pytest
import torch
from session_parts import net, picture, run
from torch import nn

from art_segplugin.models import Segmenter
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Step, Stopped
from art_segplugin_gui.session.interrupt import CurrentToken, Interruptible
from art_segplugin_gui.session.jobs import Cancelled, CancelToken


class Slow(nn.Module):
    """A layer that takes its time, forwards and backwards."""

    seconds = 0.02

    def forward(self, x):
        time.sleep(self.seconds)
        return _SlowBackward.apply(x * 1.0)


class _SlowBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        time.sleep(Slow.seconds)
        return gradient


def deep(layers=25):
    return nn.Sequential(*[Slow() for _ in range(layers)], nn.Conv2d(3, 4, 1)).eval()


def cancelled_after(token, seconds):
    threading.Timer(seconds, token.cancel).start()


@pytest.mark.parametrize("after", [0.1, 0.7])
def test_a_pass_is_left_between_two_layers(after):
    """Forwards take 0.5 s and backwards as long: 0.1 s is in the one, 0.7 s in the other."""
    model = deep()
    current, token = CurrentToken(), CancelToken()
    Interruptible(model, current)
    current.token = token
    x = torch.rand(1, 3, 4, 4, requires_grad=True)
    cancelled_after(token, after)
    started = time.monotonic()
    with pytest.raises(Cancelled):
        torch.autograd.grad(model(x).sum(), x)
    assert after <= time.monotonic() - started < after + 0.25


def test_hooks_change_no_number():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True)), torch.rand(1, 3, 8, 8)
    before = model(x)
    current = CurrentToken()
    hooks, current.token = Interruptible(model, current), CancelToken()
    assert torch.equal(model(x), before)
    current.token.cancel()
    with pytest.raises(Cancelled):
        model(x)
    hooks.remove()
    assert torch.equal(model(x), before)


def test_the_engine_stops_within_a_layer_and_goes_on_with_the_next_request():
    engine = Engine("cpu", load=lambda spec: Segmenter(deep(), classes=4))
    token = CancelToken()
    cancelled_after(token, 2.0)
    seen = list(engine.events(run(frame=picture((4, 4)), options={"steps": 100}), token))
    assert isinstance(seen[-2], Stopped)
    steps = [event for event in seen if isinstance(event, Step)]
    assert len(steps) < 5
    Slow.seconds, seconds = 0.0, Slow.seconds
    try:
        found = list(engine.events(run(rev=2, frame=picture((4, 4))), CancelToken()))
    finally:
        Slow.seconds = seconds
    assert [event.number for event in found if isinstance(event, Step)][-1] == 3


def test_two_names_for_one_network_do_not_stop_each_other():
    shared = Segmenter(net(), classes=4)
    engine = Engine("cpu", load=lambda spec: shared)
    token = CancelToken()
    for event in engine.events(run(a="one"), token):
        if isinstance(event, Step):
            token.cancel()
    for rev, spec in enumerate(("two", "one", "two"), 2):
        found = list(engine.events(run(rev=rev, a=spec), CancelToken()))
        assert [event.number for event in found if isinstance(event, Step)][-1] == 3
