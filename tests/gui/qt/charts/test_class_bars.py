import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from art_segplugin_gui.qt.charts.class_bars import CHANGE, EYE, IOU, NAME, ClassBars
from art_segplugin_gui.qt.charts.style import ink, mixed

NAMES = ("sky", "road", "car", "pole")
COLOURS = ((10, 200, 30), (200, 160, 10), (30, 10, 200), (120, 120, 0))
CLEAN = np.array([0.9, 0.8, 0.9, np.nan])
ADVERSARIAL = np.array([0.9, 0.7, 0.2, np.nan])


@pytest.fixture
def bars(show):
    chart = show(ClassBars())
    chart.show_scores(NAMES, COLOURS, CLEAN, ADVERSARIAL)
    return chart


def many(count=150):
    rng = np.random.default_rng(0)
    names = [f"a rather long name of class {n}" for n in range(count)]
    return names, [(n, n, n) for n in range(count)], *rng.uniform(0, 1, (2, count))


def row_of(chart, index, picture):
    box = chart.area.row_rect(index)
    return picture[box.top() : box.bottom()]


def test_a_filled_bar_is_as_long_as_the_adversarial_iou(bars, pixels, near):
    colour = ink(bars.palette()).a
    picture = pixels(bars.area.viewport())
    filled = {index: near(row_of(bars, index, picture), colour) for index in range(4)}
    assert filled[0] > filled[1] > filled[2] > 0
    assert filled[2] / filled[0] == pytest.approx(0.2 / 0.9, abs=0.15)
    assert filled[3] == 0


def test_each_row_has_the_colour_of_its_class(bars, pixels):
    picture = pixels(bars.area.viewport())
    for index in range(3):
        assert (row_of(bars, index, picture) == COLOURS[index]).all(axis=-1).sum() > 10
    assert not (row_of(bars, 3, picture) == COLOURS[3]).all(axis=-1).any()


def test_the_worst_class_is_marked_and_said(bars, pixels, near):
    picture, colour = pixels(bars.area.viewport()), ink(bars.palette()).fall
    assert near(row_of(bars, 2, picture), colour) > 10
    assert near(row_of(bars, 1, picture), colour) == 0
    assert bars.area.words(2) == "car: A .900 clean, .200 adversarial (-.70)"
    assert bars.accessibleDescription() == "Fell most: " + bars.area.words(2)
    assert bars.area.words(3) == "pole: absent"


def test_b_gets_a_bar_of_its_own(bars, pixels, near):
    height = bars.area.row_rect(0).height()
    bars.show_scores(NAMES, COLOURS, CLEAN, ADVERSARIAL, CLEAN, CLEAN)
    assert bars.area.row_rect(0).height() > 1.5 * height
    colours = ink(bars.palette())
    # Between the lines of the hatching; the lines themselves are thin.
    assert near(pixels(bars.area.viewport()), mixed(colours.base, colours.b, 0.35)) > 50
    assert [key.text for key in bars.legend.shown()] == ["clean", "A adversarial", "B adversarial"]
    assert bars.area.words(2).endswith("; B .900 clean, .900 adversarial (0)")


def test_a_row_and_its_eye_are_clicked(bars, qtbot, record):
    heard = record(bars.class_clicked, bars.class_hidden)
    left, port = Qt.MouseButton.LeftButton, bars.area.viewport()
    qtbot.mouseClick(port, left, pos=bars.area.row_rect(1).center())
    eye = QPoint(bars.area.eye_rect(2).left() + 8, bars.area.row_rect(2).center().y())
    qtbot.mouseClick(port, left, pos=eye)
    bars.set_hidden(frozenset({2}))
    qtbot.mouseClick(port, left, pos=eye)
    assert heard == [(0, 1), (1, 2, True), (1, 2, False)]


def test_keys_walk_click_and_hide(bars, qtbot, record):
    heard = record(bars.class_clicked, bars.class_hidden)
    bars.area.setFocus()
    for key in (Qt.Key.Key_Home, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_H, Qt.Key.Key_Up):
        qtbot.keyClick(bars.area, key)
    qtbot.keyClick(bars.area, Qt.Key.Key_Enter)
    assert bars.area.rows() == (2, 1, 0, 3)
    assert heard == [(0, 1), (1, 1, True), (0, 2)]


def test_150_classes_scroll_and_the_last_can_be_reached(show, qtbot, record):
    chart = show(ClassBars())
    chart.show_scores(*many())
    heard = record(chart.class_clicked)
    bar = chart.area.verticalScrollBar()
    assert bar.maximum() > 2000
    qtbot.keyClick(chart.area, Qt.Key.Key_End)
    qtbot.keyClick(chart.area, Qt.Key.Key_Return)
    last = chart.area.rows()[-1]
    assert bar.value() == bar.maximum()
    assert chart.area.viewport().rect().contains(chart.area.row_rect(last))
    assert heard == [(0, last)]
    chart.show_scores(NAMES, COLOURS, CLEAN, ADVERSARIAL)
    assert bar.maximum() == 0


def test_the_order_is_chosen(bars, qtbot):
    qtbot.keyClick(bars.order_box, Qt.Key.Key_Down)
    assert bars.area.rows() == (0, 1, 2, 3)
    bars.set_order("drop")
    assert bars.area.rows() == (2, 1, 0, 3)


def test_the_isolated_class_stands_out(bars, pixels, near):
    before, colour = pixels(bars.area.viewport()), ink(bars.palette()).a
    bars.set_isolated(0)
    after = pixels(bars.area.viewport())
    assert near(row_of(bars, 0, after), ink(bars.palette()).accent) > 20
    assert near(row_of(bars, 0, after), colour) >= near(row_of(bars, 0, before), colour) - 20
    assert near(row_of(bars, 1, after), colour) == 0
    bars.set_isolated(None)
    assert (pixels(bars.area.viewport()) == before).all()


def test_a_hidden_class_has_a_struck_out_eye(bars, pixels):
    before = pixels(bars.area.viewport())
    bars.set_hidden(frozenset({1}))
    changed = (pixels(bars.area.viewport()) != before).any(axis=-1)
    assert row_of(bars, 1, changed).any()
    assert not row_of(bars, 0, changed).any()


def test_no_setter_emits(bars, record):
    heard = record(bars.class_clicked, bars.class_hidden)
    bars.show_scores(*many(12))
    bars.set_hidden(frozenset({3}))
    bars.set_isolated(2)
    bars.set_order("class")
    bars.set_title("whole clip, 37 of 120 frames")
    bars.clear()
    assert heard == []
    assert bars.title.text() == "whole clip, 37 of 120 frames"
    assert bars.area.rows() == ()


def test_names_are_elided_but_figures_stay_inside(show):
    chart = show(ClassBars(), width=220)
    chart.show_scores(*many(20))
    table, metrics = chart.area, chart.area.fontMetrics()
    name, bars, change, eye = (table.columnWidth(column) for column in (NAME, IOU, CHANGE, EYE))
    assert name < metrics.horizontalAdvance("a rather long name of class 0")
    assert metrics.horizontalAdvance("gone") < change
    assert metrics.horizontalAdvance("absent") <= bars
    assert bars > 20
    assert eye >= metrics.height()
    assert name + bars + change + eye <= table.viewport().width()
    assert not table.horizontalScrollBar().isVisible()


def test_the_table_can_be_read_cell_by_cell(bars):
    bars.set_hidden(frozenset({1}))
    model = bars.area.model()
    cells = [[model.index(row, column).data() for column in range(4)] for row in range(4)]
    assert cells == [
        ["car", ".200", "-.70", "shown"],
        ["road", ".700", "-.10", "hidden"],
        ["sky", ".900", "0", "shown"],
        ["pole", "absent", "", "shown"],
    ]
    tip = model.index(0, NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "car: A .900 clean, .200 adversarial (-.70)"
    headers = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(4)]
    assert headers == ["Class", "IoU", "Change", "Shown"]


def test_the_current_row_stays_that_of_its_class(bars, qtbot, record):
    heard = record(bars.class_clicked)
    qtbot.keyClick(bars.area, Qt.Key.Key_Home)
    bars.set_order("class")
    qtbot.keyClick(bars.area, Qt.Key.Key_Return)
    bars.show_scores(NAMES, COLOURS, CLEAN, CLEAN)
    qtbot.keyClick(bars.area, Qt.Key.Key_Return)
    assert heard == [(0, 2), (0, 2)]
    for other in (Qt.Key.Key_Left, Qt.Key.Key_Space, Qt.Key.Key_A):
        qtbot.keyClick(bars.area, other)
    assert heard == [(0, 2), (0, 2)]
