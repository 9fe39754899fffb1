from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from art_segplugin_gui.qt.log import LIMIT, LogPanel
from art_segplugin_gui.qt.theme import semantic


def test_details_of_the_chosen_entry_are_shown_and_copied(qtbot):
    log = LogPanel()
    qtbot.addWidget(log)
    log.add("info", "loaded")
    log.add("error", "the model raised", "Traceback: line 3")
    log.list.setCurrentRow(1)
    assert log.details.toPlainText() == "Traceback: line 3"
    qtbot.mouseClick(log.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "the model raised" in copied
    assert "Traceback: line 3" in copied
    assert "loaded" not in copied


def test_the_whole_log_is_copied_where_nothing_is_chosen(qtbot):
    log = LogPanel()
    qtbot.addWidget(log)
    log.add("info", "first")
    log.add("warning", "second", "more")
    log.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line[-5:] for line in lines] == ["first", "econd", "more"]
    log.clear()
    assert log.text() == ""


def test_it_does_not_grow_for_ever_and_colours_what_went_wrong(qtbot):
    log = LogPanel()
    qtbot.addWidget(log)
    for n in range(LIMIT + 5):
        log.add("error", f"number {n}")
    assert log.list.count() == LIMIT
    assert log.list.item(0).text().endswith("number 5")
    assert log.list.item(0).foreground().color() == semantic(log.palette()).error
