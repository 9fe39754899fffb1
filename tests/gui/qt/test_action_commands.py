"""Every action of the table does what its row says, when its key is pressed."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from art_segplugin_gui.qt.action_table import ACTIONS, BY_ID
from art_segplugin_gui.qt.actions import checked_actions
from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view
from art_segplugin_gui.session.state import LAYERS, Attack, Models, State, View

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def test_every_action_has_a_function(opened):
    held = set(opened.window.held_commands)
    known = set(opened.window.commands) | held
    assert known >= {action.id for action in ACTIONS}
    assert held == {action.id for action in ACTIONS if action.hold}


def test_layers(opened):
    for number, layer in enumerate(LAYERS, 1):
        opened.key(str(number))
        assert opened.session.state.view.layer == layer
        assert opened.window.actions_table.action(f"layer-{layer.replace(' ', '-')}").isChecked()


def test_opacity_stays_between_nothing_and_all(opened):
    for _ in range(14):
        opened.key("]")
    assert opened.session.state.view.opacity == 1
    opened.key("[")
    assert opened.session.state.view.opacity == 0.95
    for _ in range(25):
        opened.key("[")
    assert opened.session.state.view.opacity == 0
    opened.session.undo()
    assert opened.session.state.view.opacity == 0.55  # one row of presses, one change


def test_eps_by_levels_of_the_picture(opened):
    opened.key("=")
    assert opened.session.state.attack.options["eps"] == pytest.approx(9 / 255)
    for _ in range(3):
        opened.key("-")
    assert opened.session.state.attack.options["eps"] == pytest.approx(6 / 255)
    for _ in range(9):
        opened.key("-")
    assert opened.session.state.attack.options["eps"] == 0
    opened.session.undo()
    assert "eps" not in opened.session.state.attack.options


def test_eps_in_another_norm_by_places_of_its_slider(opened):
    opened.session.change(
        with_attack(opened.session.state, options={"norm": "2", "eps": 2.0, "steps": 3})
    )
    opened.key("=")
    tick = opened.window.parts.attack.form.editors["eps"].scale.tick
    larger = opened.session.state.attack.options["eps"]
    assert 2.0 < larger <= 2.0 + 1.5 * tick  # the next place of the slider but 2.0's own
    opened.key("-")
    assert opened.session.state.attack.options["eps"] == pytest.approx(larger - tick)


def test_next_and_previous_go_round(qtbot, opened):
    opened.key("D")
    assert opened.session.state.source.index == 1
    opened.key("A")
    opened.key("A")
    assert opened.session.state.source.index == 3
    opened.key("D")
    assert opened.session.state.source.index == 0
    qtbot.waitUntil(lambda: opened.answered)
    assert opened.shown.frame.index == 0


def test_keys_and_buttons_stay_within_the_range(opened):
    opened.change(with_source, index=1, first=1, last=2, loop=False)
    opened.key("A")
    assert opened.session.state.source.index == 1
    opened.key("D")
    opened.key("D")
    assert opened.session.state.source.index == 2
    opened.parts.source.next.click()
    assert opened.session.state.source.index == 2
    opened.change(with_source, loop=True)
    opened.parts.source.next.click()
    assert opened.session.state.source.index == 1
    opened.key("A")
    assert opened.session.state.source.index == 2


def test_run_step_and_stop(qtbot, opened):
    engine = opened.engine
    engine.last = 40
    opened.key(".")
    qtbot.waitUntil(lambda: opened.controller.paused)
    assert opened.shown.step.number == 1
    opened.key(".")
    qtbot.waitUntil(lambda: opened.shown.step.number == 2 and opened.controller.paused)
    engine.gate.clear()
    opened.key("R")
    qtbot.waitUntil(lambda: len(engine.requests) == 4)
    assert engine.requests[-1].pause_at is None
    opened.key(K.Key_Escape)
    assert engine.tokens[-1].cancelled
    qtbot.waitUntil(lambda: opened.at_rest)


def test_auto_can_be_left(qtbot, opened):
    action = opened.window.actions_table.action("auto")
    assert action.isChecked()
    action.trigger()
    assert not opened.session.state.attack.auto
    assert not opened.parts.attack.buttons.auto.isChecked()
    count = len(opened.engine.requests)
    opened.key("=")
    qtbot.wait(200)
    assert len(opened.engine.requests) == count
    assert opened.shown.outdated


def test_compare_swap_and_transfer(qtbot, opened):
    opened.key("S")  # nothing to swap yet
    assert opened.session.state.models == Models("one")
    opened.key("C")
    assert opened.session.state.models == Models("one", "two")
    opened.key("S")
    assert opened.session.state.models == Models("two", "one")
    opened.window.actions_table.action("transfer").trigger()
    assert not opened.session.state.models.transfer
    qtbot.waitUntil(lambda: opened.answered)
    assert opened.engine.requests[-1].models == Models("two", "one", False)
    opened.key("C")
    assert opened.session.state.models.b is None


def test_view_toggles(opened):
    opened.key("L")
    assert not opened.parts.grid.linked
    opened.key("L")
    assert opened.parts.grid.linked
    opened.window.actions_table.action("safe-colours").trigger()
    assert opened.session.state.view.safe_colours


def test_fit_and_actual_size(opened):
    port = opened.parts.grid.panes[0].viewport
    opened.key("Z")
    assert port.is_actual_size
    opened.key("F")
    assert port.is_fit


def test_undo_and_redo(qtbot, opened):
    table = opened.window.actions_table
    assert not table.action("undo").isEnabled()
    opened.key("3")
    assert table.action("undo").isEnabled()
    opened.key("Z", CTRL)
    assert opened.session.state.view.layer == "prediction"
    assert not table.action("undo").isEnabled()
    opened.key("Y", CTRL)
    assert opened.session.state.view.layer == "error"


def test_play_and_pause(qtbot, opened):
    opened.key(K.Key_Space)
    qtbot.waitUntil(lambda: opened.controller.playing)
    assert opened.window.actions_table.action("play").isChecked()
    assert opened.parts.source.play.isChecked()
    opened.key(K.Key_Space)
    assert not opened.controller.playing
    assert not opened.window.actions_table.action("play").isChecked()


def test_held_keys(opened):
    content = opened.parts.grid._content
    QTest.keyPress(opened.window, K.Key_X)
    assert content.flipped
    QTest.keyRelease(opened.window, K.Key_X)
    assert not content.flipped
    QTest.keyPress(opened.window, K.Key_O)
    assert content.peeking
    QTest.keyRelease(opened.window, K.Key_O)
    assert not content.peeking


def test_what_is_checked_comes_from_the_state():
    state = State(models=Models("a", "b", False), view=View("healed", linked=False))
    found = checked_actions(with_attack(state, auto=False))
    assert {name for name, on in found.items() if on} == {"compare", "layer-healed"}
    found = checked_actions(
        with_view(with_models(State(attack=Attack()), b=None), safe_colours=True)
    )
    assert {name for name, on in found.items() if on} == {
        "link",
        "safe-colours",
        "auto",
        "transfer",
        "layer-prediction",
    }
    assert set(found) <= set(BY_ID)
