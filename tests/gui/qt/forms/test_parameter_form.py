import math

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from art_segplugin.attacks.registry import RECIPES, named
from art_segplugin_gui.qt.forms.parameter_form import ParameterFormWidget
from art_segplugin_gui.session.attack_forms import BASIC, attack_forms
from art_segplugin_gui.session.forms import Field, ParameterForm

FORMS = {form.name: form for form in attack_forms()}


@pytest.fixture
def make(qtbot):
    def made(name):
        widget = ParameterFormWidget(FORMS[name] if isinstance(name, str) else name)
        qtbot.addWidget(widget)
        widget.seen = []
        widget.changed.connect(widget.seen.append)
        widget.show()
        return widget

    return made


def enter(edit, qtbot, text):
    edit.selectAll()
    qtbot.keyClicks(edit, text)
    qtbot.keyClick(edit, Qt.Key.Key_Return)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_form_that_begins_with_the_recipe_itself(make, name):
    widget = make(name)
    assert list(widget.editors) != []
    assert set(widget.editors) == {field.name for field in FORMS[name].fields}
    assert widget.options == {}
    assert widget.seen == []


@pytest.mark.parametrize("name", RECIPES)
def test_every_control_is_named_and_every_label_has_its_control(make, name):
    widget = make(name)
    widget.more_button.setChecked(True)
    for child in widget.findChildren(QWidget):
        policy = child.focusPolicy()
        if policy & Qt.FocusPolicy.TabFocus and not child.focusProxy() and child.isVisible():
            inner = child.parentWidget().focusProxy() is not None
            assert child.accessibleName() or inner, child
    for layout in widget.findChildren(QFormLayout):
        for row in range(layout.rowCount()):
            item = layout.itemAt(row, QFormLayout.ItemRole.LabelRole)
            if item is not None:
                assert isinstance(item.widget(), QLabel)
                assert item.widget().buddy() is not None


def test_shown_options_come_back_without_a_signal(make):
    widget = make("temperature-sweep")
    options = {
        "norm": "L2", "eps": 3.5, "step_size": 0.7, "steps": 7, "decay": 0.9,
        "temperatures": (4.0, 0.25), "schedule": 0.25, "random_start": False, "restarts": 2,
    }  # fmt: skip
    widget.show_options(options)
    assert widget.options == options
    assert named("temperature-sweep", **widget.options)
    widget.show_options({"schedule": "exp"})
    assert widget.options == {"schedule": "exp"}
    assert widget.seen == []


@pytest.mark.parametrize("norm", [math.inf, "inf", "Linf"])
def test_a_norm_is_known_however_it_is_written(make, norm):
    widget = make("pgd")
    widget.show_options({"norm": "L2"})
    assert widget.editors["norm"].value == "L2"
    widget.show_options({"norm": norm})
    assert widget.options == {}


def test_typing_a_fraction_changes_one_option_exactly(make, qtbot):
    widget = make("segpgd")
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, "4/255")
    assert widget.seen == [{"eps": 4 / 255}]
    assert widget.editors["eps"].slider.value() == 4
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, "8/255")
    assert widget.seen[1:] == [{}]


def test_the_slider_gives_whole_grey_levels_to_the_last_bit(make):
    widget = make("segpgd")
    widget.editors["eps"].slider.setValue(11)
    widget.editors["step_size"].slider.setValue(3)
    assert widget.seen == [{"eps": 11 / 255}, {"eps": 11 / 255, "step_size": 1.5 / 255}]
    assert widget.editors["eps"].spin.lineEdit().text() == "11/255"


def test_a_step_size_is_the_attacks_choice_until_one_is_chosen(make):
    widget = make("segpgd")
    editor = widget.editors["step_size"]
    assert (editor.value, editor.slider.isEnabled()) == (None, False)
    editor.automatic.click()
    assert widget.seen == [{"step_size": 2 / 255}]
    assert editor.slider.isEnabled()
    editor.automatic.click()
    assert widget.seen[-1] == {}
    assert not widget.editors["eps"].automatic.isVisibleTo(widget)


def test_larger_values_than_the_slider_has_can_be_typed(make, qtbot):
    widget = make("segpgd")
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, "0.5")
    slider = widget.editors["eps"].slider
    assert widget.seen == [{"eps": 0.5}]
    assert slider.value() == slider.maximum()


def test_dragging_is_said_while_the_slider_is_held(make, qtbot):
    widget = make("segpgd")
    seen = []
    widget.dragging.connect(seen.append)
    slider = widget.editors["eps"].slider
    slider.setSliderDown(True)
    slider.setSliderPosition(20)
    assert (seen, widget.seen) == ([True], [{"eps": 20 / 255}])
    slider.setSliderDown(False)
    assert seen == [True, False]


def test_another_norm_takes_its_own_sizes_and_gives_them_back(make, qtbot):
    widget = make("segpgd")
    widget.editors["eps"].slider.setValue(4)
    qtbot.mouseClick(widget.editors["norm"].buttons["L2"], Qt.MouseButton.LeftButton)
    of_all = math.sqrt(3 * 480 * 360)
    assert widget.seen[-1] == {
        "norm": "L2",
        "eps": pytest.approx(8 / 255 * of_all),
    }
    assert widget.editors["eps"].spin.lineEdit().text() == "22.59"
    widget.editors["eps"].slider.setValue(14)
    assert widget.seen[-1]["eps"] == pytest.approx(14 / 255 * of_all)
    qtbot.mouseClick(widget.editors["norm"].buttons["Linf"], Qt.MouseButton.LeftButton)
    assert widget.seen[-1] == {"eps": 4 / 255}
    qtbot.mouseClick(widget.editors["norm"].buttons["L2"], Qt.MouseButton.LeftButton)
    assert widget.seen[-1]["eps"] == pytest.approx(14 / 255 * of_all)


@pytest.mark.parametrize("height", [48, 480, 1024])
@pytest.mark.parametrize(("norm", "power", "kind"), [("L2", 0.5, "RMS"), ("L1", 1.0, "mean")])
def test_every_norm_changes_a_picture_as_much(make, qtbot, norm, power, kind, height):
    count = 3 * height * 640
    widget = make("pgd")
    eps = widget.editors["eps"]
    widget.set_values(count)
    assert eps.levels.isHidden()
    qtbot.mouseClick(widget.editors["norm"].buttons[norm], Qt.MouseButton.LeftButton)
    assert widget.seen[-1]["eps"] == pytest.approx(8 / 255 * count**power)
    assert eps.levels.text() == f"= 8.0/255 {kind}"
    assert eps.levels.isVisible()
    assert eps.slider.value() == 8
    eps.slider.setValue(3)
    assert eps.levels.text() == f"= 3.0/255 {kind}"
    eps.spin.stepBy(2)
    assert (eps.levels.text(), eps.slider.value()) == (f"= 5.0/255 {kind}", 5)
    edit = eps.spin.lineEdit()
    assert edit.fontMetrics().horizontalAdvance(edit.text()) + 2 <= edit.width()


def test_another_picture_keeps_the_size_and_moves_the_slider(make, qtbot):
    widget = make("segpgd")
    qtbot.mouseClick(widget.editors["norm"].buttons["L2"], Qt.MouseButton.LeftButton)
    before, seen = widget.options, len(widget.seen)
    widget.set_values(4 * 3 * 480 * 360)
    assert (widget.options, len(widget.seen)) == (before, seen)
    assert widget.editors["eps"].levels.text() == "= 4.0/255 RMS"
    assert widget.editors["eps"].slider.value() == 4


def test_only_norms_that_the_recipe_takes(make):
    assert list(make("apgd").editors["norm"].buttons) == ["Linf", "L2"]
    assert list(make("pgd").editors["norm"].buttons) == ["Linf", "L2", "L1"]


def test_bad_text_is_said_in_one_sentence_and_sends_nothing(make, qtbot):
    widget = make("segpgd")
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, "much")
    assert widget.seen == []
    assert widget.message == "Radius (eps): 'much' is no number; write 0.03 or 8/255."
    label = next(one for one in widget.findChildren(QLabel) if one.text() == widget.message)
    assert label.isVisible()
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, "5/255")
    assert (widget.message, widget.seen) == ("", [{"eps": 5 / 255}])
    assert not label.isVisible()


def test_a_list_that_is_empty_at_first_may_be_emptied_again(make, qtbot):
    widget = make("mce-bal-pgd")
    edit = widget.editors["class_pixels"].edit
    assert edit.text() == ""
    enter(edit, qtbot, "1, 2, 5")
    edit.setText("")
    edit.editingFinished.emit()
    assert (widget.message, widget.seen) == ("", [{"class_pixels": (1.0, 2.0, 5.0)}, {}])


def test_a_list_of_numbers(make, qtbot):
    widget = make("temperature-sweep")
    edit = widget.editors["temperatures"].edit
    enter(edit, qtbot, "5, 1/2, 1")
    assert widget.seen == [{"temperatures": (5.0, 0.5, 1.0)}]
    for bad in ("5, x", "", "0, 1"):
        edit.setText(bad)
        edit.editingFinished.emit()
        assert widget.message.startswith("Temperatures: ")
    assert len(widget.seen) == 1
    enter(edit, qtbot, "2")
    assert (widget.message, widget.seen[1:]) == ("", [{"temperatures": (2.0,)}])


def test_an_optional_number_and_a_schedule(make, qtbot):
    widget = make("temperature-pgd")
    widget.more_button.setChecked(True)
    decay, schedule = widget.editors["decay"], widget.editors["schedule"]
    assert (decay.value, schedule.value) == (None, None)
    decay.check.click()
    assert widget.seen == [{"decay": 1.0}]
    decay.spin.stepBy(-2)
    assert widget.seen[-1] == {"decay": 0.9}
    decay.check.click()
    assert widget.seen[-1] == {}
    words = [schedule.combo.itemText(i) for i in range(schedule.combo.count())]
    assert words == ["none", *FORMS["segpgd"].field("schedule").choices, "constant"]
    assert not schedule.spin.isVisible()
    for word, value in (("exp", "exp"), ("constant", 0.0)):
        schedule.combo.setCurrentText(word)
        schedule.combo.activated.emit(schedule.combo.currentIndex())
        assert widget.seen[-1] == {"schedule": value}
    assert schedule.spin.isVisible()
    schedule.spin.stepBy(3)
    assert widget.seen[-1]["schedule"] == pytest.approx(0.15)


def test_further_parameters_are_under_more(make, qtbot):
    widget = make("segpgd")
    shown = {name for name, editor in widget.editors.items() if editor.isVisible()}
    assert shown == set(BASIC)
    qtbot.mouseClick(widget.more_button, Qt.MouseButton.LeftButton)
    assert all(editor.isVisible() for editor in widget.editors.values())


def test_without_basic_parameters_all_are_in_sight(make):
    fields = (Field("density", "float", 0.5, unit="1/m"), Field("layers", "integer", 3))
    widget = make(ParameterForm("fog", "Fog", fields=fields))
    assert all(editor.isVisible() for editor in widget.editors.values())
    assert not widget.more_button.isVisible()
    assert "Density (1/m)" in [label.text() for label in widget.findChildren(QLabel)]


def test_nudging_moves_the_radius_by_one_grey_level(make):
    widget = make("segpgd")
    widget.nudge("eps", 1)
    widget.nudge("eps", -2)
    widget.nudge("nothing", 1)
    assert [one["eps"] for one in widget.seen] == [9 / 255, 7 / 255]


@pytest.mark.parametrize(("norm", "size"), [("Linf", 0.03), ("L2", 0.5), ("L1", 100.0)])
def test_nudging_there_and_back_changes_nothing(make, qtbot, norm, size):
    widget = make("pgd")
    widget.set_values(3 * 36 * 48)
    qtbot.mouseClick(widget.editors["norm"].buttons[norm], Qt.MouseButton.LeftButton)
    enter(widget.editors["eps"].spin.lineEdit(), qtbot, str(size))
    widget.nudge("eps", 1)
    assert widget.seen[-1]["eps"] == pytest.approx(size + widget.editors["eps"].scale.tick)
    widget.nudge("eps", -1)
    assert widget.seen[-1]["eps"] == pytest.approx(size, rel=1e-12)


def test_every_kind_has_an_editor_also_for_a_recipe_nobody_knows(make):
    fields = (
        Field("power", "float", 0.5),
        Field("maybe", "optional-float", 0.5),
        Field("depth", "integer", 3),
        Field("soft", "boolean", True),
        Field("mode", "choice", "a", ("a", "b")),
        Field("rates", "numbers", (1.0,)),
        Field("growth", "schedule", "x", ("x",)),
    )
    widget = make(ParameterForm("new", "New", fields=fields))
    widget.show_options({"mode": "b", "maybe": None, "depth": 4, "soft": False, "growth": 2.0})
    assert widget.options == {"mode": "b", "maybe": None, "depth": 4, "soft": False, "growth": 2.0}


@pytest.mark.parametrize("name", RECIPES)
def test_it_fits_into_a_narrow_dock(make, name):
    widget = make(name)
    widget.more_button.setChecked(True)
    assert widget.minimumSizeHint().width() <= 280
