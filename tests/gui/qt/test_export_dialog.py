"""What the dialog of the export says before anything is written."""

import os
import threading

import pytest
from folder_parts import at_rest, folder_of_theirs, write
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox

from art_segplugin_gui.qt.export import ExportDialog
from art_segplugin_gui.session.export_names import OWNED


@pytest.fixture
def dialog(qtbot, tmp_path):
    made = ExportDialog(tmp_path / "new")
    qtbot.addWidget(made)
    made.show()
    at_rest(qtbot, made)
    return made


@pytest.fixture
def theirs(tmp_path):
    return folder_of_theirs(tmp_path, *("labels.png", "classes.csv", "figure.png", "holiday.png"))


SAID = "3 files of these names are there and will be replaced: classes.csv, figure.png, labels.png"


def test_a_new_folder_says_nothing(dialog):
    assert not dialog.replaced.isVisible()
    assert dialog.replaced.said == ""


def test_files_of_our_names_are_told_when_it_opens(qtbot, theirs):
    made = ExportDialog(theirs)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.replaced.isVisible)
    assert made.replaced.said == SAID


def test_the_line_follows_what_is_typed(qtbot, dialog, theirs):
    low = dialog.height()
    write(qtbot, dialog, theirs)
    qtbot.waitUntil(dialog.replaced.isVisible)
    assert dialog.replaced.said == dialog.folder.accessibleDescription() == SAID
    assert dialog.replaced.height() >= dialog.replaced.heightForWidth(dialog.replaced.width())
    assert dialog.height() > low
    assert dialog.folder.hasFocus()
    qtbot.keyClicks(dialog.folder, "/deeper")
    qtbot.waitUntil(lambda: not dialog.replaced.isVisible())
    assert dialog.height() == low
    assert dialog.folder.accessibleDescription() == ""


@pytest.mark.parametrize("more", [0, 7, 300])
def test_the_line_keeps_the_height_that_the_user_chose(qtbot, dialog, theirs, more):
    dialog.resize(dialog.width() + 100, dialog.height() + more)
    chosen = dialog.size()
    write(qtbot, dialog, theirs)
    qtbot.waitUntil(dialog.replaced.isVisible)
    assert dialog.width() == chosen.width()
    assert dialog.height() >= chosen.height() + dialog.replaced.sizeHint().height()
    dialog.resize(dialog.width(), dialog.height() + 20)
    qtbot.keyClicks(dialog.folder, "/deeper")
    qtbot.waitUntil(lambda: not dialog.replaced.isVisible())
    assert (dialog.width(), dialog.height()) == (chosen.width(), chosen.height() + 20)


def test_without_a_folder_nothing_is_saved(qtbot, dialog, theirs, monkeypatch):
    monkeypatch.chdir(theirs)  # what lies here is not asked for
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    assert save.isEnabled()
    for blank in ("", "  "):
        dialog.folder.setText(blank)
        assert not save.isEnabled()
        assert not dialog.replaced._timer.isActive()
        qtbot.keyClick(dialog.folder, Qt.Key.Key_Return)
        assert dialog.isVisible()
    dialog.boxes["figure"].click()
    assert not save.isEnabled()
    dialog.folder.setText("new")
    assert save.isEnabled()
    for kind in set(dialog.boxes) - {"figure"}:
        dialog.boxes[kind].click()
    assert not save.isEnabled()


def test_the_line_follows_what_is_ticked(qtbot, dialog, theirs):
    write(qtbot, dialog, theirs)
    qtbot.waitUntil(dialog.replaced.isVisible)
    for kind in ("tables", "figure"):
        dialog.boxes[kind].setFocus()
        qtbot.keyClick(dialog.boxes[kind], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dialog.replaced.said.startswith("1 file "))
    assert dialog.replaced.said.endswith("replaced: labels.png")
    qtbot.keyClick(dialog.boxes["pictures"], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not dialog.replaced.isVisible())
    qtbot.keyClick(dialog.boxes["tables"], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: dialog.replaced.said.endswith("replaced: classes.csv"))
    assert dialog.chosen == (theirs, ["tables", "numbers", "reproduction"])


def test_many_files_are_counted(qtbot, dialog, theirs):
    for name in OWNED["pictures"]:
        (theirs / name).touch()
    write(qtbot, dialog, theirs)
    count = len(OWNED["pictures"]) + 2
    qtbot.waitUntil(lambda: dialog.replaced.said.startswith(f"{count} files "))
    assert dialog.replaced.said.endswith(f" … and {count - 3} more")


def test_one_file_is_told_too(qtbot, dialog, theirs):
    write(qtbot, dialog, theirs / "holiday.png")
    qtbot.waitUntil(lambda: dialog.replaced.said.endswith("will be replaced: holiday.png"))


@pytest.mark.parametrize("odd", ["~nobody-of-this-name/x", "   ", "/dev/null/x"])
def test_odd_folders_say_nothing(qtbot, dialog, theirs, odd):
    write(qtbot, dialog, theirs)
    qtbot.waitUntil(dialog.replaced.isVisible)
    write(qtbot, dialog, odd)
    qtbot.waitUntil(lambda: not dialog.replaced.isVisible())


def test_the_window_itself_asks_no_disk(qtbot, dialog, theirs, monkeypatch):
    looked = {True: [], False: []}
    real = os.lstat

    def look(*given, **more):
        looked[threading.current_thread() is threading.main_thread()].append(given)
        return real(*given, **more)

    monkeypatch.setattr(os, "lstat", look)
    write(qtbot, dialog, theirs)
    qtbot.waitUntil(dialog.replaced.isVisible)
    assert looked[True] == []
    assert looked[False] != []


def test_a_dialog_that_is_closed_while_it_looks(qtbot, theirs):
    dialog = ExportDialog(theirs)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.replaced._answer is not None)
    dialog.buttons.button(QDialogButtonBox.StandardButton.Cancel).click()
    dialog.deleteLater()
    qtbot.wait(200)  # an exception in a slot would fail the test


def test_a_home_that_nobody_has_is_a_path_like_any_other(qtbot, dialog):
    write(qtbot, dialog, "~nobody-of-that-name/here")
    assert dialog.chosen[0].parts == ("~nobody-of-that-name", "here")
    write(qtbot, dialog, "~/here")
    assert dialog.chosen[0].is_absolute()
