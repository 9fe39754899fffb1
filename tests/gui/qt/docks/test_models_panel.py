import threading
import zipfile
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from art_segplugin.models import shipped
from art_segplugin_gui.qt.docks import models
from art_segplugin_gui.qt.docks.models import HINT, ModelsPanel, factory_file
from art_segplugin_gui.session.state import Models

SHIPPED = list(shipped())


class Asked:
    def __init__(self):
        self.file, self.trust, self.files = "", False, []

    def choose(self):
        return self.file

    def confirm(self, file):
        self.files.append(file)
        return self.trust


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def panel(qtbot, asked):
    panel = ModelsPanel(asked.choose, asked.confirm)
    qtbot.addWidget(panel)
    panel.set_known(SHIPPED, ["hf:some/model"])
    panel.resize(300, 300)
    panel.show()
    panel.seen = []
    panel.models_changed.connect(panel.seen.append)
    panel.staged = []
    panel.stage_changed.connect(lambda models, done: panel.staged.append((models.a, done)))
    return panel


def enter(chooser, qtbot, text):
    edit = chooser.combo.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


def pick(chooser, text):
    index = chooser.combo.findText(text)
    assert index >= 0
    chooser.combo.setCurrentIndex(index)
    chooser.combo.activated.emit(index)


def test_showing_is_silent(panel):
    models = Models("small-scenes-segpgd", "hf:some/model", transfer=False)
    panel.show_models(models)
    assert panel.models == models
    assert panel.a.combo.currentText() == "small-scenes-segpgd"
    assert panel.b.combo.currentText() == "hf:some/model"
    assert panel.compare.isChecked()
    assert not panel.transfer.isChecked()
    assert panel.seen == []


def test_every_known_model_can_be_picked(panel):
    pick(panel.a, "small-scenes-segpgd")
    pick(panel.a, "hf:some/model")
    assert [one.a for one in panel.seen] == ["small-scenes-segpgd", "hf:some/model"]
    assert set(SHIPPED) <= {panel.a.combo.itemText(i) for i in range(panel.a.combo.count())}


@pytest.mark.parametrize("spec", ["torchvision:fcn_resnet50", "small-scenes-textures", "x.pth"])
def test_other_models_can_be_typed(panel, qtbot, asked, spec):
    enter(panel.a, qtbot, spec)
    assert panel.seen == [Models(spec)]
    assert asked.files == []


def test_typing_nothing_or_the_same_changes_nothing(panel, qtbot):
    enter(panel.a, qtbot, "small-scenes")
    panel.a.combo.lineEdit().clear()
    panel.a.combo.lineEdit().editingFinished.emit()
    assert panel.seen == []
    assert panel.a.combo.currentText() == "small-scenes"


def test_code_is_run_only_after_a_question_once_a_file(panel, qtbot, asked):
    enter(panel.a, qtbot, "mine.py:build")
    assert (panel.seen, asked.files) == ([], ["mine.py"])
    assert panel.a.combo.currentText() == "small-scenes"
    asked.trust = True
    enter(panel.a, qtbot, "mine.py:build")
    enter(panel.a, qtbot, "mine.py:other")
    enter(panel.a, qtbot, "package.models:net")
    assert asked.files == ["mine.py", "mine.py", "package.models"]
    assert [one.a for one in panel.seen] == ["mine.py:build", "mine.py:other", "package.models:net"]


@pytest.mark.parametrize(
    ("spec", "file"),
    [
        ("a/mine.py:build", "a/mine.py"),
        ("C:\\code\\mine.py:build", "C:\\code\\mine.py"),
        ("C:\\nets\\a.safetensors", ""),
        ("torchvision:fcn_resnet50", ""),
        ("smp:folder", ""),
        ("hub:owner/repo:net", "hub:owner/repo"),
        ("small-scenes", ""),
    ],
)
def test_what_counts_as_code(spec, file):
    assert factory_file(spec) == file


@pytest.mark.parametrize("member", ["net/constants.pkl", "net/archive_format"])
def test_a_program_of_torch_counts_as_code_whatever_it_is_called(tmp_path, member):
    file = tmp_path / "net.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, "")
    assert factory_file(str(file)) == str(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data.pkl", "")
    assert factory_file(str(file)) == ""


def test_a_checkpoint_from_a_file(panel, asked):
    pick(panel.a, "Open checkpoint\u2026")
    assert panel.seen == []
    assert panel.a.combo.currentText() == "small-scenes"
    asked.file = "/runs/mine.safetensors"
    pick(panel.a, "Open checkpoint\u2026")
    assert panel.seen == [Models("/runs/mine.safetensors")]
    assert panel.a.combo.currentText() == "mine.safetensors"
    assert "/runs/mine.safetensors" in panel.a.combo.toolTip()


def test_comparing_picks_another_model_and_remembers_it(panel, qtbot):
    assert not panel.swap.isEnabled()
    panel.compare.click()
    b = next(one for one in SHIPPED if one != "small-scenes")
    assert panel.seen == [Models(b=b)]
    pick(panel.b, "small-scenes-textures")
    panel.compare.click()
    assert panel.seen[-1].b is None
    assert not panel.b.isEnabled()
    panel.set_compare(True)
    assert panel.seen[-1].b == "small-scenes-textures"
    assert panel.compare.isChecked()


def test_swapping_and_transfer(panel, qtbot):
    panel.swap_models()
    assert panel.seen == []
    panel.show_models(Models("small-scenes", "small-scenes-textures"))
    qtbot.mouseClick(panel.swap, Qt.MouseButton.LeftButton)
    swapped = Models("small-scenes-textures", "small-scenes")
    assert panel.seen == [swapped]
    assert panel.a.combo.currentText() == "small-scenes-textures"
    panel.transfer.click()
    assert panel.seen[1:] == [replace(swapped, transfer=False)]


def test_the_slider_goes_through_the_stages_of_a_training(panel, qtbot):
    slider, text = panel.stages.slider, panel.stages.text
    assert not slider.isVisible()
    panel.show_models(Models("small-scenes-segpgd-step-300"))
    assert slider.isVisible()
    assert (slider.value(), slider.maximum()) == (1, 3)
    assert text.text() == "300"
    slider.setValue(0)
    assert (panel.staged, text.text()) == ([], "150")  # it may go on
    slider.setValue(3)
    qtbot.waitUntil(lambda: panel.staged != [])
    assert panel.staged == [("small-scenes-segpgd", True)]
    assert text.text() == "final"
    assert panel.a.combo.currentText() == "small-scenes-segpgd"
    assert panel.models.a == "small-scenes-segpgd"
    assert panel.seen == []


def test_a_drag_of_the_slider_is_shown_where_it_rests_and_ends_when_it_is_let_go(panel, qtbot):
    slider = panel.stages.slider
    panel.show_models(Models("small-scenes-segpgd"))
    slider.setSliderDown(True)
    for place in (2, 1):
        slider.setSliderPosition(place)
    qtbot.waitUntil(lambda: panel.staged != [])
    assert panel.staged == [("small-scenes-segpgd-step-300", False)]
    slider.setSliderPosition(0)
    slider.setSliderDown(False)
    assert panel.staged[1:] == [("small-scenes-segpgd-step-150", True)]
    qtbot.wait(200)
    assert len(panel.staged) == 2


def test_checkpoints_in_the_same_folder_are_stages_too(panel, qtbot, tmp_path):
    for n in (10, 200):
        (tmp_path / f"net-{n}.safetensors").touch()
    panel.show_models(Models(str(tmp_path / "net-200.safetensors")))
    qtbot.waitUntil(lambda: panel.stages.slider.isVisible())
    panel.stages.slider.setValue(0)
    qtbot.waitUntil(lambda: panel.staged != [])
    assert panel.staged == [(str(tmp_path / "net-10.safetensors"), True)]


def test_a_folder_is_read_once_and_not_by_the_window(panel, qtbot, tmp_path, monkeypatch):
    paths = [tmp_path / f"net-{n}.safetensors" for n in (1, 2, 3)]
    for path in paths:
        path.touch()
    threads = []

    def read(folder):
        threads.append(threading.current_thread())
        return [str(path) for path in paths]

    monkeypatch.setattr(models, "_checkpoints", read)
    for path in (*paths, *paths):
        panel.show_models(Models(str(path)))
        qtbot.waitUntil(lambda: panel.stages.slider.isVisible())
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_a_recent_model_that_is_a_program_asks(panel, asked):
    panel.set_known(SHIPPED, ["mine.py:build"])
    pick(panel.a, "mine.py:build")
    assert (panel.seen, asked.files) == ([], ["mine.py"])
    panel.set_known((), ["mine.py:build"])  # the only model to compare with
    panel.set_compare(True)
    assert (panel.seen, asked.files) == ([], ["mine.py"] * 2)
    assert not panel.compare.isChecked()


def test_loading_is_said(panel):
    assert not panel.progress.isVisible()
    panel.show_loading("loading x", 0.25)
    assert panel.loading.said == "loading x"
    assert (panel.progress.value(), panel.progress.maximum()) == (25, 100)
    panel.show_loading("loading x", None)
    assert panel.progress.maximum() == 0
    panel.show_loading("", None)
    assert not panel.progress.isVisible()


def test_long_names_are_elided_until_they_are_edited(panel, qtbot):
    name = "a-checkpoint-with-a-very-long-name-that-does-not-fit-150.safetensors"
    panel.show_models(Models("small-scenes", f"/runs/{name}"))
    edit = panel.b.combo.lineEdit()
    assert "\u2026" in edit.text()
    assert edit.text().endswith(".safetensors")
    assert edit.fontMetrics().horizontalAdvance(edit.text()) <= edit.width()
    with qtbot.waitActive(panel):
        panel.activateWindow()
    edit.setFocus()
    assert edit.text() == name
    panel.a.combo.setFocus()
    assert "\u2026" in edit.text()
    assert panel.seen == []


def test_it_fits_and_says_what_can_be_typed(panel):
    panel.show_models(Models("small-scenes-segpgd-step-300", "small-scenes"))
    assert panel.minimumSizeHint().width() <= 280
    assert panel.a.combo.accessibleDescription() == HINT
    assert panel.a.combo.accessibleName() == "Model A"


def test_what_is_being_typed_stays_when_the_same_is_shown_again(panel, qtbot):
    edit = panel.a.combo.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, "smp:")
    panel.show_models(Models())
    qtbot.keyClicks(edit, "folder")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert panel.seen == [Models("smp:folder")]


@pytest.mark.parametrize("answer", ["Run it", "Cancel"])
def test_the_question_before_code_is_run(qtbot, answer):
    panel = ModelsPanel()
    qtbot.addWidget(panel)
    asked = []

    def press():
        box = QApplication.activeModalWidget()
        asked.append(box.text())
        next(b for b in box.buttons() if b.text().replace("&", "") == answer).click()

    QTimer.singleShot(0, press)
    seen = []
    panel.models_changed.connect(seen.append)
    enter(panel.a, qtbot, "mine.py:build")
    assert asked == ["mine.py is a program. It will run with all that you may do."]
    assert seen == ([Models("mine.py:build")] if answer == "Run it" else [])
