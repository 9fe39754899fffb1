import threading

import pytest
import torch
from oracles import TinyNet
from torch import nn

from art_segplugin.core.modes import evaluation_mode, in_mode


def modes(model):
    return [module.training for module in model.modules()]


def mixed():
    """A net in training mode of which one layer is frozen."""
    model = TinyNet().train()
    model.body[1].eval()
    return model


@pytest.mark.parametrize("training", [False, True])
def test_every_module_gets_its_own_mode_back(training):
    model = mixed()
    before = modes(model)
    with in_mode(model, training=training):
        assert set(modes(model)) == {training}
    assert modes(model) == before


@pytest.mark.parametrize("training", [False, True])
def test_after_an_exception_too(training):
    model = mixed()
    before = modes(model)
    with pytest.raises(ZeroDivisionError), in_mode(model, training=training):
        _ = 1 / 0
    assert modes(model) == before


@pytest.mark.parametrize("training", [False, True])
def test_no_flag_is_written_when_there_is_nothing_to_switch(training, monkeypatch):
    model, written = TinyNet().train(training), []
    monkeypatch.setattr(nn.Module, "__setattr__", lambda *arguments: written.append(arguments))
    with in_mode(model, training=training):
        pass
    assert written == []


def test_a_function_has_no_modes():
    with evaluation_mode(torch.relu):
        pass


def test_a_part_can_be_in_another_mode():
    model = mixed()
    before = modes(model)
    with in_mode(model, training=True), in_mode(model.body, training=False):
        assert model.training
        assert not any(modes(model.body))
    assert modes(model) == before


def test_one_within_another_of_the_same_mode():
    model = mixed()
    before = modes(model)
    with evaluation_mode(model):
        with evaluation_mode(model):
            pass
        assert not any(modes(model))
    assert modes(model) == before


def test_the_last_of_two_threads_gives_the_modes_back():
    model, other_is_in, may_leave = mixed(), threading.Event(), threading.Event()
    before = modes(model)

    def other():
        with evaluation_mode(model):
            other_is_in.set()
            may_leave.wait(10)

    with evaluation_mode(model):
        thread = threading.Thread(target=other)
        thread.start()
        assert other_is_in.wait(10)
    assert not any(modes(model))
    may_leave.set()
    thread.join()
    assert modes(model) == before
