import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette

from art_segplugin_gui.qt.forms.numbers import NumberSpin
from art_segplugin_gui.qt.theme import semantic


@pytest.fixture
def spin(qtbot):
    spin = NumberSpin(0.0, 1.0, 1 / 255, fraction=True)
    qtbot.addWidget(spin)
    spin.show_value(8 / 255)
    spin.seen = []
    spin.edited.connect(spin.seen.append)
    return spin


def enter(spin, qtbot, text):
    spin.lineEdit().selectAll()
    qtbot.keyClicks(spin.lineEdit(), text)
    qtbot.keyClick(spin.lineEdit(), Qt.Key.Key_Return)


def test_showing_is_silent_and_exact(spin):
    assert spin.lineEdit().text() == "8/255"
    assert spin.value == 8 / 255
    assert spin.seen == []


@pytest.mark.parametrize(("text", "value"), [("4/255", 4 / 255), ("0.03", 0.03), ("0", 0.0)])
def test_typed_numbers_are_announced_once(spin, qtbot, text, value):
    enter(spin, qtbot, text)
    assert spin.seen == [value]


def test_leaving_the_text_as_it_is_keeps_the_number(spin, qtbot):
    spin.show_value(1 / 3)
    qtbot.keyClick(spin.lineEdit(), Qt.Key.Key_Return)
    assert (spin.value, spin.seen) == (1 / 3, [])


@pytest.mark.parametrize("text", ["eight", "", "2", "-1/255"])
def test_bad_text_is_marked_and_said_and_changes_nothing(spin, qtbot, text):
    with qtbot.waitSignal(spin.refused) as refused:
        spin.lineEdit().setText(text)
        spin.lineEdit().editingFinished.emit()
    assert refused.args[0].endswith(".")
    assert (spin.value, spin.seen, spin.bad) == (8 / 255, [], True)
    role = QPalette.ColorRole.Text
    assert spin.lineEdit().palette().color(role) == semantic(spin.palette()).error
    assert spin.lineEdit().font().underline()
    with qtbot.waitSignal(spin.accepted):
        enter(spin, qtbot, "9/255")
    assert (spin.seen, spin.bad) == ([9 / 255], False)
    assert spin.lineEdit().palette().color(role) == spin.palette().color(role)
    assert not spin.lineEdit().font().underline()


def test_arrows_add_exactly_one_grey_level(spin, qtbot):
    for _ in range(3):
        qtbot.keyClick(spin, Qt.Key.Key_Up)
    qtbot.keyClick(spin, Qt.Key.Key_Down)
    assert spin.seen == [9 / 255, 10 / 255, 11 / 255, 10 / 255]


@pytest.mark.parametrize("levels", [7.65, 0.03, 8.0, 22.5])
def test_a_step_and_its_return_keep_what_is_between_two_steps(spin, levels):
    spin.show_value(levels / 255)
    spin.stepBy(1)
    assert spin.value * 255 == pytest.approx(levels + 1, rel=1e-12)
    spin.stepBy(-1)
    assert spin.value * 255 == pytest.approx(levels, rel=1e-12)


@pytest.mark.parametrize("step", [0.2823529411764706, 1.0, 0.1, 2032.94])
def test_steps_of_any_size_come_back(spin, step):
    spin.set_range(0.0, 1e6, step, False)
    spin.show_value(0.5)
    for _ in range(5):
        spin.stepBy(1)
    spin.stepBy(-5)
    assert spin.value == pytest.approx(0.5, rel=1e-9)
    spin.stepBy(-(10**7))
    assert spin.value == 0


def test_tenths_of_a_step_have_no_noise(spin):
    spin.set_range(-1.0, 1.0, 0.1, False)
    spin.show_value(0.3)
    spin.stepBy(-3)
    assert spin.value == 0
    spin.stepBy(7)
    assert spin.value == 0.7


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(-40, 40), max_size=20))
def test_steps_stay_within_the_range(spin, steps):
    spin.show_value(0.5)
    for step in steps:
        spin.stepBy(step)
        assert 0 <= spin.value <= 1


def test_arrows_end_at_the_ends(spin):
    flags = NumberSpin.StepEnabledFlag
    spin.show_value(0.0)
    assert spin.stepEnabled() == flags.StepUpEnabled
    spin.show_value(1.0)
    assert spin.stepEnabled() == flags.StepDownEnabled


def test_what_is_usually_typed_fits(spin, qtbot):
    spin.show_value(12.5 / 255)
    spin.resize(spin.sizeHint())
    spin.show()
    edit = spin.lineEdit()
    assert edit.fontMetrics().horizontalAdvance(edit.text()) <= edit.contentsRect().width()
