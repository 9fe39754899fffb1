"""A model or an attack that is no good is said in a sentence, and the window lives on."""

import threading

import pytest
from gui_parts import tiny_engine
from PySide6.QtCore import QTimer
from torch import nn
from window_parts import lives, says

from art_segplugin.models import Segmenter
from art_segplugin_gui.session.session import with_attack, with_models


class Blocks(nn.Module):
    """One operation that takes until `go`."""

    def __init__(self):
        super().__init__()
        self.go = threading.Event()
        self.entered = threading.Event()
        self.net = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        self.entered.set()
        self.go.wait(30)
        return self.net(x)


@pytest.fixture
def blocks():
    made = Blocks()
    yield made
    made.go.set()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("raises", ("raises", "no such layer")),
        ("nan", ("nan",)),
        ("missing.safetensors", ("missing.safetensors",)),
    ],
)
def test_a_model_that_is_no_good(qtbot, open_window, model, words):
    made = open_window()
    made.change(with_models, a=model)
    qtbot.waitUntil(lambda: made.banners != [])
    text = made.banners[0].lower()
    assert all(word in text for word in words)
    qtbot.waitUntil(lambda: not made.parts.attack.buttons.stop_button.isEnabled())
    lives(qtbot, made)


def test_models_of_other_classes_are_not_compared(qtbot, open_window):
    made = open_window()
    made.change(with_models, b="five")
    says(qtbot, made, "five", "classes")
    assert not made.parts.grid.panes[2].isVisible()
    qtbot.waitUntil(lambda: made.answered)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recipe": "no-such-attack"}, ("no-such-attack",)),
        ({"options": {"eps": -1.0}}, ("eps",)),
        ({"options": {"steps": 3, "colour": "red"}}, ("colour",)),
        ({"goal": "class", "to_class": 77}, ("77",)),
    ],
)
def test_an_attack_that_does_not_exist(qtbot, open_window, changes, words):
    made = open_window()
    good = made.session.state
    made.change(with_attack, **changes)
    says(qtbot, made, *words)
    made.session.change(good)
    lives(qtbot, made)


def test_a_model_that_blocks_and_a_new_worker(qtbot, open_window, blocks):
    made = open_window(engine=tiny_engine(blocks=lambda: Segmenter(blocks, classes=4)))
    made.window.watch.patience = 0.2
    ticks = []
    timer = QTimer(made.window, interval=10)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    made.change(with_models, a="blocks")
    assert blocks.entered.wait(5)
    says(qtbot, made, "not answered")
    assert len(ticks) > 5  # the window stays live
    made.key("3")
    assert made.session.state.view.layer == "error"
    (banner,) = made.parts.banners.banners
    assert banner.action.text() == "Restart worker"
    old = made.controller.worker
    made.session.change(with_models(made.session.state, a="two"))  # waits behind it
    banner = made.parts.banners.banners[0]
    banner.action.click()
    assert made.controller.worker is not old
    before = made.shown.step
    qtbot.waitUntil(lambda: made.answered and made.shown.step is not before)
    assert made.controller.request.models.a == "two"
    qtbot.waitUntil(lambda: made.banners == [])
    shown = made.shown
    blocks.go.set()  # the old one wakes up
    qtbot.waitUntil(lambda: not old._thread.is_alive())
    qtbot.wait(30)
    assert made.shown is shown


def test_a_model_that_recovers_takes_the_banner_away(qtbot, open_window, blocks):
    made = open_window(engine=tiny_engine(blocks=lambda: Segmenter(blocks, classes=4)))
    made.window.watch.patience = 0.2
    made.change(with_models, a="blocks")
    says(qtbot, made, "not answered")
    blocks.go.set()
    qtbot.waitUntil(lambda: made.banners == [] and made.answered)
