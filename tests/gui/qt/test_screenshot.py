import pytest
from gui_parts import FakeEngine, FakeSource, Opened, Sources
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.screenshot import Screenshot, save_window


@pytest.fixture
def exits(monkeypatch):
    found = []
    monkeypatch.setattr(QApplication, "exit", found.append)
    return found


@pytest.fixture
def made(qtbot):
    opened = Opened(engine=FakeEngine())
    opened.engine.gate.clear()
    yield opened
    opened.close()


def test_it_saves_after_the_last_point(qtbot, made, exits, tmp_path):
    path = tmp_path / "deep" / "window.png"
    shot = Screenshot(made.window, made.controller, path)
    qtbot.waitUntil(lambda: made.shown.clean is not None)
    qtbot.wait(50)
    assert not path.exists()
    made.engine.gate.set()
    qtbot.waitUntil(lambda: exits == [0])
    picture = QImage(str(path))
    assert (picture.width(), picture.height()) == (1280, 720)
    assert len({picture.pixel(x, 300) for x in range(0, 1280, 5)}) > 3
    assert shot.problem == ""
    qtbot.waitUntil(lambda: not isValid(made.window))


def test_a_file_that_cannot_be_written(qtbot, made, exits, tmp_path):
    (tmp_path / "file").write_text("no folder")
    shot = Screenshot(made.window, made.controller, tmp_path / "file" / "window.png")
    made.engine.gate.set()
    qtbot.waitUntil(lambda: exits == [1])
    assert "window.png" in shot.problem


def test_a_picture_that_cannot_be_opened(qtbot, exits, tmp_path):
    opened = Opened(engine=FakeEngine(), sources=Sources(fake=InputError("fake is gone.")))
    shot = Screenshot(opened.window, opened.controller, tmp_path / "window.png")
    qtbot.waitUntil(lambda: exits == [1])
    assert shot.problem == "fake is gone."
    assert not (tmp_path / "window.png").exists()
    opened.close()


def test_a_failure_after_the_end_does_not_count(qtbot, made, exits, tmp_path):
    """What went wrong first is what is told, and it ends once."""
    shot = Screenshot(made.window, made.controller, tmp_path / "window.png")
    made.controller.failed.emit("one failed.", "")
    made.controller.failed.emit("and again.", "")
    made.engine.gate.set()
    qtbot.wait(300)
    assert shot.problem == "one failed."
    assert exits == [1]


def test_saving_a_window_whole_or_not_at_all(qtbot, made, tmp_path, monkeypatch):
    monkeypatch.setattr(type(made.window.grab()), "save", lambda *_: False)
    with pytest.raises(InputError, match="full"):
        save_window(made.window, tmp_path / "window.png")
    assert list(tmp_path.glob("*.png")) == []
    assert FakeSource().count == 4
