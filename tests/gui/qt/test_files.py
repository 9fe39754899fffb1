import pytest
from gui_parts import Said
from PySide6.QtWidgets import QFileDialog, QMessageBox

from art_segplugin_gui.session.session import with_attack, with_source, with_view


@pytest.fixture
def files(opened):
    opened.window.files.said = Said(failed=opened.window.files.failed)
    return opened.window.files


def test_dropped_things_are_opened_by_their_kind(opened, files):
    opened.session.change(with_source(opened.session.state, index=2, first=1, last=3))
    files.open_dropped("model", "/tmp/net.safetensors")
    assert opened.session.state.models.a == "/tmp/net.safetensors"
    files.open_dropped("source", "/tmp/none.png")
    source = opened.session.state.source
    assert (source.spec, source.index, source.first, source.last) == ("/tmp/none.png", 0, 0, None)


def test_a_session_comes_back(opened, files, tmp_path):
    path = tmp_path / "kept.segstudio.json"
    opened.session.change(
        with_attack(with_view(opened.session.state, layer="healed", isolated=2), seed=17)
    )
    wanted = opened.session.state
    files.save(path)
    opened.session.undo()
    files.open_dropped("session", str(path))
    assert opened.session.state == wanted
    assert files.said.all == []
    opened.session.undo()
    assert opened.session.state != wanted


def test_what_goes_wrong_is_a_sentence_and_changes_nothing(opened, files, tmp_path):
    before = opened.session.state
    files.load(tmp_path / "none.segstudio.json")
    files.save(tmp_path)
    assert len(files.said.of("failed")) == 2
    assert "cannot be read" in files.said.of("failed")[0]
    assert str(tmp_path) in files.said.of("failed")[1]
    assert opened.session.state == before
    assert opened.banners == files.said.of("failed")


def test_the_dialogs(opened, files, tmp_path, monkeypatch):
    path = tmp_path / "by-hand.segstudio.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    files.ask_save()
    assert path.exists()
    seen = []
    monkeypatch.setattr(files, "load", seen.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    files.ask_load()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    files.ask_load()
    assert seen == [path]


def test_about_names_the_version_and_the_licences(files, monkeypatch):
    said = []
    monkeypatch.setattr(QMessageBox, "about", lambda *given: said.append(given[2]))
    files.show_about()
    assert "LGPL" in said[0]
    from art_segplugin import __version__

    assert __version__ in said[0]
