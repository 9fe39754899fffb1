from dataclasses import replace
from types import MappingProxyType

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QSlider, QSpinBox

from art_segplugin.attacks.registry import RECIPES
from art_segplugin.evaluation.pipeline import Goal
from art_segplugin_gui.qt.docks.attack import AttackPanel, progress_text
from art_segplugin_gui.session.attack_forms import attack_forms
from art_segplugin_gui.session.plan import goal_of
from art_segplugin_gui.session.state import Attack

FORMS = attack_forms()
CLASSES = ["Sky", "Building", "Pole", "Road", "Car"]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qtbot):
    panel = AttackPanel()
    qtbot.addWidget(panel)
    panel.set_recipes(FORMS)
    panel.set_classes(CLASSES)
    panel.resize(300, 720)
    panel.show()
    panel.seen = []
    panel.attack_changed.connect(panel.seen.append)
    return panel


def choose(combo, text):
    combo.setCurrentText(text)
    combo.activated.emit(combo.currentIndex())


def test_it_begins_with_the_usual_attack_and_says_nothing(panel):
    assert panel.method.currentText() == "SegPGD"
    assert [panel.method.itemData(i) for i in range(panel.method.count())] == list(RECIPES)
    assert panel.form.editors["eps"].value == 8 / 255
    assert panel.seen == []


def test_showing_an_attack_shows_all_of_it_without_a_signal(panel):
    attack = Attack(
        "pgd", MappingProxyType({"norm": "L2", "eps": 3.0, "steps": 5}), "class", 3, 4, "class", 2,
        seed=9, auto=False,
    )  # fmt: skip
    panel.show_attack(attack)
    assert panel.method.currentData() == "pgd"
    assert panel.form.options == {"norm": "L2", "eps": 3.0, "steps": 5}
    assert panel.goal.applied(Attack()) == replace(
        Attack(), goal="class", from_class=3, to_class=4, region="class", region_class=2
    )
    assert panel.buttons.seed.value() == 9
    assert not panel.buttons.auto.isChecked()
    assert panel.seen == []
    assert panel.attack == attack


def test_only_the_form_of_the_method_is_shown(panel):
    segpgd = panel.form
    choose(panel.method, "Temperature-PGD")
    assert not segpgd.isVisible()
    assert panel.form.isVisible()
    assert "temperature" in panel.form.editors
    assert panel.summary.said == "PGD on the cross-entropy of softmax(scale * z / T)."


def test_another_method_keeps_the_options_that_it_has(panel):
    panel.show_attack(replace(Attack(), options={"eps": 4 / 255, "schedule": "exp"}))
    choose(panel.method, "PGD")
    assert len(panel.seen) == 1
    assert panel.seen[0].recipe == "pgd"
    assert dict(panel.seen[0].options) == {"eps": 4 / 255}
    assert panel.form.editors["eps"].spin.lineEdit().text() == "4/255"


def test_options_are_sent_as_the_whole_attack(panel):
    panel.show_attack(replace(Attack(), seed=4))
    panel.nudge_eps(1)
    assert panel.seen == [Attack(options=MappingProxyType({"eps": 9 / 255}), seed=4)]


def test_goal_and_region(panel):
    assert not panel.goal.to_class.isVisible()
    choose(panel.goal.goal, "One class for another")
    assert panel.goal.to_class.isVisible()
    choose(panel.goal.from_class, "Road")
    choose(panel.goal.to_class, "Car")
    choose(panel.goal.region, "Pixels of a class")
    choose(panel.goal.region_class, "Pole")
    last = panel.seen[-1]
    assert (last.goal, last.from_class, last.to_class) == ("class", 3, 4)
    assert (last.region, last.region_class) == ("class", 2)
    choose(panel.goal.from_class, "All classes")
    assert panel.seen[-1].from_class is None


def test_the_rest_is_kept_where_one_class_is_taken_for_another(panel):
    keep = panel.goal.keep
    assert not keep.isVisible()
    choose(panel.goal.goal, "One class for another")
    assert keep.isVisible()
    assert not keep.isEnabled()  # of all classes there is no rest
    choose(panel.goal.from_class, "Road")
    choose(panel.goal.to_class, "Car")
    assert not panel.seen[-1].keep
    keep.click()
    assert panel.seen[-1].keep
    assert goal_of(panel.seen[-1]) == Goal(3, 4, keep=True)
    assert "collateral the share" in keep.toolTip()
    choose(panel.goal.from_class, "All classes")
    assert goal_of(panel.seen[-1]) == Goal(None, 4)
    panel.show_attack(replace(Attack(), goal="class", from_class=1, to_class=2))
    assert not keep.isChecked()
    panel.show_attack(replace(Attack(), goal="class", from_class=1, to_class=2, keep=True))
    assert keep.isChecked()


def test_classes_of_another_model_keep_the_choice_by_number(panel):
    panel.show_attack(replace(Attack(), goal="class", from_class=3, to_class=4))
    panel.set_classes(["a", "b", "c", "d", "e", "f"])
    assert panel.goal.from_class.currentText() == "d"
    assert panel.goal.to_class.currentText() == "e"
    panel.set_classes(["only"])
    assert panel.goal.to_class.currentText() == "only"
    panel.set_classes(["a", "b", "c", "d", "e", "f"])
    assert panel.goal.to_class.currentText() == "e"
    assert panel.seen == []


def test_the_brush(panel, qtbot):
    seen = []
    panel.painting.connect(lambda on: seen.append(("painting", on)))
    panel.brush_size.connect(lambda size: seen.append(("size", size)))
    panel.clear_mask.connect(lambda: seen.append("clear"))
    assert not panel.goal.paint.isVisible()
    choose(panel.goal.region, "Painted")
    assert panel.goal.paint.isChecked()  # who chooses to paint has the brush
    assert panel.goal.hint.isVisible()
    panel.goal.brush.setValue(12)
    qtbot.mouseClick(panel.goal.clear, LEFT)
    choose(panel.goal.region, "Everywhere")
    assert seen == [("painting", True), ("size", 12), "clear", ("painting", False)]
    assert not panel.goal.paint.isChecked()


def test_buttons(panel, qtbot):
    seen = []
    panel.run.connect(lambda: seen.append("run"))
    panel.step.connect(lambda: seen.append("step"))
    panel.stop.connect(lambda: seen.append("stop"))
    panel.run_to.connect(seen.append)
    panel.buttons.to_spin.setValue(12)
    box = panel.buttons
    for button in (box.run_button, box.step_button, box.to_button, box.stop_button):
        qtbot.mouseClick(button, LEFT)
    assert seen == ["run", "step", 12]
    panel.set_running(True)
    qtbot.mouseClick(box.stop_button, LEFT)
    assert seen[3:] == ["stop"]


def test_automatic_attacks_and_the_seed(panel, qtbot):
    panel.buttons.auto.click()
    panel.buttons.seed.setValue(7)
    assert [(one.auto, one.seed) for one in panel.seen] == [(False, 0), (False, 7)]


def test_dragging_is_passed_on(panel, qtbot):
    with qtbot.waitSignals([panel.dragging, panel.dragging]):
        slider = panel.form.editors["eps"].slider
        slider.setSliderDown(True)
        slider.setSliderDown(False)


def test_fading(panel):
    seen = []
    panel.fade_changed.connect(seen.append)
    panel.show_fade(0.5)
    assert (panel.buttons.fade_label.text(), seen) == ("50 %", [])
    assert not panel.buttons.fade_note.isVisible()
    panel.buttons.fade.setValue(130)
    assert seen == [1.3]
    assert panel.buttons.fade_note.isVisible()
    panel.buttons.fade.setValue(1000)
    assert seen[-1] == 1.5


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((7, 20, 0.092), "7/20, 92 ms/step, about 1.2 s left"),
        ((0, 20, 0.0), "0/20"),
        ((20, 20, 0.1), "20/20, 100 ms/step, done"),
        ((1, 200, 1.5), "1/200, 1.5 s/step, about 4 min 58 s left"),
        ((1, 40, 1.0), "1/40, 1.0 s/step, about 39 s left"),
    ],
)
def test_progress_is_said(panel, arguments, text):
    assert progress_text(*arguments) == text
    panel.show_progress(*arguments)
    assert panel.buttons.progress_label.said == text
    assert panel.buttons.progress.value() / panel.buttons.progress.maximum() == pytest.approx(
        arguments[0] / arguments[1]
    )


def test_without_recipes_it_can_be_shown(qtbot):
    panel = AttackPanel()
    qtbot.addWidget(panel)
    panel.show_attack(Attack())
    assert panel.form is None
    panel.nudge_eps(1)
    assert panel.attack == Attack()


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_clips_in_a_dock_of_300_pixels(panel, recipe):
    panel.show_attack(Attack(recipe, goal="class", region="painted"))
    panel.form.more_button.setChecked(True)
    assert panel.minimumSizeHint().width() <= 300
    panel.resize(300, panel.layout().totalHeightForWidth(300))
    panel.grab()
    assert panel.width() == 300
    for kind in (QAbstractButton, QLabel, QSpinBox, QComboBox, QSlider):
        for child in panel.findChildren(kind):
            if child.isVisible():
                wanted = child.minimumSizeHint()
                assert child.height() >= min(wanted.height(), child.sizeHint().height()), child
                assert child.width() >= wanted.width(), child
                if isinstance(child, QLabel) and child.wordWrap():
                    assert child.height() >= child.heightForWidth(child.width()), child.text()


def test_what_is_being_typed_stays_when_something_else_is_shown(panel, qtbot):
    edit = panel.form.editors["eps"].spin.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, "3/2")
    panel.show_attack(Attack())
    panel.show_progress(3, 20, 0.1)
    qtbot.keyClicks(edit, "55")
    qtbot.keyClick(edit, Qt.Key.Key_Return)
    assert panel.seen[-1].options["eps"] == 3 / 255
