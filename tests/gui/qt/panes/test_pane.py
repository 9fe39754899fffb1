import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from art_segplugin_gui.qt.panes.layers import Composition
from art_segplugin_gui.qt.panes.pane import Pane
from art_segplugin_gui.qt.panes.viewport import Viewport

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
MIDDLE = Qt.MouseButton.MiddleButton


@pytest.fixture
def pane(qtbot):
    """A picture of 60x40, four times as large."""
    made = Pane("A clean", Viewport())
    qtbot.addWidget(made)
    made.resize(240, 160)
    made.show_composition(Composition(np.full((40, 60, 3), 100, np.uint8)))
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def told(pane):
    """Everything the pane tells, in order."""
    events = []
    pane.hovered.connect(lambda x, y: events.append(("hovered", x, y)))
    pane.left.connect(lambda: events.append(("left",)))
    pane.clicked.connect(lambda x, y: events.append(("clicked", x, y)))
    pane.brushed.connect(lambda *stroke: events.append(("brushed", *stroke)))
    pane.brush_lifted.connect(lambda: events.append(("lifted",)))
    return events


def wheel(pane, x, y, turn):
    event = QWheelEvent(
        QPointF(x, y), pane.mapToGlobal(QPointF(x, y)), QPoint(), QPoint(0, turn),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(pane, event)


def drag(qtbot, pane, button, start, end, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mousePress(pane, button, modifier, QPoint(*start))
    moved = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(*end), pane.mapToGlobal(QPointF(*end)),
        Qt.MouseButton.NoButton, button, modifier,
    )  # fmt: skip
    QApplication.sendEvent(pane, moved)
    qtbot.mouseRelease(pane, button, modifier, QPoint(*end))


def test_the_pointer_reads_pixels(pane, told, qtbot):
    qtbot.mouseMove(pane, QPoint(101, 81))
    assert told[-1] == ("hovered", 25, 20)
    pane.resize(300, 160)
    qtbot.mouseMove(pane, QPoint(5, 80))
    assert told[-1] == ("left",)
    qtbot.mouseMove(pane, QPoint(150, 80))
    assert told[-1] == ("hovered", 30, 20)
    QApplication.sendEvent(pane, QEvent(QEvent.Type.Leave))
    assert told[-1] == ("left",)


def test_a_click_names_its_pixel(pane, told, qtbot):
    qtbot.mouseClick(pane, LEFT, pos=QPoint(239, 1))
    assert ("clicked", 59, 0) in told


def test_the_wheel_zooms_around_the_pointer(pane):
    before = pane.placement.to_image(QPointF(60, 40))
    wheel(pane, 60, 40, 120)
    assert pane.placement.scale == pytest.approx(4 * 1.2)
    after = pane.placement.to_image(QPointF(60, 40))
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()), abs=0.3)
    wheel(pane, 60, 40, -120)
    assert pane.viewport.is_fit


@pytest.mark.parametrize("button", [LEFT, MIDDLE])
def test_a_drag_moves_and_is_no_click(pane, told, qtbot, button):
    pane.zoom(3)
    before = pane.placement
    drag(qtbot, pane, button, (120, 80), (150, 60))
    assert pane.placement.left == pytest.approx(before.left + 30, abs=1)
    assert pane.placement.top == pytest.approx(before.top - 20, abs=1)
    assert "clicked" not in {name for name, *_ in told}


def test_arrows_move_only_where_there_is_more_to_see(pane, qtbot):
    pane.zoom(3)
    before = pane.placement.left
    qtbot.keyClick(pane, Qt.Key.Key_Right)
    assert pane.placement.left == pytest.approx(before - 30, abs=1)
    qtbot.keyClick(pane, Qt.Key.Key_Left)
    qtbot.keyClick(pane, Qt.Key.Key_Up)
    assert pane.placement.left == pytest.approx(before, abs=1)
    assert pane.placement.top > -160


def test_keys_that_do_nothing_are_for_the_window(pane, qtbot, monkeypatch):
    passed = []
    monkeypatch.setattr(
        "art_segplugin_gui.qt.panes.overlay.OverlayPane.keyPressEvent",
        lambda _, event: passed.append(event.key()),
        raising=False,
    )
    qtbot.keyClick(pane, Qt.Key.Key_Right)  # everything is seen already
    qtbot.keyClick(pane, Qt.Key.Key_R)
    assert passed == [Qt.Key.Key_Right, Qt.Key.Key_R]


def test_plus_and_minus_zoom(pane, qtbot):
    qtbot.keyClick(pane, Qt.Key.Key_Plus)
    assert pane.viewport.zoom == pytest.approx(1.2)
    qtbot.keyClick(pane, Qt.Key.Key_Minus)
    assert pane.viewport.is_fit


def test_an_empty_pane_takes_all_of_it_calmly(pane, told, qtbot):
    pane.show_composition(None)
    wheel(pane, 60, 40, 120)
    drag(qtbot, pane, LEFT, (10, 10), (60, 60))
    pane.set_brush(5)
    drag(qtbot, pane, LEFT, (10, 10), (60, 60))
    qtbot.keyClick(pane, Qt.Key.Key_Right)
    assert {name for name, *_ in told} <= {"left", "lifted"}
    assert pane.viewport.is_fit


def test_a_brush_paints_with_the_left_button(pane, told, qtbot):
    pane.set_brush(10)
    drag(qtbot, pane, LEFT, (40, 40), (80, 60))
    strokes = [event for event in told if event[0] in ("brushed", "lifted")]
    assert strokes == [
        ("brushed", 10.0, 10.0, 10.0, 10.0, False),
        ("brushed", 10.0, 10.0, 20.0, 15.0, False),
        ("lifted",),
    ]
    assert pane.viewport.is_fit


@pytest.mark.parametrize(
    ("button", "modifier"),
    [(RIGHT, Qt.KeyboardModifier.NoModifier), (LEFT, Qt.KeyboardModifier.ShiftModifier)],
)
def test_the_right_button_or_shift_erases(pane, told, qtbot, button, modifier):
    pane.set_brush(10)
    drag(qtbot, pane, button, (40, 40), (80, 60), modifier)
    strokes = [event for event in told if event[0] == "brushed"]
    assert len(strokes) == 2
    assert all(stroke[-1] for stroke in strokes)


def test_without_a_brush_nothing_is_painted(pane, told, qtbot):
    pane.set_brush(10)
    pane.set_brush(None)
    drag(qtbot, pane, LEFT, (40, 40), (80, 60))
    drag(qtbot, pane, RIGHT, (40, 40), (80, 60))
    assert "brushed" not in {name for name, *_ in told}


def test_the_brush_is_drawn_in_its_size(pane, pixel, qtbot):
    pane.set_brush(20)
    qtbot.mouseMove(pane, QPoint(120, 80))
    assert pixel(pane, 120, 80) == (100, 100, 100)
    ring = {pixel(pane, 120 + x, 80) for x in range(37, 44)}
    assert len(ring) > 2


def test_the_focus_is_framed_for_those_who_use_keys(pane, pixel):
    pane.focusInEvent(QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.MouseFocusReason))
    assert pixel(pane, 1, 80) == (100, 100, 100)
    pane.focusInEvent(QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert pixel(pane, 1, 80) != (100, 100, 100)
    pane.focusOutEvent(QFocusEvent(QEvent.Type.FocusOut))
    assert pixel(pane, 1, 80) == (100, 100, 100)
    assert pane.focusPolicy() == Qt.FocusPolicy.StrongFocus
