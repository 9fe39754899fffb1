import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow, QPushButton, QScrollArea

from art_segplugin_gui.qt.action_table import ACTIONS
from art_segplugin_gui.qt.shortcuts import Actions, ShortcutEditor, ShortcutSheet, shown_keys


@pytest.fixture
def actions(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    yield Actions(window)
    window.close()


@pytest.fixture
def editor(actions, qtbot):
    editor = ShortcutEditor(actions)
    qtbot.addWidget(editor)
    editor.show()
    return editor


def press(editor, qtbot, name, key, modifier=Qt.KeyboardModifier.NoModifier):
    edit = editor.edits[name]
    qtbot.keyClick(edit, key, modifier)
    qtbot.waitUntil(lambda: not edit.keySequence().isEmpty(), timeout=3000)
    edit.editingFinished.emit()


def test_keys_as_people_read_them():
    assert shown_keys(("X",), hold=True) == "hold X"
    assert shown_keys(("A", "Left")) == "A or Left"
    assert shown_keys((), hold=True) == "none"


def test_the_sheet_has_every_action_and_follows_changes(actions, qtbot):
    sheet = ShortcutSheet(actions)
    qtbot.addWidget(sheet)
    labels = {label.text(): label for label in sheet.findChildren(QLabel)}
    for row in ACTIONS:
        assert labels[row.plain].toolTip() == row.tip
    assert sheet.keys["flip"].text() == "hold X"
    actions.rebind("flip", ["F6"])
    assert sheet.keys["flip"].text() == "hold F6"


def test_the_sheet_is_read_without_scrolling(actions, qtbot):
    sheet = ShortcutSheet(actions)
    qtbot.addWidget(sheet)
    sheet.show()
    assert sheet.width() <= 0.8 * 1280
    assert sheet.height() <= 0.85 * 720
    bar = sheet.findChild(QScrollArea).verticalScrollBar()
    assert bar.maximum() == 0
    for label in sheet.findChildren(QLabel):
        assert label.width() >= label.fontMetrics().horizontalAdvance(label.text())
    columns = {label.mapTo(sheet, label.rect().topLeft()).x() for label in sheet.keys.values()}
    assert len(columns) == 2


def test_a_pressed_key_becomes_the_key(editor, actions, qtbot):
    press(editor, qtbot, "run", Qt.Key.Key_F5)
    assert actions.keys("run") == ("F5",)
    assert editor.message.said == "Run: F5."
    assert editor.message.kind == ""


def test_further_keys_of_an_action_stay(editor, actions, qtbot):
    press(editor, qtbot, "next", Qt.Key.Key_G)
    assert actions.keys("next") == ("G", "Right")


def test_a_key_that_is_taken_is_said_and_not_taken(editor, actions, qtbot):
    press(editor, qtbot, "run", Qt.Key.Key_X)
    assert actions.keys("run") == ("R",)
    assert "is already the key of" in editor.message.said
    assert editor.message.kind == "error"
    assert editor.edits["run"].keySequence() == QKeySequence("R")


def test_an_action_can_have_no_key_and_all_can_be_reset(editor, actions, qtbot):
    clear = next(
        button
        for button in editor.findChildren(QPushButton)
        if button.accessibleName() == "No key for Run"
    )
    qtbot.mouseClick(clear, Qt.MouseButton.LeftButton)
    assert actions.keys("run") == ()
    assert editor.edits["run"].keySequence().isEmpty()
    qtbot.mouseClick(editor.reset_button, Qt.MouseButton.LeftButton)
    assert actions.keys("run") == ("R",)
    assert editor.edits["run"].keySequence() == QKeySequence("R")


def test_every_field_has_a_name_and_return_does_not_close(editor, qtbot):
    assert all(edit.accessibleName() for edit in editor.edits.values())
    assert not any(button.autoDefault() for button in editor.findChildren(QPushButton))
