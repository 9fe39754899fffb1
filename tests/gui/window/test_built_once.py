"""One change of a slider, from the slider to the loop: the attack is made once, no file passed twice."""

import inspect

import pytest
from helpers.walks import noting

from art_segplugin.attacks import RECIPES
from art_segplugin.core import forward_pass
from art_segplugin.core.attack import GradientAttack
from art_segplugin_gui.qt import controller
from art_segplugin_gui.session.jobs import Prefetcher
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


def test_the_way_down_from_a_slider_passes_no_file_twice(qtbot, monkeypatch, open_window):
    monkeypatch.setattr(controller, "SETTLE_MS", 60_000)
    made = open_window()
    editor = made.parts.attack.form.editors["eps"]
    editor.dragging.emit(True)
    ways = {"window": [], "engine": [], "attack": []}
    worker, ahead = made.controller.worker, Prefetcher
    monkeypatch.setattr(worker, "submit", noting(worker.submit, ways["window"]))
    monkeypatch.setattr(ahead, "start", noting(ahead.start, ways["engine"]))
    look = noting(forward_pass.check_logits, ways["attack"])
    monkeypatch.setattr(forward_pass, "check_logits", look)
    editor.slider.setValue(editor.slider.value() + 1)
    request = made.controller.request
    qtbot.waitUntil(lambda: made.shown.step.identity.run == request.number)
    qtbot.waitUntil(lambda: made.shown.step.answer and not made.controller.worker.busy)
    editor.dragging.emit(False)
    way = [*ways["window"][0], *ways["engine"][0], *ways["attack"][0]]
    assert len(set(way)) == len(way)
    assert way == [
        "qt/forms/editors.py",
        "qt/forms/parameter_form.py",
        "qt/docks/attack.py",
        "qt/actions.py",
        "session/session.py",
        "qt/controller.py",
        "qt/worker.py",
        "session/engine.py",
        "session/attack_run.py",
        "session/jobs.py",
        "evaluation/pipeline.py",
        "core/task.py",
        "core/attack.py",
        "core/forward_pass.py",
    ]
