"""A stroke that is not lifted yet, and what becomes of it."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt


@pytest.fixture
def held(grid, clean, adv, qtbot):
    """A stroke in hand over a region of two rows: what is told, and how the mouse goes on."""
    grid.show_sides(clean, adv)
    given = np.zeros((40, 60), np.bool_)
    given[:2] = True
    grid.set_region(given)
    grid.set_painting(True)
    told = []
    grid.painted.connect(told.append)
    qtbot.mousePress(grid.panes[0], Qt.MouseButton.LeftButton, pos=QPoint(120, 80))
    assert grid.region[20, 30]
    return grid, given, told


def lift(qtbot, grid):
    qtbot.mouseRelease(grid.panes[0], Qt.MouseButton.LeftButton, pos=QPoint(120, 80))


def test_a_stroke_in_hand_is_dropped_with_the_brush(held, qtbot):
    grid, given, told = held
    grid.set_painting(False)
    assert grid.region is given
    lift(qtbot, grid)
    assert (grid.region is given, told) == (True, [])


def test_laying_the_brush_down_keeps_what_was_lifted(held, qtbot):
    grid, _, told = held
    lift(qtbot, grid)
    grid.set_painting(False)
    assert len(told) == 1
    assert grid.region is told[0]
    assert grid.region[20, 30]


def test_a_stroke_goes_on_with_another_width(held, qtbot):
    grid, _, told = held
    grid.set_brush(5)
    lift(qtbot, grid)
    assert len(told) == 1
    assert told[0][20, 30]


@pytest.mark.parametrize("given", [True, False])
def test_a_stroke_in_hand_is_dropped_with_its_picture(held, given, qtbot, side_of):
    grid, region, told = held
    if not given:
        grid.set_region(None)
        qtbot.mouseMove(grid.panes[0], QPoint(124, 80))
        grid._stroke(30, 20, 31, 20, False)
    small = np.zeros((20, 30), np.uint8)
    grid.show_picture(np.zeros((20, 30, 3), np.uint8))
    assert grid.region is (region if given else None)
    grid.show_sides(side_of(small, small), None)
    lift(qtbot, grid)
    assert told == []


def test_a_stroke_in_hand_stays_for_a_picture_of_its_size(held, qtbot, clean):
    grid, _, told = held
    grid.show_picture(np.zeros((40, 60, 3), np.uint8))
    grid.show_sides(clean, None)
    lift(qtbot, grid)
    assert len(told) == 1
    assert told[0][20, 30]
