"""What the panel of the clip says of its folder before anything is attacked."""

import pytest
from folder_parts import at_rest, folder_of_theirs, write
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from art_segplugin_gui.qt.docks.clip import ClipPanel
from art_segplugin_gui.session.export_names import FINISHED, OWNED, SETTING, UNFINISHED

SAID = "2 files of these names are there and will be replaced: classes.csv, labels.mkv"


@pytest.fixture
def panel(qtbot, tmp_path):
    made = ClipPanel()
    made.folder.setText(str(tmp_path / "new"))
    qtbot.addWidget(made)
    made.resize(280, 400)
    made.show()
    at_rest(qtbot, made)
    return made


@pytest.fixture
def theirs(tmp_path):
    return folder_of_theirs(tmp_path, *("labels.mkv", "classes.csv", "labels.png"))


def test_a_new_folder_takes_no_room(qtbot, panel, theirs):
    assert not panel.replaced.isVisible()
    low = panel.minimumSizeHint()
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)
    assert panel.minimumSizeHint().width() == low.width()
    write(qtbot, panel, theirs / "deeper")
    qtbot.waitUntil(lambda: not panel.replaced.isVisible())
    assert panel.minimumSizeHint() == low


def test_files_of_the_user_s_are_told_while_the_folder_is_typed(qtbot, panel, theirs):
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)
    line = panel.replaced
    assert line.said == line.accessibleName() == panel.folder.accessibleDescription() == SAID
    assert line.height() >= line.heightForWidth(line.width())
    assert line.y() < panel.run.y()


@pytest.mark.parametrize("held", [(f"{UNFINISHED}/{SETTING}",), FINISHED])
def test_a_clip_that_is_there_is_gone_on_with(qtbot, panel, theirs, held):
    (theirs / UNFINISHED).mkdir()
    for name in held:
        (theirs / name).write_text("ours")
    write(qtbot, panel, theirs)
    at_rest(qtbot, panel)
    assert panel.replaced.said == ""
    (theirs / held[0]).unlink()
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)


def test_the_files_of_a_running_clip_are_its_own(qtbot, panel, theirs):
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)
    panel.show_start()
    assert not panel.replaced.isVisible()
    for name in OWNED["clip"]:
        (theirs / name).touch()
    panel.set_running(False)
    at_rest(qtbot, panel)
    assert not panel.replaced.isVisible()  # they are of a finished clip now


def test_a_clip_that_came_to_nothing_is_told_again(qtbot, panel, theirs):
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)
    panel.show_start()
    panel.set_running(False)
    qtbot.waitUntil(panel.replaced.isVisible)


def test_without_a_folder_there_is_no_clip(qtbot, panel, theirs, monkeypatch):
    monkeypatch.chdir(theirs)  # what lies here is not asked for
    for blank in ("", "  "):
        panel.folder.setText(blank)
        assert not panel.run.isEnabled()
        assert not panel.replaced._timer.isActive()
    panel.show_start()
    panel.set_running(False)
    assert not panel.run.isEnabled()
    panel.folder.setText("new")
    assert panel.run.isEnabled()
    panel.show_start()
    panel.folder.setText("newer")
    assert not panel.run.isEnabled()


def test_a_hidden_panel_does_not_look_when_the_user_comes_back(qtbot, panel, theirs):
    write(qtbot, panel, theirs)
    qtbot.waitUntil(panel.replaced.isVisible)
    panel.hide()
    changed = QGuiApplication.instance().applicationStateChanged
    changed.emit(Qt.ApplicationState.ApplicationInactive)
    changed.emit(Qt.ApplicationState.ApplicationActive)
    assert not panel.replaced._timer.isActive()
    panel.show()
    assert panel.replaced._timer.isActive()


def test_a_hidden_panel_looks_when_it_is_shown(qtbot, panel, theirs):
    panel.hide()
    panel.folder.setText(str(theirs))
    assert not panel.replaced._timer.isActive()
    panel.show()
    qtbot.waitUntil(panel.replaced.isVisible)
    assert panel.replaced.said == SAID
