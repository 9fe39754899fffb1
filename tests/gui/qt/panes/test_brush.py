import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin_gui.qt.panes.brush import brushed, mask_layer

EMPTY = np.zeros((30, 40), np.bool_)
points = st.tuples(st.floats(-20, 60), st.floats(-20, 50))


def test_a_touch_is_a_disc():
    mask = brushed(EMPTY, (20, 15), (20, 15), 10, False)
    assert np.count_nonzero(mask) == pytest.approx(np.pi * 25, rel=0.1)
    y, x = np.nonzero(mask)
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((20, 15))


def test_a_stroke_has_no_gaps():
    mask = brushed(EMPTY, (2.5, 3.5), (38.5, 3.5), 1, False)
    assert mask[3, 2:39].all()
    assert not mask[[1, 5]].any()


def test_erasing_takes_away():
    full = np.ones((30, 40), np.bool_)
    mask = brushed(full, (20, 15), (20, 15), 10, True)
    assert not mask[15, 20]
    assert mask[0, 0]


def test_strokes_beside_the_picture_do_nothing():
    assert not brushed(EMPTY, (-50, -50), (-40, -60), 5, False).any()


@settings(deadline=None, max_examples=40)
@given(points, points, st.floats(1, 30))
def test_a_stroke_is_what_is_near_its_line(start, end, width):
    mask = brushed(EMPTY, start, end, width, False)
    y, x = np.mgrid[:30, :40] + 0.5
    steps = np.linspace(0, 1, 400)[:, None, None]
    near = np.hypot(
        x - start[0] - steps * (end[0] - start[0]), y - start[1] - steps * (end[1] - start[1])
    ).min(0)
    reach = max(width / 2, 0.75)
    assert not (mask & (near > reach + 0.2)).any()
    assert not (~mask & (near < reach - 0.2)).any()
    assert not EMPTY.any()
    assert not brushed(mask, start, end, width, True).any()


def test_a_region_is_hatched_in_an_outline():
    mask = brushed(EMPTY, (20, 15), (20, 15), 20, False)
    layer = mask_layer(mask)
    assert np.array_equal(layer.array > 0, mask)
    assert set(np.unique(layer.array)) == {0, 1, 2, 3}
    assert layer.table[0] == 0
    assert layer.table[3] == 0xFFFFFFFF
