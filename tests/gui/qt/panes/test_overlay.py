import gc

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QToolTip

from art_segplugin_gui.qt.panes.colours import argb, padded
from art_segplugin_gui.qt.panes.images import colour_image, indexed_image
from art_segplugin_gui.qt.panes.layers import Composition, Key, Layer, compose
from art_segplugin_gui.qt.panes.overlay import OverlayPane
from art_segplugin_gui.qt.panes.titles import Caption, Words
from art_segplugin_gui.qt.panes.viewport import Viewport
from art_segplugin_gui.session.state import View

RED = padded([0, argb((200, 0, 0)), argb((0, 0, 200))])


@pytest.fixture
def pane(qtbot):
    made = OverlayPane("A clean", Viewport())
    qtbot.addWidget(made)
    made.resize(240, 160)
    with qtbot.waitExposed(made):
        made.show()
    return made


def flat(height=40, width=60, grey=100):
    return np.full((height, width, 3), grey, np.uint8)


def halves():
    array = np.ones((40, 60), np.uint8)
    array[:, 30:] = 2
    return array


def all_colours(pane):
    image = pane.grab().toImage()
    return {image.pixelColor(x, y).getRgb()[:3] for x in range(0, 240) for y in range(30, 130, 7)}


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.55, 1.0])
def test_layers_are_blended_over_the_picture(pane, pixel, opacity):
    pane.show_composition(Composition(flat(), (Layer(halves(), RED, opacity),)))
    expected = [100 + opacity * (c - 100) for c in (200, 0, 0)]
    assert pixel(pane, 60, 80) == pytest.approx(expected, abs=2)
    assert pixel(pane, 180, 80)[2] == pytest.approx(100 + opacity * 100, abs=2)


def test_between_two_classes_there_is_no_third_colour(pane):
    noise = np.random.default_rng(0).integers(1, 3, (600, 900)).astype(np.uint8)
    for array in (halves(), noise):
        pane.show_composition(Composition(flat(*array.shape), (Layer(array, RED),)))
        assert all_colours(pane) == {(200, 0, 0), (0, 0, 200)}


def test_the_picture_is_smoothed_only_when_it_is_shrunk(pane):
    grid = np.zeros((480, 720, 3), np.uint8)
    grid[:, ::2] = 255
    pane.show_composition(Composition(grid))
    assert len(all_colours(pane) - {(0, 0, 0), (255, 255, 255)}) > 0
    pane.show_composition(Composition(grid[:40, :60].copy()))
    assert all_colours(pane) == {(0, 0, 0), (255, 255, 255)}


def test_clear_entries_leave_the_picture(pane, pixel):
    array = halves()
    array[:, :30] = 0
    pane.show_composition(Composition(flat(), (Layer(array, RED),)))
    assert pixel(pane, 60, 80) == (100, 100, 100)


def test_layers_share_the_memory_of_their_arrays():
    array = halves()
    image = indexed_image(array, RED)
    array[0, 0] = 7
    assert image.pixelIndex(0, 0) == 7


def test_read_only_arrays_can_be_shown(pane, pixel):
    array = halves()
    array.setflags(write=False)
    base = flat()
    base.setflags(write=False)
    pane.show_composition(Composition(base, (Layer(array, RED),)))
    assert pixel(pane, 60, 80) == (200, 0, 0)


def test_the_memory_of_arrays_outlives_their_other_owners(pane, pixel):
    pane.show_composition(Composition(flat(), (Layer(halves(), RED),)))
    gc.collect()
    junk = [np.full((40, 60), 9, np.uint8) for _ in range(50)]
    assert pixel(pane, 60, 80) == (200, 0, 0)
    assert len(junk) == 50


def test_arrays_with_gaps_between_their_rows_can_be_shown(pane, pixel):
    wide = np.ones((40, 120), np.uint8)
    wide[:, 30:] = 2
    pane.show_composition(Composition(flat(40, 120)[:, :60], (Layer(wide[:, :60], RED),)))
    assert pixel(pane, 60, 80) == (200, 0, 0)
    assert pixel(pane, 180, 80) == (0, 0, 200)


def test_nothing_is_converted_again_for_another_opacity(pane, monkeypatch, clean, colours):
    pane.show_composition(compose(clean, clean, View(), colours))

    def refuse(*_):
        raise AssertionError

    for name in ("colour_image", "indexed_image"):
        monkeypatch.setattr(f"art_segplugin_gui.qt.panes.overlay.{name}", refuse)
    pane.show_composition(compose(clean, clean, View(opacity=0.2), colours))
    pane.show_composition(compose(clean, clean, View(hidden=frozenset({1})), colours))
    with pytest.raises(AssertionError):
        pane.show_composition(compose(clean, clean, View(layer="confidence"), colours))


def test_a_hidden_class_shows_the_picture(pane, pixel, clean, colours):
    pane.show_composition(compose(clean, clean, View(hidden=frozenset({1})), colours))
    assert pixel(pane, 200, 80) == (100, 100, 100)
    assert pixel(pane, 100, 40)[0] > 140


def test_layers_of_another_size_are_stretched(pane, pixel):
    coarse = np.array([[1, 2]], np.uint8)
    pane.show_composition(Composition(flat(), (Layer(coarse, RED),)))
    assert pixel(pane, 60, 80) == (200, 0, 0)
    assert pixel(pane, 180, 80) == (0, 0, 200)


def test_far_in_pixels_are_where_they_belong(pane, pixel):
    array = np.zeros((1000, 2000), np.uint8)
    array[500, 1500] = 1
    pane.show_composition(Composition(flat(1000, 2000), (Layer(array, RED),)))
    for _ in range(60):
        point = pane.placement.to_pane(QPointF(1500.5, 500.5))
        pane.viewport.zoom_by(1.3, point, pane.image_size, pane.pane_size)
    where = pane.placement.to_pane(QPointF(1500.5, 500.5))
    assert pane.placement.scale == pytest.approx(64)
    assert pixel(pane, where.x(), where.y()) == (200, 0, 0)
    assert pixel(pane, where.x() + 60, where.y()) == (100, 100, 100)
    assert pane.pixel_at(where) == (1500, 500)


def test_an_empty_pane_has_the_colours_of_its_palette(pane, pixel):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Base, QColor(20, 30, 40))
    pane.setPalette(palette)
    assert pixel(pane, 120, 80) == (20, 30, 40)
    pane.set_placeholder("Drop an image here")
    assert len(all_colours(pane)) > 2
    pane.show_composition(Composition(flat()))
    assert (20, 30, 40) not in all_colours(pane)


def test_captions_are_on_the_canvas(pane):
    pane.show_composition(Composition(flat()))
    bare = pane.grab().toImage()
    pane.set_caption(Caption("A clean", "mIoU .859"))
    written = pane.grab().toImage()
    rows = [
        y for y in range(160) if any(bare.pixel(x, y) != written.pixel(x, y) for x in range(240))
    ]
    assert min(rows) < 8
    assert max(rows) > 150
    assert 80 not in rows
    assert "mIoU .859" in pane.accessibleDescription()


def changed_columns(pane, change):
    before = pane.grab().toImage()
    change()
    after = pane.grab().toImage()
    return [
        x for x in range(240) if any(before.pixel(x, y) != after.pixel(x, y) for y in range(160))
    ]


def test_long_captions_are_elided_and_can_be_read_in_full(pane, qtbot):
    pane.show_composition(Composition(flat()))
    text = "A adversarial  " + "a long name of a model " * 9
    columns = changed_columns(pane, lambda: pane.set_caption(Caption(text, "figures")))
    assert max(columns) <= 237
    tip = QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), pane.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(pane, tip)
    qtbot.waitUntil(lambda: QToolTip.text() == text + "\nfigures", timeout=1000)
    pane.set_caption(Caption("short"))
    QApplication.sendEvent(pane, tip)
    qtbot.waitUntil(lambda: not QToolTip.isVisible(), timeout=2000)


def test_the_busy_mark_is_at_the_right_and_goes_away(pane):
    pane.show_composition(Composition(flat()))
    before = pane.grab().toImage()
    columns = changed_columns(pane, lambda: pane.set_busy(True))
    assert min(columns) > 120
    assert pane.busy
    pane.set_busy(False)
    assert pane.grab().toImage() == before


def test_big_text_is_larger(pane):
    pane.show_composition(Composition(flat()))
    small = changed_columns(pane, lambda: pane.set_caption(Caption("A clean")))
    big = changed_columns(pane, lambda: pane.set_big_text(True))
    assert max(big) > 1.4 * max(small)


def test_notes_and_legends_are_shown(pane, clean, colours):
    shown = compose(clean, clean, View(layer="error"), colours)
    pane.set_legend(False)
    pane.show_composition(shown)
    assert changed_columns(pane, lambda: pane.set_legend(True))
    noted = compose(clean, clean, View(layer="weights"), colours)
    pane.show_composition(Composition(noted.base))
    assert changed_columns(pane, lambda: pane.show_composition(noted))


def test_without_room_a_legend_drops_its_last_entries(qtbot, pane):
    """What matters most, such as "newly wrong", is never the first to go."""
    keys = tuple(
        Key(f"entry {n}", np.full((14, 20), n, np.uint8), padded([argb((250, 10 * n, n))] * 20))
        for n in range(1, 9)
    )

    def shown(width, height):
        pane.resize(width, height)
        pane.show_composition(Composition(flat(), keys=keys, more=3))
        picture = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.array(picture.constBits()).reshape(height, picture.bytesPerLine())
        colours = set(map(tuple, rows[:, : 3 * width].reshape(-1, 3).tolist()))
        return [n for n in range(1, 9) if (250, 10 * n, n) in colours]

    assert shown(900, 600) == list(range(1, 9))
    few = shown(200, 200)
    assert few == list(range(1, 1 + len(few)))
    assert 1 <= len(few) < 8
    assert shown(120, 90) in ([], [1])  # the picture matters more


def test_two_entries_are_worth_a_low_pane(pane, clean, adv, colours):
    pane.resize(240, 160)
    seen = []

    class Watched(Words):
        def _row(self, corner, height, row):
            seen.extend(entry.text for entry, _ in row)

    picture = QImage(240, 160, QImage.Format.Format_RGB32)
    painter = QPainter(picture)
    words = Watched(painter, pane.palette(), pane.font(), False)
    keys = compose(adv, clean, View(layer="error"), colours).keys
    words.legend(QRectF(0, 0, 240, 160), "", keys)
    painter.end()
    assert seen == ["newly wrong", "wrong on the clean image too"]


def test_what_is_dropped_is_for_the_window(pane):
    assert not pane.acceptDrops()


def test_a_pane_has_a_name_for_those_who_do_not_see_it(pane):
    assert pane.accessibleName() == "A clean"
    assert pane.testAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)


def test_pictures_are_converted_exactly():
    picture = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    image = colour_image(picture)
    assert image.pixelColor(2, 1).getRgb()[:3] == tuple(picture[1, 2].tolist())
