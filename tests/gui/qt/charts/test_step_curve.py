import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.step_curve import StepCurve
from art_segplugin_gui.qt.charts.style import ink

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def curve(show):
    chart = show(StepCurve(), width=420, height=240)
    chart.reset(20)
    for step in range(11):
        chart.append(step, 0.9 - 0.05 * step, None, 0.1 + 0.05 * step, None)
    return chart


def place(chart, step):
    """Where a step is, in coordinates of the viewport."""
    box = chart.plot.plotItem.vb
    return box.mapViewToScene(QPointF(step, 0.5)).toPoint()


def test_the_curves_are_drawn_where_the_values_are(curve, pixels, near):
    picture, colour = pixels(curve.plot), ink(curve.palette()).a
    assert near(picture, colour) > 100
    at = curve.plot.plotItem.vb.mapViewToScene(QPointF(5, 0.65)).toPoint()
    assert near(picture[at.y() - 3 : at.y() + 4, at.x() - 3 : at.x() + 4], colour, 60) > 3
    assert near(picture, ink(curve.palette()).b) == 0


def test_b_is_drawn_in_its_colour_and_named(curve, pixels, near):
    assert [key.text for key in curve.legend.shown()] == ["mIoU A", "wrong A"]
    for step in range(11):
        curve.append(step, 0.5, 0.8, 0.5, 0.2)
    assert near(pixels(curve.plot), ink(curve.palette()).b, 40) > 20
    assert [key.value for key in curve.legend.shown()] == [".500", ".800", "50.0 %", "20.0 %"]


def test_the_legend_shows_the_figures_at_the_marker(curve):
    assert curve.legend.shown()[0].value == ".400"
    curve.set_marker(2)
    assert [key.value for key in curve.legend.shown()] == [".800", "20.0 %"]
    assert curve.accessibleDescription() == "step 2 of 20"
    curve.set_marker(None)
    assert curve.marked() == 10


def test_the_marker_is_dragged_from_step_to_step(curve, qtbot, record):
    heard = record(curve.scrubbed, curve.released)
    port = curve.plot.viewport()
    qtbot.mousePress(port, LEFT, pos=place(curve, 3))
    qtbot.mouseMove(port, place(curve, 3) + QPoint(1, 0))
    qtbot.mouseMove(port, place(curve, 6))
    qtbot.mouseMove(port, place(curve, 18))
    qtbot.mouseRelease(port, LEFT, pos=place(curve, 18))
    assert heard == [(0, 3), (0, 6), (0, 10), (1,)]
    qtbot.mouseMove(port, place(curve, 2))
    assert len(heard) == 4


def test_steps_that_were_not_kept_snap_to_the_nearest(curve, qtbot, record):
    curve.set_kept({0, 4, 8})
    heard = record(curve.scrubbed)
    for step in (1, 5, 7, 10):
        qtbot.mouseClick(curve.plot.viewport(), LEFT, pos=place(curve, step))
    assert heard == [(0, 0), (0, 4), (0, 8), (0, 8)]
    curve.append(11, 0.3, None, 0.7, None)
    assert curve.nearest(10.9) == 11
    assert curve.nearest(2) == 0


def test_arrow_keys_walk_through_kept_steps(curve, qtbot, record):
    curve.set_kept({0, 4, 8, 10})
    heard = record(curve.scrubbed, curve.released)
    qtbot.keyPress(curve, Qt.Key.Key_Left)
    qtbot.keyPress(curve, Qt.Key.Key_Left)
    qtbot.keyRelease(curve, Qt.Key.Key_Left)
    qtbot.keyPress(curve, Qt.Key.Key_Right)
    qtbot.keyPress(curve, Qt.Key.Key_Home)
    qtbot.keyPress(curve, Qt.Key.Key_End)
    assert heard == [(0, 8), (0, 4), (1,), (0, 8), (0, 0), (0, 10)]


def test_arrow_keys_are_kept_from_shortcuts_but_others_are_not(curve, qapp):
    for key, kept in ((Qt.Key.Key_Left, True), (Qt.Key.Key_R, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        qapp.sendEvent(curve, event)
        assert event.isAccepted() is kept


def test_reset_forgets_everything(curve, qtbot, record, pixels, near):
    heard = record(curve.scrubbed, curve.released)
    curve.set_marker(4)
    curve.reset(5)
    assert curve.marked() is None
    assert near(pixels(curve.plot), ink(curve.palette()).a) == 0
    qtbot.mouseClick(curve.plot.viewport(), LEFT, pos=place(curve, 3))
    qtbot.keyClick(curve, Qt.Key.Key_Left)
    assert heard == []


def test_no_setter_emits_and_the_chart_grows(curve, record):
    heard = record(curve.scrubbed, curve.released)
    curve.append(30, 0.1, 0.2, 0.3, 0.4)
    curve.append(30, 0.2, 0.2, 0.3, 0.4)
    curve.set_kept({1, 2})
    curve.set_marker(2)
    curve.set_marker(99)
    curve.set_title("vs clean prediction")
    assert heard == []
    assert curve.plot.viewRange()[0][1] >= 30
    assert curve._values[30, 0] == 0.2


def test_the_palette_is_followed(curve, dark, pixels):
    assert pixels(curve.plot).mean() > 200
    curve.setPalette(dark)
    assert pixels(curve.plot).mean() < 80


@pytest.mark.parametrize("values", [(-1, 0.5, 0.5), (3, 1.5, 0.5), (3, 0.5, -0.1)])
def test_bad_values_are_refused(curve, values):
    step, miou, wrong = values
    with pytest.raises(InputError):
        curve.append(step, miou, None, wrong, None)
    assert np.isnan(curve._values[15:]).all()


def test_a_total_of_nothing_is_refused(curve):
    with pytest.raises(InputError, match="0 steps"):
        curve.reset(0)
