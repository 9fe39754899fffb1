import threading

import pytest

from art_segplugin_gui.qt import settings
from art_segplugin_gui.qt.settings import RecentFiles, Settings, is_lost, is_name


@pytest.fixture
def kept(tmp_path):
    settings = Settings(tmp_path / "s.ini")
    here = tmp_path / "here.png"
    here.touch()
    for path in (here, tmp_path / "gone.png"):
        settings.add_recent(path)
    for spec in ("torchvision:fcn_resnet50", str(tmp_path / "gone.pt"), str(here)):
        settings.add_recent_model(spec)
    return settings


def test_lost_files_are_dropped_and_names_stay(qtbot, kept, tmp_path):
    files = RecentFiles(kept)
    with qtbot.waitSignal(files.changed):
        files.look()
    assert kept.recent == [str(tmp_path / "here.png")]
    assert kept.recent_models == [str(tmp_path / "here.png"), "torchvision:fcn_resnet50"]


def test_the_window_does_not_wait_for_a_slow_disk(qtbot, kept, monkeypatch):
    gate, threads = threading.Event(), []

    def slow(path):
        threads.append(threading.current_thread())
        gate.wait(5)
        return False

    monkeypatch.setattr(settings, "is_lost", slow)
    files = RecentFiles(kept)
    files.look()  # returns at once, or the gate would never open
    gate.set()
    assert files._background.wait(5)
    assert threading.main_thread() not in threads
    assert len(kept.recent) == 2


def test_paths_that_are_none():
    assert is_lost("a\x00b")
    assert is_name("hf:some/model")
    assert not is_name("/data/a:b.pt")
