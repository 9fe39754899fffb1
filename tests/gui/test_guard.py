import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel

from art_segplugin.errors import InputError
from art_segplugin_gui import __main__, guard
from art_segplugin_gui.guard import QT_LIBRARIES, XCB_LIBRARIES, screen_problem, version_problem


def everything(name):
    return True


@pytest.mark.parametrize(
    ("python", "pyside", "refused"),
    [
        ((3, 11), "6.12.0", True),
        ((3, 11), "6.12.0.1", True),
        ((3, 12), "6.12.0", False),
        ((3, 13), "6.12.0", False),
        ((3, 11), "6.10.3", False),
        ((3, 11), "6.1.20", False),
    ],
)
def test_the_pyside_that_aborts_is_refused(python, pyside, refused):
    problem = version_problem(python, pyside)
    assert (problem is not None) == refused
    if problem:
        assert pyside in problem
        assert "PySide6-Essentials>=6.8,<6.11" in problem


def test_no_pyside_says_what_to_install():
    assert version_problem((3, 12), None) == (
        "the desktop app needs PySide6: pip install 'art-segplugin[gui]'"
    )


@pytest.mark.parametrize(
    ("environment", "platform"),
    [
        ({}, None),
        ({"DISPLAY": ":0"}, "xcb"),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "wayland"),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, "offscreen"),
        ({"QT_QPA_PLATFORM": "xcb:foo;wayland"}, "xcb"),
        ({"DISPLAY": "", "QT_QPA_PLATFORM": ""}, None),
    ],
)
def test_the_plugin_that_qt_will_take(environment, platform):
    assert guard.platform_of(environment) == platform


def test_no_screen_is_one_sentence():
    problem = screen_problem({}, everything, lambda: True)
    assert "QT_QPA_PLATFORM=offscreen" in problem


def test_missing_libraries_are_named_by_their_packages():
    lacking = {"libxcb-cursor.so.0", "libxkbcommon-x11.so.0"}
    on_x = screen_problem({"DISPLAY": ":0"}, lambda name: name not in lacking, lambda: True)
    assert on_x.endswith(
        "apt-get install -y --no-install-recommends libxcb-cursor0 libxkbcommon-x11-0"
    )
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    assert screen_problem(offscreen, lambda name: name not in lacking, lambda: True) is None
    assert "libegl1" in screen_problem(offscreen, lambda name: name != "libEGL.so.1", lambda: True)


def test_nobody_asks_an_x_server_when_qt_will_not():
    def never():
        raise AssertionError

    assert screen_problem({"QT_QPA_PLATFORM": "offscreen"}, everything, never) is None
    assert "DISPLAY=:7" in screen_problem({"DISPLAY": ":7"}, everything, lambda: False)


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of Linux")
def test_the_lists_are_what_the_set_up_installs():
    packages = (Path(__file__).parents[2] / "tools" / "system_packages.sh").read_text()
    for name, package in {**QT_LIBRARIES, **XCB_LIBRARIES}.items():
        assert f"need {name} {package}\n" in packages
    assert all(guard.has_library(name) for name in QT_LIBRARIES)
    assert not guard.has_library("libno-such-library.so.1")


@pytest.mark.skipif(
    sys.platform != "linux" or not guard.has_library("libxcb.so.1"), reason="needs libxcb"
)
def test_a_display_where_nobody_is_does_not_answer(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":987")
    assert guard.can_connect() is False


def test_main_ends_with_2_and_the_sentence(monkeypatch, capsys):
    def refuse():
        raise InputError("no, because.")

    monkeypatch.setattr(guard, "check", refuse)
    assert __main__.main([]) == 2
    assert capsys.readouterr().err == "error: no, because.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be without a screen")
def test_without_a_screen_the_process_ends_with_a_sentence_and_is_not_aborted():
    gone = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {k: v for k, v in os.environ.items() if k not in gone}
    for display, words in (({}, "there is no screen"), ({"DISPLAY": ":987"}, ":987")):
        ended = subprocess.run(
            [sys.executable, "-m", "art_segplugin_gui"],
            env=environment | display, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == 2
        assert ended.stderr.startswith("error: ")
        assert ended.stderr.count("\n") == 1
        if "xcb" not in ended.stderr:  # where the libraries are missing, that comes first
            assert words in ended.stderr


def test_calls_that_return_none_keep_the_count_of_none(qtbot):
    """PySide6 6.12.0 loses one reference a call, and the process aborts when they are used up."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for number in range(500):
        label.setText(str(number))
    assert label.text() == "499"
    assert before - sys.getrefcount(None) < 100
