"""The window as it opens: appearance, dialogs, demo mode and what it keeps."""

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QWidget
from window_parts import K, pixels

from art_segplugin_gui.qt.settings import Settings


def test_it_opens_with_a_picture_under_attack(made):
    assert made.shown.step.answer
    assert made.shown.step.a.scores.mis_ratio > made.shown.clean.a.scores.mis_ratio
    assert made.banners == []
    clean, attacked = made.parts.grid.panes[:2]
    assert clean.isVisible()
    assert not np.array_equal(pixels(clean), pixels(attacked))
    assert made.parts.status.pace.text().startswith("CPU, 1 thread")
    assert not made.parts.attack.buttons.stop_button.isEnabled()


def test_no_other_window_flashes_up(qtbot, qapp, open_window):
    """A widget that is shown before it has a parent is a window, and takes the keys away."""

    class Watch(QObject):
        def eventFilter(self, watched, event):  # noqa: N802
            if (
                event.type() == QEvent.Type.Show
                and isinstance(watched, QWidget)
                and watched.isWindow()
            ):
                shown.append(watched)
            return False

    shown, watch = [], Watch()
    qapp.installEventFilter(watch)
    try:
        made = open_window()
        made.key("C")
        made.window.say("error", "It broke.", action="Retry", name="x")
        for place in range(made.parts.attack.method.count()):
            made.parts.attack.method.setCurrentIndex(place)
            made.parts.attack.method.activated.emit(place)
        qtbot.wait(20)
    finally:
        qapp.removeEventFilter(watch)
    assert shown == [made.window]
    assert made.window.isActiveWindow()


def test_dark_and_light(made, qapp):
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100
    ctrl_shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    made.key(K.Key_T, ctrl_shift)
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() > 200
    made.key(K.Key_T, ctrl_shift)
    assert qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100


def test_demo_mode_shows_the_panes_and_keys_still_work(qtbot, made):
    places = {name: dock.isVisible() for name, dock in made.parts.docks.items()}
    made.key(K.Key_F11)
    assert made.window.arrangement.in_demo
    assert not any(dock.isVisible() for dock in made.parts.docks.values())
    assert not made.window.menuBar().isVisible()
    assert made.parts.grid.isVisible()
    made.key("3")
    assert made.session.state.view.layer == "error"
    made.key(K.Key_F11)
    assert {name: dock.isVisible() for name, dock in made.parts.docks.items()} == places


def test_docks_stay_as_they_were_after_demo_mode(made):
    made.parts.docks["timeline"].close()
    made.key(K.Key_F11)
    made.key(K.Key_F11)
    assert not made.parts.docks["timeline"].isVisible()
    assert made.parts.docks["charts"].isVisible()


def test_settings_are_kept(qtbot, open_window, tmp_path):
    settings = Settings(tmp_path / "kept.ini")
    made = open_window(settings=settings)
    made.window.toggle_theme()
    made.window.close()
    again = Settings(tmp_path / "kept.ini")
    assert again.theme == "light"
    assert not again.geometry.isEmpty()
    assert not again.docks.isEmpty()


def test_the_dialogs_of_the_keys(qtbot, made):
    titles = []

    def look():
        dialog = QApplication.activeModalWidget()
        titles.append(dialog.windowTitle())
        dialog.close()

    for name in ("shortcuts", "edit-shortcuts", "about"):
        QTimer.singleShot(30, look)
        made.window.actions_table.action(name).trigger()
    assert titles == ["Keys", "Keyboard shortcuts", "About art-segplugin"]


def test_the_log_keeps_what_was_said(made):
    made.window.say("error", "It broke.", "Traceback of it")
    assert made.banners == ["It broke."]
    assert "Traceback of it" in made.parts.log.text()
    made.window.actions_table.action("log").trigger()
    assert made.parts.docks["log"].isVisible()
