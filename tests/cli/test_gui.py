import importlib.metadata
import sys
import types

import pytest

from art_segplugin import __version__
from art_segplugin.cli import gui

pytest.importorskip("art_segplugin_gui.arguments")


@pytest.fixture
def started(monkeypatch):
    """The arguments with which a stand-in for the app was started; it returns 7."""
    given = []

    class App:
        def load(self):
            return lambda arguments: given.append(arguments) or 7

    monkeypatch.setattr(gui, "entry_points", lambda **selection: [App()])
    return given


def test_all_arguments_reach_the_app_and_its_status_comes_back(run, started):
    arguments = ["a.png", "--eps=8/255", "--model", "x y", "--demo", "--version", "-h"]
    status, _, _ = run("gui", *arguments)
    assert status == 7
    assert started == [arguments]


def test_without_arguments_it_starts(run, started):
    assert run("gui")[0] == 7
    assert started == [[]]


def test_the_entry_point_leads_to_the_app():
    (found,) = importlib.metadata.entry_points(group="art_segplugin.gui", name="app")
    assert found.value == "art_segplugin_gui.__main__:main"
    assert callable(found.load())


def test_help_is_that_of_the_app(run):
    status, output, _ = run("gui", "--help")
    assert status == 0
    assert "--screenshot FILE.png" in output
    assert "examples:" in output
    assert "gui" in run("--help")[1]


def test_version_and_mistakes(run):
    assert run("gui", "--version")[:2] == (0, f"art-segplugin {__version__}\n")
    status, _, message = run("gui", "--size", "big")
    assert status == 2
    assert message.count("\n") == 1
    assert "width x height" in message


def test_without_pyside_one_sentence_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "PySide6", None)
    status, _, message = run("gui")
    assert status == 2
    assert message == ("error: the desktop app needs PySide6: pip install 'art-segplugin[gui]'\n")
    monkeypatch.setitem(sys.modules, "PySide6", types.ModuleType("PySide6"))  # an empty folder
    assert run("gui")[0] == 2


def test_without_the_app_one_sentence_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr(gui, "entry_points", lambda **selection: [])
    status, _, message = run("gui")
    assert status == 2
    assert "pip install 'art-segplugin[gui]'" in " ".join(message.split())
