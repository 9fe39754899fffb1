"""Layers, charts, zoom and the pixel under the pointer, with keys and mouse."""

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_parts import LEFT, NONE, K, pixels


def test_layers_flip_and_peek_change_the_panes(qtbot, made):
    attacked = made.parts.grid.panes[1]
    seen = []
    for number in range(1, 9):
        made.key(str(number))
        seen.append(pixels(attacked).tobytes())
    assert len(set(seen)) >= 6  # healed and newly wrong may be empty
    made.key("2")
    before = pixels(attacked)
    QTest.keyPress(made.window, K.Key_X)
    assert not np.array_equal(pixels(attacked), before)
    QTest.keyRelease(made.window, K.Key_X)
    np.testing.assert_array_equal(pixels(attacked), before)
    QTest.keyPress(made.window, K.Key_O)
    assert not np.array_equal(pixels(attacked), before)
    QTest.keyRelease(made.window, K.Key_O)
    np.testing.assert_array_equal(pixels(attacked), before)


def test_a_click_on_a_bar_isolates_its_class(qtbot, made):
    area = made.parts.bars.area
    index = area.rows()[0]
    box = area.row_rect(index)
    spot = QPoint(box.left() + box.width() // 3, box.center().y())
    qtbot.mouseClick(area.viewport(), LEFT, pos=spot)
    assert made.session.state.view.isolated == index
    qtbot.mouseClick(area.viewport(), LEFT, pos=spot)
    assert made.session.state.view.isolated is None
    qtbot.mouseClick(area.viewport(), LEFT, pos=area.eye_rect(index).center())
    assert made.session.state.view.hidden == {index}


def test_a_click_on_the_confusion_shows_those_pixels(qtbot, made):
    made.parts.charts.setCurrentWidget(made.parts.confusion)
    matrix = made.parts.confusion.matrix
    pane = made.parts.grid.panes[1]
    before = pixels(pane)
    qtbot.mouseClick(matrix, LEFT, pos=matrix.cell_rect(1, 2).center().toPoint())
    assert made.session.state.view.pair == (1, 2)
    assert not np.array_equal(pixels(pane), before)
    qtbot.mouseClick(matrix, LEFT, pos=matrix.cell_rect(1, 2).center().toPoint())
    assert made.session.state.view.pair is None


def test_scrubbing_the_curve_travels_in_time(qtbot, made):
    curve = made.parts.curve
    box = curve.plot.plotItem.vb
    requests = made.controller._rev

    def place(step):
        return box.mapViewToScene(QPointF(step, 0.5)).toPoint()

    qtbot.mousePress(curve.plot.viewport(), LEFT, pos=place(0))
    assert made.shown.step.number == 0
    qtbot.mouseMove(curve.plot.viewport(), place(2))
    qtbot.mouseRelease(curve.plot.viewport(), LEFT, pos=place(2))
    assert made.shown.step.number == made.parts.curve.marked()
    assert made.shown.step.number in made.controller.trace.numbers
    assert made.controller._rev == requests


def test_wheel_and_drag_move_all_panes(qtbot, made):
    first, second = made.parts.grid.panes[:2]
    at = QPointF(first.width() / 2, first.height() / 2)
    event = QWheelEvent(
        at,
        QPointF(first.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(first, event)
    assert second.placement.scale == first.placement.scale > 1
    corner = second.placement.to_pane(QPointF(0, 0))
    qtbot.mousePress(first, LEFT, pos=QPoint(100, 100))
    qtbot.mouseMove(first, QPoint(140, 120))
    qtbot.mouseRelease(first, LEFT, pos=QPoint(140, 120))
    assert second.placement.to_pane(QPointF(0, 0)) != corner
    made.key("F")
    assert first.viewport.is_fit


def test_the_pixel_under_the_pointer_is_read(qtbot, made):
    pane = made.parts.grid.panes[1]
    qtbot.mouseMove(pane, pane.placement.to_pane(QPointF(10.5, 20.5)).toPoint())
    side = made.shown.step.a
    assert made.parts.status.reading.text().startswith("(10, 20)")
    name = made.window.view.classes[side.prediction[20, 10]]
    assert f"adv {name} .{round(100 * int(side.confidence[20, 10]) / 255):02d}" in (
        made.parts.status.reading.text()
    )
