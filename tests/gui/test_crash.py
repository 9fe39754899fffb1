import contextlib
import faulthandler
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer, Signal

from art_segplugin_gui.crash import KEPT, CrashLog, install, state_folder


@pytest.fixture
def told():
    return []


@pytest.fixture
def log(tmp_path, told, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *given: None)  # nothing on the terminal
    monkeypatch.setattr(threading, "excepthook", lambda given: None)
    was_on = faulthandler.is_enabled()
    log = CrashLog(tmp_path / "logs", lambda line, text: told.append((line, text)))
    yield log
    log.close()
    if was_on:
        faulthandler.enable(sys.__stderr__)


def in_thread(function):
    thread = threading.Thread(target=function, name="worker")
    thread.start()
    thread.join()


def raise_in_main(error):
    try:
        raise error
    except BaseException:
        sys.excepthook(*sys.exc_info())


def test_an_exception_of_a_thread_is_written_and_told(log, told):
    in_thread(lambda: {}["nothing"])
    assert [line for line, _ in told] == ["KeyError: 'nothing'"]
    text = log.path.read_text()
    assert told[0][1] in text
    assert "worker" in text
    assert "test_crash.py" in text
    assert text.startswith("art-segplugin ")


def test_the_same_fault_is_written_once_and_told_each_time(log, told):
    for _ in range(50):
        raise_in_main(ValueError("paint"))
    assert len(told) == 50
    assert log.path.read_text().count("ValueError: paint") == 1


def test_leaving_is_no_crash(log, told):
    raise_in_main(KeyboardInterrupt())
    raise_in_main(SystemExit(1))
    in_thread(lambda: sys.exit(3))
    assert told == []
    assert log.path.stat().st_size == 0


def test_a_window_that_fails_to_listen_is_written_down(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "excepthook", lambda *given: None)

    def deaf(line, text):
        raise RuntimeError("window is gone")

    log = CrashLog(tmp_path, deaf)
    raise_in_main(ValueError("first"))
    text = log.path.read_text()
    log.close()
    assert text.index("ValueError: first") < text.index("RuntimeError: window is gone")


def test_an_empty_log_goes_and_the_hooks_with_it(tmp_path):
    hooks = sys.excepthook, threading.excepthook
    log = CrashLog(tmp_path, print)
    assert sys.excepthook != hooks[0]
    assert log.path.exists()
    log.close()
    log.close()
    assert (sys.excepthook, threading.excepthook) == hooks
    assert list(tmp_path.iterdir()) == []


def test_old_logs_are_removed(tmp_path):
    for age in range(8):
        path = tmp_path / f"crash-2026010{age}-000000-1.log"
        path.write_text("something")
        os.utime(path, (1e9 - age * 100, 1e9 - age * 100))
    (tmp_path / "notes.txt").write_text("mine")
    left_by_a_killed_app = tmp_path / "crash-20260101-000000-2.log"
    left_by_a_killed_app.touch()
    os.utime(left_by_a_killed_app, (1e9, 1e9))
    of_a_running_app = tmp_path / "crash-20260101-000000-3.log"
    of_a_running_app.touch()
    log = CrashLog(tmp_path, print)
    kept = set(tmp_path.iterdir())
    log.close()
    newest = {tmp_path / f"crash-2026010{age}-000000-1.log" for age in range(KEPT)}
    assert kept == newest | {tmp_path / "notes.txt", of_a_running_app, log.path}


def test_without_a_folder_the_hooks_still_tell(tmp_path, monkeypatch, told):
    monkeypatch.setattr(sys, "excepthook", lambda *given: None)
    (tmp_path / "file").touch()
    log = CrashLog(tmp_path / "file" / "logs", lambda line, text: told.append(line))
    raise_in_main(ValueError("still"))
    log.close()
    assert log.path is None
    assert told == ["ValueError: still"]


class Bell(QObject):
    rang = Signal()


def test_the_app_lives_on_after_an_exception_in_a_slot(qtbot, log, told):
    bell, heard = Bell(), []

    def fail():
        raise ZeroDivisionError("in a slot")

    bell.rang.connect(fail)
    with qtbot.captureExceptions():
        sys.excepthook, ours = log._exception, sys.excepthook  # pytest-qt puts its own in front
        QTimer.singleShot(0, bell.rang.emit)
        QTimer.singleShot(20, lambda: heard.append("later"))
        qtbot.waitUntil(lambda: heard == ["later"], timeout=2000)
        sys.excepthook = ours
    assert [line for line, _ in told] == ["ZeroDivisionError: in a slot"]
    assert "in a slot" in log.path.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_segmentation_fault_leaves_the_stack_in_the_file(tmp_path):
    code = (
        "from pathlib import Path; import ctypes, sys; from art_segplugin_gui.crash import CrashLog;"
        "log = CrashLog(Path(sys.argv[1]), print); ctypes.string_at(0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, timeout=60, check=False
    )
    assert ended.returncode < 0
    (log,) = tmp_path.glob("crash-*.log")
    assert "Segmentation fault" in log.read_text()
    assert "string_at" in log.read_text()


HOME = Path("/home/ann")


@pytest.mark.parametrize(
    ("environment", "system", "folder"),
    [
        ({}, "linux", HOME / ".local/state/art-segplugin"),
        ({"XDG_STATE_HOME": "/state"}, "linux", Path("/state/art-segplugin")),
        ({"XDG_STATE_HOME": "state"}, "linux", HOME / ".local/state/art-segplugin"),
        ({}, "darwin", HOME / "Library/Logs/art-segplugin"),
        ({"LOCALAPPDATA": "/local"}, "win32", Path("/local/art-segplugin")),
        ({}, "win32", HOME / "AppData/Local/art-segplugin"),
    ],
)
def test_where_logs_belong(environment, system, folder):
    assert state_folder(environment, system, HOME) == folder


@pytest.mark.skipif(sys.platform == "darwin", reason="the home folder itself")
def test_install_uses_the_users_state_folder(tmp_path):
    was_on = faulthandler.is_enabled()
    with contextlib.closing(install(print)) as log:
        assert log.path.is_relative_to(tmp_path / "state" / "art-segplugin")
        assert log.path.exists()
    if was_on:
        faulthandler.enable(sys.__stderr__)
