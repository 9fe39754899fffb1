import pytest
from gui_parts import Said
from PySide6.QtWidgets import QFileDialog, QMessageBox

from art_segplugin_gui.session.saving import save_state
from art_segplugin_gui.session.session import with_attack, with_models, with_source, with_view


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


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.parametrize("place", ["a", "b"])
def test_a_session_that_names_a_program_asks_first(opened, files, tmp_path, place, answer):
    asked = []
    opened.parts.models._confirm = lambda file: asked.append(file) or answer
    path = tmp_path / "theirs.segstudio.json"
    before = opened.session.state
    state = with_models(with_view(before, layer="healed"), **{place: "theirs.py:build"})
    save_state(path, state)
    files.open_dropped("session", str(path))
    assert asked == ["theirs.py"]
    assert opened.session.state == (state if answer else before)
    assert bool(files.said.all) != answer
    if not answer:
        assert "theirs.py:build" in files.said.of("failed")[0]
        assert opened.engine.requests[-1].models == before.models


@pytest.mark.parametrize("answer", [False, True])
def test_a_dropped_program_asks_first(opened, files, answer):
    asked = []
    opened.parts.models._confirm = lambda file: asked.append(file) or answer
    before = opened.session.state.models
    files.open_dropped("model", "theirs.py:build")
    assert asked == ["theirs.py"]
    assert opened.session.state.models.a == ("theirs.py:build" if answer else before.a)


@pytest.mark.parametrize("way", ["typed", "recent"])
def test_a_typed_or_recent_program_asks_first(opened, way):
    asked = []
    opened.parts.models._confirm = lambda file: asked.append(file) or False
    before, chooser = opened.session.state.models, opened.parts.models.a
    if way == "typed":
        chooser.combo.lineEdit().setText("theirs.py:build")
        chooser.combo.lineEdit().editingFinished.emit()
    else:
        opened.parts.models.set_known(("one",), ["theirs.py:build"])
        place = chooser.combo.findData("theirs.py:build")
        chooser.combo.activated.emit(place)
    assert asked == ["theirs.py"]
    assert opened.session.state.models == before


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
