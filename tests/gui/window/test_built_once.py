"""One change of a slider makes the attack once, from the slider to the loop and back to the panes."""

import inspect

import pytest

from art_segplugin.attacks import RECIPES
from art_segplugin.core.attack import GradientAttack
from art_segplugin_gui.qt import controller
from art_segplugin_gui.session.request import Run


@pytest.fixture
def built(monkeypatch):
    """Every attack that is made, and every function whose signature is looked at."""
    attacks, signatures = [], []
    made, looked_at = GradientAttack.__post_init__, inspect.signature

    def make(attack):
        attacks.append(attack)
        made(attack)

    def look_at(function, **more):
        signatures.append(function)
        return looked_at(function, **more)

    def begin():
        monkeypatch.setattr(GradientAttack, "__post_init__", make)
        monkeypatch.setattr(inspect, "signature", look_at)
        return attacks, signatures

    return begin


def test_one_quick_change_builds_the_attack_once(qtbot, monkeypatch, open_window, built):
    monkeypatch.setattr(controller, "SETTLE_MS", 60_000)  # the whole attack is another run
    made = open_window()
    editor = made.parts.attack.form.editors["eps"]
    editor.dragging.emit(True)
    attacks, signatures = built()
    editor.slider.setValue(editor.slider.value() + 1)
    request = made.controller.request
    assert isinstance(request, Run)
    assert request.quick
    qtbot.waitUntil(lambda: made.shown.step.identity.run == request.number)
    qtbot.waitUntil(lambda: made.shown.step.answer and not made.controller.worker.busy)
    assert len(attacks) == 1
    assert not any(one in RECIPES.values() for one in signatures)
    editor.dragging.emit(False)
