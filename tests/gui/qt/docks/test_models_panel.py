from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication

from art_segplugin.models import shipped
from art_segplugin_gui.qt.docks.model_chooser import HINT, factory_file
from art_segplugin_gui.qt.docks.models import ModelsPanel
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
        ("small-scenes", ""),
    ],
)
def test_what_counts_as_code(spec, file):
    assert factory_file(spec) == file


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


def test_the_slider_goes_through_the_stages_of_a_training(panel):
    assert not panel.slider.isVisible()
    panel.show_models(Models("small-scenes-segpgd-step-300"))
    assert panel.slider.isVisible()
    assert (panel.slider.value(), panel.slider.maximum()) == (1, 3)
    assert panel.slider_text.text() == "300"
    panel.slider.setValue(0)
    panel.slider.setValue(3)
    assert [one.a for one in panel.seen] == ["small-scenes-segpgd-step-150", "small-scenes-segpgd"]
    assert panel.slider_text.text() == "final"
    assert panel.a.combo.currentText() == "small-scenes-segpgd"


def test_checkpoints_in_the_same_folder_are_stages_too(panel, tmp_path):
    for n in (10, 200):
        (tmp_path / f"net-{n}.safetensors").touch()
    panel.show_models(Models(str(tmp_path / "net-200.safetensors")))
    panel.slider.setValue(0)
    assert panel.seen == [Models(str(tmp_path / "net-10.safetensors"))]


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
