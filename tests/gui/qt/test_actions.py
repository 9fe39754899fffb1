import re

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.action_table import ACTIONS, BY_ID, MENUS, as_markdown, layer_id
from art_segplugin_gui.qt.forms.numbers import NumberSpin
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.shortcuts import Actions
from art_segplugin_gui.session.state import LAYERS

Key = Qt.Key


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QWidget())
    QVBoxLayout(window.centralWidget())
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    yield window
    window.close()


@pytest.fixture
def actions(window):
    return Actions(window)


@pytest.fixture
def seen(actions):
    seen = []
    actions.triggered.connect(seen.append)
    actions.held.connect(lambda name, on: seen.append((name, on)))
    return seen


def put(window, widget):
    window.centralWidget().layout().addWidget(widget)
    widget.show()
    widget.setFocus()
    assert QApplication.focusWidget() is not None
    return widget


def test_the_table_has_no_conflict_and_no_unknown_key():
    keys = [key for row in ACTIONS for key in row.keys]
    sequences = [QKeySequence(key).toString() for key in keys]
    assert len(set(sequences)) == len(keys)
    assert all(sequences)
    assert len(BY_ID) == len(ACTIONS)
    assert {row.menu for row in ACTIONS} == set(MENUS)
    assert all(re.fullmatch(r"[a-z-]+", row.id) and row.tip.endswith(".") for row in ACTIONS)


def test_layers_have_the_keys_1_to_8():
    assert [BY_ID[layer_id(name)].keys for name in LAYERS] == [(str(n),) for n in range(1, 9)]


def test_the_table_for_the_docs_has_every_action_once():
    text = as_markdown()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "| Key |" not in line]
    assert len(rows) == len(ACTIONS)
    assert "| `Ctrl+O` | Open image or video | Open an image or a video. |" in rows
    assert any(row.startswith("| hold `X` | Flip clean and adversarial |") for row in rows)
    assert [line[4:] for line in text.splitlines() if line.startswith("### ")] == list(MENUS)


@pytest.mark.parametrize("row", [row for row in ACTIONS if not row.hold], ids=lambda row: row.id)
def test_every_key_does_what_its_row_says(window, actions, seen, qtbot, row):
    for key in row.keys:
        combination = QKeySequence(key)[0]
        qtbot.keyClick(window, combination.key(), combination.keyboardModifiers())
        assert seen == [row.id], key
        seen.clear()


def test_menus_hold_every_action_once(window, actions, seen):
    actions.fill(window.menuBar())
    entries = [action for menu in actions.menus.values() for action in menu.actions()]
    assert len(entries) == len(set(entries)) == len(ACTIONS)
    actions.menus["Attack"].actions()[0].trigger()
    assert seen == ["run"]
    assert all(action.toolTip() for action in entries)


def test_a_checkable_action_is_shown_without_a_signal(actions, seen):
    actions.show_checked("compare", True)
    assert actions.action("compare").isChecked()
    assert seen == []
    actions.action("compare").trigger()
    assert seen == ["compare"]
    assert not actions.action("compare").isChecked()


def test_what_cannot_be_done_is_not_done(window, actions, seen, qtbot):
    actions.show_enabled("run", False)
    actions.show_enabled("flip", False)
    qtbot.keyClick(window, Key.Key_R)
    qtbot.keyPress(window, Key.Key_X)
    assert seen == []
    actions.show_enabled("run", True)
    qtbot.keyClick(window, Key.Key_R)
    assert seen == ["run"]


def test_holding_a_key_says_when_it_goes_down_and_up(window, actions, seen, qtbot):
    qtbot.keyPress(window, Key.Key_X)
    assert seen == [("flip", True)]
    qtbot.keyPress(window, Key.Key_X)  # as a keyboard repeats it
    qtbot.keyPress(window, Key.Key_O)
    qtbot.keyRelease(window, Key.Key_X)
    assert seen == [("flip", True), ("plain", True), ("flip", False)]
    qtbot.keyRelease(window, Key.Key_O)
    qtbot.keyRelease(window, Key.Key_X)
    assert seen[3:] == [("plain", False)]


def test_a_held_key_is_let_go_when_the_window_loses_the_keyboard(window, actions, seen, qtbot):
    qtbot.keyPress(window, Key.Key_X)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert seen == [("flip", True), ("flip", False)]
    qtbot.keyRelease(window, Key.Key_X)
    assert len(seen) == 2


def test_a_hold_action_can_be_held_by_its_menu_entry(actions, seen):
    actions.action("flip").trigger()
    actions.action("flip").trigger()
    assert seen == [("flip", True), ("flip", False)]


@pytest.mark.parametrize("make", [QLineEdit, NumberSpin])
def test_letters_and_digits_belong_to_a_text_field(window, actions, seen, qtbot, make):
    field = put(window, make())
    edit = field if make is QLineEdit else field.lineEdit()
    edit.clear()
    for letter in "rx.1-=[ ":
        qtbot.keyClick(field, letter)
    for key in (Key.Key_Left, Key.Key_Right):
        qtbot.keyClick(field, key)
    assert seen == []
    assert edit.text() == "rx.1-=[ "
    qtbot.keyClick(field, Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    assert seen == ["export"]


def test_an_editable_list_is_a_text_field(window, actions, seen, qtbot):
    box = QComboBox()
    box.setEditable(True)
    put(window, box)
    qtbot.keyClick(box.lineEdit(), "s")
    assert (seen, box.currentText()) == ([], "s")


def test_space_presses_the_button_that_has_the_focus(window, actions, seen, qtbot):
    button = put(window, QPushButton("Go"))
    with qtbot.waitSignal(button.clicked):
        qtbot.keyClick(button, Key.Key_Space)
    assert seen == []
    qtbot.keyClick(button, Key.Key_R)
    assert seen == ["run"]


def test_arrows_move_the_slider_that_has_the_focus(window, actions, seen, qtbot):
    slider = put(window, QSlider(Qt.Orientation.Horizontal))
    qtbot.keyClick(slider, Key.Key_Right)
    assert (seen, slider.value()) == ([], 1)
    qtbot.keyClick(slider, Key.Key_D)
    qtbot.keyClick(slider, Key.Key_Space)
    assert seen == ["next", "play"]


@pytest.mark.parametrize("late", [False, True])
def test_keys_belong_to_the_controls_of_a_floating_dock(window, qtbot, late):
    if late:
        mine = Actions(window)
    panel = QWidget()
    column = QVBoxLayout(panel)
    slider, button, edit = QSlider(Qt.Orientation.Horizontal), QPushButton("Run"), QLineEdit()
    for widget in (slider, button, edit):
        column.addWidget(widget)
    dock = QDockWidget("Attack", window)
    dock.setWidget(panel)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
    if not late:
        mine = Actions(window)
    chosen, clicks = [], []
    mine.triggered.connect(chosen.append)
    button.clicked.connect(lambda: clicks.append(1))
    dock.setFloating(True)
    dock.show()
    dock.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is dock)
    assert slider.window() is dock
    slider.setFocus()
    qtbot.keyClick(slider, Key.Key_Right)
    button.setFocus()
    qtbot.keyClick(button, Key.Key_Space)
    edit.setFocus()
    qtbot.keyClick(edit, "r")
    assert (chosen, slider.value(), len(clicks), edit.text()) == ([], 1, 1, "r")
    slider.setFocus()
    qtbot.keyClick(slider, Key.Key_R)  # and what they do not use is a shortcut still
    assert chosen == ["run"]


def test_other_keys_are_used_and_kept(window, seen, actions, qtbot, tmp_path):
    settings = Settings(tmp_path / "s.ini")
    mine = Actions(window.centralWidget(), settings)
    with qtbot.waitSignal(mine.keys_changed):
        mine.rebind("run", ["F5"])
    mine.rebind("flip", ["Q"])
    mine.rebind("swap", [])
    assert settings.shortcuts == {"run": ("F5",), "flip": ("Q",), "swap": ()}
    again = Actions(window.centralWidget(), Settings(tmp_path / "s.ini"))
    assert (again.keys("run"), again.keys("flip"), again.keys("swap")) == (("F5",), ("Q",), ())
    assert again.action("flip").text().endswith("\tQ")
    again.reset()
    assert again.keys("run") == ("R",)
    assert settings.shortcuts == {}


def test_a_new_key_works_and_the_old_one_does_not(window, actions, seen, qtbot):
    actions.rebind("run", ["F5"])
    actions.rebind("flip", ["R"])
    qtbot.keyClick(window, Key.Key_F5)
    qtbot.keyClick(window, Key.Key_X)
    assert seen == ["run"]
    qtbot.keyPress(window, Key.Key_R)
    qtbot.keyRelease(window, Key.Key_R)
    assert seen == ["run", ("flip", True), ("flip", False)]


@pytest.mark.parametrize("key", ["x", "X", "Ctrl+Shift+O", "Left"])
def test_a_key_that_is_taken_is_refused_with_a_sentence(actions, key):
    with pytest.raises(InputError, match=r"is already the key of .* first\."):
        actions.rebind("run", [key])
    assert actions.keys("run") == ("R",)


@pytest.mark.parametrize("key", ["", "nonsense", "A, B"])
def test_what_is_no_key_is_refused(actions, key):
    with pytest.raises(InputError, match="is no key"):
        actions.rebind("run", [key])


def test_two_keys_may_have_been_swapped_and_bad_ones_are_left(window, tmp_path):
    settings = Settings(tmp_path / "s.ini")
    settings.shortcuts = {
        "run": ("S",), "swap": ("R",), "gone": ("F5",), "fit": ("nonsense",), "link": ("S",),
    }  # fmt: skip
    found = Actions(window, settings)
    assert (found.keys("run"), found.keys("swap")) == (("S",), ("R",))
    assert found.keys("link") in ((), ("L",))
    assert found.keys("fit") in ((), ("F",))
