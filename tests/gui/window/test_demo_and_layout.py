"""Docks and their places, demo mode, the size at the start, and where the keyboard is."""

import gc
import weakref

import pytest
from gui_parts import FakeEngine, FakeSource, Opened, Sources, small_state, spin
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu

from art_segplugin_gui import app
from art_segplugin_gui.arguments import Arguments
from art_segplugin_gui.qt import theme
from art_segplugin_gui.qt.settings import Settings
from art_segplugin_gui.qt.window import MainWindow
from art_segplugin_gui.session.session import Session

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def kept(tmp_path):
    return Settings(tmp_path / "kept.ini")


@pytest.fixture
def made(open_window):
    return open_window(engine=FakeEngine())


def areas(made):
    docks = made.parts.docks.items()
    return {name: (made.window.dockWidgetArea(dock), dock.isHidden()) for name, dock in docks}


def widths(made):
    return [made.parts.docks[name].width() for name in ("source", "attack")]


def test_demo_at_the_start_leaves_the_kept_places_alone(qtbot, open_window, kept):
    made = open_window(engine=FakeEngine(), settings=kept)
    made.parts.docks["timeline"].close()
    docks = made.parts.docks
    made.window.resizeDocks([docks["source"]], [333], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: docks["source"].width() == 333)
    made.window.close()
    before = bytes(kept.docks.data())
    demo = open_window(engine=FakeEngine(), settings=kept, demo=True)
    qtbot.waitUntil(lambda: demo.window.arrangement.in_demo)
    assert not any(dock.isVisible() for dock in demo.parts.docks.values())
    demo.window.close()
    assert bytes(kept.docks.data()) == before
    again = open_window(engine=FakeEngine(), settings=kept)
    qtbot.waitUntil(lambda: again.parts.docks["source"].width() == 333)
    assert again.parts.docks["timeline"].isHidden()
    assert again.parts.docks["charts"].isVisible()


def test_demo_at_the_first_start_has_the_usual_places_behind_it(qtbot, open_window, kept):
    usual = open_window(engine=FakeEngine())
    spin(50)
    assert min(widths(usual)) > 250
    assert max(widths(usual)) < 320
    made = open_window(engine=FakeEngine(), settings=kept, demo=True)
    qtbot.waitUntil(lambda: made.window.arrangement.in_demo)
    made.key(K.Key_F11)
    made.window.resize(usual.window.size())
    qtbot.waitUntil(lambda: widths(made) == widths(usual))
    assert areas(made) == areas(usual)


def test_a_window_that_was_never_shown_keeps_no_places(qapp, kept):
    services = app.services(Arguments())
    window = MainWindow(Session(small_state()), services, kept)
    window.close()
    assert kept.docks.isEmpty()
    assert kept.geometry.isEmpty()


@pytest.mark.parametrize("state", ["WindowMaximized", "WindowNoState"])
def test_demo_mode_brings_back_the_window_as_it_was(made, state):
    wanted = getattr(Qt.WindowState, state)
    made.window.setWindowState(wanted)
    for _ in range(2):
        made.key(K.Key_F11)
        assert made.window.isFullScreen()
        made.key(K.Key_F11)
        assert made.window.windowState() & ~Qt.WindowState.WindowActive == wanted


def test_type_is_large_in_demo_mode_and_only_there(qtbot, qapp, made):
    usual = qapp.font().pointSizeF()
    status, caption = made.parts.status, made.parts.grid.panes[0]
    made.window.say("error", "It broke.")
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier

    def sizes():
        banner = made.parts.banners.banners[0]
        found = (qapp, status.pace, banner.label, made.parts.attack.method)
        return {round(one.font().pointSizeF() / usual, 3) for one in found}

    for keys in (
        (K.Key_F11,),
        (K.Key_F11, "theme"),
        ("theme", K.Key_F11, "theme"),
    ):
        for key in keys:
            made.key(K.Key_T, shift) if key == "theme" else made.key(key)
        qtbot.waitUntil(lambda: sizes() == {theme.DEMO_SCALE})
        assert caption.font().pointSizeF() == usual  # it has a scale of its own
        made.key(K.Key_F11)
        qtbot.waitUntil(lambda: sizes() == {1.0})
    dark = qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100
    made.key(K.Key_F11)
    made.key(K.Key_F11)
    assert (qapp.palette().color(QPalette.ColorRole.Window).lightness() < 100) == dark


def test_closing_in_demo_mode_leaves_no_large_type(qapp, made):
    usual = qapp.font().pointSizeF()
    made.key(K.Key_F11)
    made.window.close()
    assert qapp.font().pointSizeF() == usual


def test_the_panels_menu_opens_and_closes_every_dock(made):
    (panels,) = made.window.actions_table.menus["View"].findChildren(QMenu)
    assert panels.title() == "Panels"
    entries = {action.text(): action for action in panels.actions() if action.text()}
    titles = {dock.windowTitle() for dock in made.parts.docks.values()}
    assert set(entries) == titles | {"Usual layout"}
    for dock in made.parts.docks.values():
        entry, shown = entries[dock.windowTitle()], not dock.isHidden()
        assert entry.isChecked() == shown
        entry.trigger()
        assert dock.isHidden() == shown


def test_the_usual_layout_comes_back(qtbot, made):
    usual, sizes = areas(made), widths(made)
    docks = made.parts.docks
    docks["attack"].close()
    docks["log"].show()
    docks["charts"].setFloating(True)
    made.window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, docks["source"])
    made.window.resizeDocks([docks["models"]], [500], Qt.Orientation.Horizontal)
    assert areas(made) != usual
    made.window.arrangement.restore()
    qtbot.waitUntil(lambda: widths(made) == sizes)
    assert areas(made) == usual
    assert not docks["charts"].isFloating()
    tops = [docks[name].y() for name in ("source", "charts")]
    assert tops == sorted(tops)


def test_a_click_leaves_the_keyboard_to_the_pictures(qtbot, made):
    assert QApplication.focusWidget() is made.parts.grid.panes[0]
    qtbot.mouseClick(made.parts.attack.buttons.run_button, LEFT)
    assert QApplication.focusWidget() is made.parts.grid.panes[0]
    made.key(K.Key_Space)
    assert made.controller.playing
    made.key(K.Key_Space)
    assert not made.controller.playing
    run = made.parts.attack.buttons.run_button
    run.setFocus(Qt.FocusReason.TabFocusReason)  # by Tab it is reached still
    assert QApplication.focusWidget() is run
    for panel in (made.parts.source, made.parts.models, made.parts.attack, made.parts.clip):
        for button in panel.findChildren(QAbstractButton):
            assert not button.focusPolicy() & Qt.FocusPolicy.ClickFocus, button.text()


def test_one_picture_has_nothing_to_play(qtbot, open_window):
    sources = Sources(fake=FakeSource(count=1, moving=False, shape=(36, 48)))
    made = open_window(engine=FakeEngine(), sources=sources)
    table, before = made.window.actions_table, len(made.engine.requests)
    for name in ("play", "previous", "next"):
        assert not table.action(name).isEnabled(), name
        assert "no other picture" in table.action(name).toolTip()
    playing = []
    made.controller.source.playing.connect(playing.append)
    made.key(K.Key_Space)
    made.controller.play()
    spin(250)
    assert playing == []
    assert len(made.engine.requests) == before


def test_actions_come_back_with_a_source_of_many_pictures(qtbot, open_window):
    sources = Sources(
        one=FakeSource("one", count=1, moving=False), many=FakeSource("many", count=3)
    )
    made = open_window(engine=FakeEngine(), sources=sources, state=small_state("one"))
    table = made.window.actions_table
    tip = table.action("next").statusTip()
    made.window.files.open_dropped("source", "many")
    qtbot.waitUntil(lambda: made.answered and made.shown.frame.name == "many-0")
    assert table.action("play").isEnabled()
    assert table.action("next").isEnabled()
    assert table.action("next").toolTip() == tip


@pytest.mark.parametrize("given", [None, (1000, 700)])
def test_a_size_that_is_asked_for_wins(qapp, monkeypatch, kept, given):
    """Else it is the size that the window had when it was closed."""
    monkeypatch.setattr(app, "Settings", lambda: kept)
    monkeypatch.setattr(app.crash, "install", lambda _: open("/dev/null"))  # noqa: SIM115
    monkeypatch.setattr(app.sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(app.os, "_exit", lambda _: None)
    monkeypatch.setattr(
        app,
        "services",
        lambda _: app.Services(
            lambda: (FakeEngine(), ready_now()), Sources(fake=FakeSource()), list, None
        ),
    )
    monkeypatch.setattr(app, "first_state", lambda *_: small_state())
    sizes = []

    def look():
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.isVisible():
                sizes.append(window.size().toTuple())
                window.resize(780, 640)
                spin(30)
                window.close()

    monkeypatch.setattr(QApplication, "exec", lambda *_: (spin(50), look(), 0)[2])
    arguments = [] if given is None else ["--size", "{}x{}".format(*given)]
    app.main(arguments)
    app.main(arguments)
    gc.enable()
    assert sizes == ([(1440, 900), (780, 640)] if given is None else [given, given])


def ready_now():
    from gui_parts import ready

    return ready()


@pytest.mark.slow
def test_closed_windows_are_freed(qtbot, qapp):
    count, seen = len(QApplication.allWidgets()), []
    for _ in range(5):
        made = Opened()
        qtbot.waitUntil(lambda made=made: made.answered)
        window = made.window
        alive = (window, window.controller, window.view, made.session, made.engine)
        seen += [weakref.ref(one) for one in alive]
        window.close()
        assert not window.watch._timer.isActive()
        assert made.session.listeners == []
        assert not window.controller.trace.numbers
        assert window.controller.shown.frame is None
        del alive, window, made
        for _ in range(3):
            spin(10)
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            gc.collect()
    assert [one() for one in seen if one() is not None] == []
    assert len(QApplication.allWidgets()) <= count
