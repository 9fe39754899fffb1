import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, QSizeF

from art_segplugin_gui.qt.panes.viewport import LARGEST, Viewport

IMAGE, PANE = QSizeF(480, 360), QSizeF(400, 400)
sizes = st.builds(QSizeF, st.floats(20, 3000), st.floats(20, 3000))


def test_fit_shows_all_in_the_middle():
    place = Viewport().placement(IMAGE, PANE)
    assert place.scale == pytest.approx(400 / 480)
    assert (place.left, place.top) == (0, 50)


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_actual_size_is_one_pixel_of_the_screen(ratio):
    viewport = Viewport()
    viewport.actual_size()
    place = viewport.placement(IMAGE, PANE, ratio)
    assert place.scale * ratio == pytest.approx(1)
    assert viewport.is_actual_size
    viewport.fit()
    assert viewport.is_fit


def test_zoom_keeps_the_point_under_the_pointer():
    viewport, point = Viewport(), QPointF(250, 170)
    before = viewport.placement(IMAGE, PANE).to_image(point)
    viewport.zoom_by(4, point, IMAGE, PANE)
    place = viewport.placement(IMAGE, PANE)
    after = place.to_image(point)
    assert place.scale == pytest.approx(4 * 400 / 480)
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()), abs=0.5)


def test_back_is_fit_again():
    viewport = Viewport()
    for _ in range(10):
        viewport.zoom_by(1.2, QPointF(10, 60), IMAGE, PANE)
    assert not viewport.is_fit
    for _ in range(30):
        viewport.zoom_by(1 / 1.2, QPointF(390, 300), IMAGE, PANE)
    assert viewport.is_fit


def test_zoom_has_limits():
    viewport = Viewport()
    for _ in range(100):
        viewport.zoom_by(2, QPointF(200, 200), IMAGE, PANE)
    assert viewport.placement(IMAGE, PANE).scale == pytest.approx(LARGEST)


def test_a_small_picture_can_be_seen_at_its_own_size():
    small, viewport = QSizeF(40, 30), Viewport()
    for _ in range(100):
        viewport.zoom_by(0.5, QPointF(200, 200), small, PANE)
    assert viewport.placement(small, PANE).scale == pytest.approx(1)


def test_moving_stops_at_the_edge():
    viewport = Viewport()
    assert not viewport.move(50, 0, IMAGE, PANE)
    viewport.zoom_by(4, QPointF(200, 200), IMAGE, PANE)
    assert viewport.move(30, 20, IMAGE, PANE)
    for _ in range(200):
        viewport.move(50, 50, IMAGE, PANE)
    assert not viewport.move(50, 50, IMAGE, PANE)
    place = viewport.placement(IMAGE, PANE)
    assert (place.left, place.top) == (0, 0)
    viewport.move(-10, 0, IMAGE, PANE)
    assert viewport.placement(IMAGE, PANE).left == pytest.approx(-10, abs=1)


def test_a_part_comes_to_the_middle():
    viewport = Viewport()
    viewport.show_part(QRectF(200, 100, 60, 60), IMAGE, PANE)
    place = viewport.placement(IMAGE, PANE)
    middle = place.to_pane(QPointF(230, 130))
    assert (middle.x(), middle.y()) == pytest.approx((200, 200), abs=1)
    assert 60 * place.scale < 400 < 120 * place.scale


def test_changes_are_told_once(qtbot):
    viewport = Viewport()
    with qtbot.waitSignal(viewport.changed, timeout=100):
        viewport.zoom_by(2, QPointF(200, 200), IMAGE, PANE)
    with qtbot.assertNotEmitted(viewport.changed):
        viewport.zoom_by(1, QPointF(200, 200), IMAGE, PANE)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 6), st.floats(1, 20), st.floats(0, 400), st.floats(0, 400))
def test_pictures_of_other_sizes_stay_aligned(factor, zoom, x, y):
    viewport, point = Viewport(), QPointF(x, y)
    viewport.zoom_by(zoom, point, IMAGE, PANE)
    larger = QSizeF(480 * factor, 360 * factor)
    here = viewport.placement(IMAGE, PANE).to_image(QPointF(123, 200))
    there = viewport.placement(larger, PANE).to_image(QPointF(123, 200))
    assert there.x() / factor == pytest.approx(here.x(), abs=0.01)
    assert there.y() / factor == pytest.approx(here.y(), abs=0.01)


@settings(deadline=None, max_examples=100)
@given(
    sizes,
    sizes,
    st.sampled_from([1.0, 1.5, 2.0]),
    st.lists(st.tuples(st.floats(0.2, 5), st.floats(0, 1), st.floats(0, 1)), max_size=6),
)
def test_there_is_never_a_gap(image, pane, ratio, zooms):
    viewport = Viewport()
    for factor, x, y in zooms:
        point = QPointF(x * pane.width(), y * pane.height())
        viewport.zoom_by(factor, point, image, pane, ratio)
        viewport.move(300 * (x - 0.5), 300 * (y - 0.5), image, pane, ratio)
    place = viewport.placement(image, pane, ratio)
    for corner, length, extent in (
        (place.left, image.width() * place.scale, pane.width()),
        (place.top, image.height() * place.scale, pane.height()),
    ):
        if length >= extent:
            assert corner <= 0.5
            assert corner + length >= extent - 1
        else:
            assert corner == pytest.approx((extent - length) / 2, abs=0.5)
