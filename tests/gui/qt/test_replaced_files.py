"""The line on files that will be replaced: looks in the background, says only what is so now."""

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from art_segplugin_gui.qt.export import ReplacedFiles, in_words


@pytest.fixture
def line(qtbot):
    parent, field = QWidget(), QLineEdit()
    layout = QVBoxLayout(parent)
    layout.addWidget(field)
    line = ReplacedFiles(field)
    layout.addWidget(line)
    qtbot.addWidget(parent)
    parent.show()
    line.field = field
    yield line
    parent.close()  # and kept until now


def come_back():
    changed = QGuiApplication.instance().applicationStateChanged
    changed.emit(Qt.ApplicationState.ApplicationInactive)
    changed.emit(Qt.ApplicationState.ApplicationActive)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "1 file of these names is there and will be replaced: a"),
        (["a", "b", "c"], "3 files of these names are there and will be replaced: a, b, c"),
        (
            list("abcdefghijklmno"),
            "15 files of these names are there and will be replaced: a, b, c … and 12 more",
        ),
    ],
)
def test_words(names, words):
    assert in_words(names) == words


def test_it_is_shown_and_read_aloud_only_when_there_is_something(qtbot, line):
    assert not line.isVisible()
    changes = []
    line.changed.connect(lambda: changes.append(line.said))
    line.look(lambda: ["a"])
    qtbot.waitUntil(line.isVisible)
    assert line.said == line.accessibleName() == line.field.accessibleDescription()
    assert line.said == in_words(["a"])
    line.look(lambda: ["a"])
    qtbot.waitUntil(lambda: not line._timer.isActive())
    line.look(list)
    qtbot.waitUntil(lambda: not line.isVisible())
    assert line.field.accessibleDescription() == ""
    assert changes == [in_words(["a"]), ""]


def test_a_slow_disk_stops_nothing_and_its_late_answer_is_not_said(qtbot, line):
    line.look(lambda: ["old"])
    qtbot.waitUntil(line.isVisible)
    gate, threads = threading.Event(), []

    def slow():
        threads.append(threading.current_thread())
        gate.wait(20)
        return ["late"]

    line.look(slow)
    qtbot.waitUntil(lambda: not line.isVisible())  # "old" is of another folder
    line.look(lambda: ["new"])
    qtbot.waitUntil(line.isVisible)
    assert threads != []
    assert threading.main_thread() not in threads
    gate.set()
    threads[0].join(20)
    qtbot.wait(120)
    assert line.said == in_words(["new"])


def test_one_look_for_many_keys(qtbot, line):
    asked = []
    for key in range(5):
        line.look(lambda key=key: asked.append(key) or [])
        qtbot.wait(10)
    qtbot.waitUntil(lambda: not line._timer.isActive())
    assert asked == [4]


def test_it_looks_again_when_the_user_comes_back(qtbot, line):
    names = ["a"]
    line.look(lambda: list(names))
    qtbot.waitUntil(line.isVisible)
    names.clear()  # moved away in another program
    come_back()
    qtbot.waitUntil(lambda: not line.isVisible())
    names.append("b")  # and another one put there
    come_back()
    qtbot.waitUntil(line.isVisible)
    assert line.said == in_words(["b"])


def test_for_a_hidden_field_it_looks_no_more(qtbot, line):
    asked = []
    line.look(lambda: asked.append(1) or [])
    qtbot.waitUntil(lambda: not line._timer.isActive())
    line.field.hide()
    come_back()
    assert not line._timer.isActive()
    line.field.show()
    come_back()
    qtbot.waitUntil(lambda: asked == [1, 1])


def test_it_says_when_it_is_about_to_move_something(qtbot, line):
    told = []
    line.changing.connect(lambda: told.append(("before", line.isVisible(), line.said)))
    line.changed.connect(lambda: told.append(("after", line.isVisible(), line.said)))
    line.look(lambda: ["a"])
    qtbot.waitUntil(line.isVisible)
    assert told == [("before", False, ""), ("after", True, in_words(["a"]))]


def test_forgotten_it_looks_no_more(qtbot, line):
    asked = []
    line.look(lambda: asked.append(1) or ["a"])
    line.forget()
    come_back()
    qtbot.wait(250)
    assert asked == []
    assert not line.isVisible()
