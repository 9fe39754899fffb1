import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.panes.titles import Caption
from art_segplugin_gui.session.state import View

BARE = View(layer="image")


def base(pane):
    return pane.composition.base


def prediction(pane):
    return pane.composition.layers[0].array


def test_each_pane_shows_its_side(grid, clean, adv):
    grid.show_sides(clean, adv, adv, clean)
    assert [prediction(pane) for pane in grid.panes] == [
        pytest.approx(side.prediction) for side in (clean, adv, adv, clean)
    ]
    assert all(
        prediction(p) is s.prediction
        for p, s in zip(grid.panes, (clean, adv, adv, clean), strict=True)
    )


def test_b_is_shown_when_models_are_compared(grid, clean, adv):
    grid.set_compared(False)
    assert not grid.compared
    assert [pane.isVisible() for pane in grid.panes] == [True, True, False, False]
    grid.show_sides(clean, adv, clean, adv)
    grid.set_compared(True)
    assert all(pane.isVisible() for pane in grid.panes)
    assert prediction(grid.panes[3]) is adv.prediction


def test_the_picture_is_there_before_the_prediction(grid, pixel, clean, adv):
    grid.show_picture(np.full((40, 60, 3), 77, np.uint8))
    assert all(pixel(pane, 120, 80) == (77, 77, 77) for pane in grid.panes)
    grid.show_sides(clean, None)
    assert grid.panes[1].composition.layers == ()
    assert base(grid.panes[1]) is clean.image
    grid.show_picture(None)
    assert all(pane.composition is None for pane in grid.panes)


def test_another_opacity_is_one_repaint_away(grid, pixel, clean, adv):
    grid.show_sides(clean, adv)
    grid.set_view(View(opacity=0))
    assert pixel(grid.panes[1], 200, 130) == (110, 110, 110)
    grid.set_view(View(opacity=1))
    assert pixel(grid.panes[1], 200, 130) == (0, 200, 0)


def test_flip_shows_the_clean_side_with_its_words(grid, clean, adv):
    grid.set_captions(Caption("clean"), Caption("adversarial"))
    grid.show_sides(clean, adv, clean, adv)
    grid.flip(True)
    assert prediction(grid.panes[1]) is clean.prediction
    assert grid.panes[1].caption == grid.panes[0].caption
    assert prediction(grid.panes[3]) is clean.prediction
    grid.flip(False)
    assert prediction(grid.panes[1]) is adv.prediction
    assert grid.panes[1].caption == Caption("adversarial")


def test_peek_hides_the_layers(grid, clean, adv):
    grid.show_sides(clean, adv)
    grid.peek(True)
    assert grid.panes[0].composition.layers == ()
    assert base(grid.panes[1]) is adv.image
    grid.peek(False)
    assert prediction(grid.panes[0]) is clean.prediction


def test_a_fade_blends_adversarial_panes_only(grid, pixel, clean, adv):
    grid.set_view(BARE)
    grid.show_sides(clean, adv)
    for share, level in ((0.5, 105), (1.5, 115), (0, 100), (1, 110)):
        grid.set_view(View(layer="image", fade=share))
        assert pixel(grid.panes[1], 120, 80) == (level,) * 3
        assert pixel(grid.panes[0], 120, 80) == (100,) * 3


def test_labels_follow_a_fade(grid, clean, adv, side_of):
    tipped = side_of(np.full_like(adv.prediction, 2), adv.reference)
    grid.show_sides(clean, adv)
    grid.set_view(View(fade=0.5))
    assert prediction(grid.panes[1]) is adv.prediction
    grid.show_faded(tipped)
    assert prediction(grid.panes[1]) is tipped.prediction
    assert (base(grid.panes[1]) == 105).all()
    grid.set_view(View(fade=0.6))  # the last answer stays until the next one
    assert prediction(grid.panes[1]) is tipped.prediction
    assert (base(grid.panes[1]) == 106).all()
    grid.set_view(View(fade=1))
    assert prediction(grid.panes[1]) is adv.prediction
    grid.set_view(View(fade=0))
    assert prediction(grid.panes[1]) is clean.prediction
    grid.set_view(View(fade=0.5))
    grid.show_sides(clean, adv)
    assert prediction(grid.panes[1]) is adv.prediction


def test_linked_panes_zoom_together(grid, clean, adv):
    grid.show_sides(clean, adv, clean, adv)
    grid.panes[3].zoom(2)
    assert [pane.viewport.zoom for pane in grid.panes] == [2] * 4
    grid.fit()
    assert grid.panes[0].viewport.is_fit


def test_unlinked_panes_zoom_alone_and_come_back(grid, clean, adv):
    grid.show_sides(clean, adv, clean, adv)
    grid.panes[0].zoom(2)
    grid.set_linked(False)
    assert not grid.linked
    assert [pane.viewport.zoom for pane in grid.panes] == [2] * 4
    grid.panes[1].zoom(2)
    assert [pane.viewport.zoom for pane in grid.panes] == [2, 4, 2, 2]
    grid.set_view(View(linked=True, opacity=0.1))
    assert [pane.viewport.zoom for pane in grid.panes] == [2] * 4
    grid.panes[2].zoom(3)
    assert [pane.viewport.zoom for pane in grid.panes] == [6] * 4


def test_fit_and_actual_size_reach_all_panes(grid, clean, adv):
    grid.show_sides(clean, adv, clean, adv)
    grid.set_linked(False)
    grid.actual_size()
    assert [pane.placement.scale for pane in grid.panes] == [1] * 4
    grid.fit()
    assert [pane.placement.scale for pane in grid.panes] == pytest.approx([4] * 4)


def test_zooming_to_a_part(grid, clean, adv):
    grid.set_compared(False)
    grid.show_sides(clean, adv)
    QApplication.processEvents()
    grid.zoom_to(50, 20, 40, 10)
    for pane in grid.panes[:2]:
        found = pane.pixel_at(pane.rect().toRectF().center())
        assert found == pytest.approx((45, 15), abs=1)
        assert pane.viewport.zoom > 2


def test_painting_reaches_all_panes_and_tells_a_mask(grid, pixel, clean, adv, qtbot):
    grid.set_view(BARE)
    grid.show_sides(clean, adv, clean, adv)
    grid.set_brush(12)
    grid.set_painting(True)
    before = [pixel(pane, 120, 80) for pane in grid.panes]
    pane = grid.panes[2]
    with qtbot.waitSignal(grid.painted, timeout=1000) as told:
        qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=QPoint(120, 80))
    (mask,) = told.args
    assert mask.shape == (40, 60)
    assert mask.dtype == np.bool_
    assert mask[20, 30]
    assert np.count_nonzero(mask) == pytest.approx(np.pi * 36, rel=0.15)
    assert all(pixel(p, 120, 80) != b for p, b in zip(grid.panes, before, strict=True))
    kept = mask.copy()
    with qtbot.waitSignal(grid.painted, timeout=1000) as told:
        qtbot.mouseClick(pane, Qt.MouseButton.RightButton, pos=QPoint(120, 80))
    assert not told.args[0].any()
    assert np.array_equal(mask, kept)


def test_a_region_can_be_given_and_taken_away(grid, pixel, clean, adv, qtbot):
    grid.set_view(BARE)
    grid.show_sides(clean, adv)
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 20:40] = True
    with qtbot.assertNotEmitted(grid.painted):
        grid.set_region(mask)
    assert pixel(grid.panes[0], 81, 80) == (255, 255, 255)
    assert grid.region is mask
    grid.set_region(None)
    assert pixel(grid.panes[0], 81, 80) == (100, 100, 100)


def test_a_region_of_another_picture_is_not_painted_on(grid, clean, adv, qtbot):
    grid.show_sides(clean, adv)
    grid.set_region(np.ones((5, 5), np.bool_))
    grid.set_painting(True)
    with qtbot.waitSignal(grid.painted, timeout=1000) as told:
        qtbot.mouseClick(grid.panes[0], Qt.MouseButton.LeftButton, pos=QPoint(120, 80))
    assert told.args[0].shape == (40, 60)


def test_the_pointer_of_any_pane_is_told(grid, clean, adv, qtbot):
    grid.show_sides(clean, adv, clean, adv)
    for pane in grid.panes:
        with qtbot.waitSignal(grid.hovered, timeout=1000) as told:
            qtbot.mouseMove(pane, QPoint(101, 81))
        assert told.args == [25, 20]
    with qtbot.waitSignal(grid.clicked, timeout=1000) as told:
        qtbot.mouseClick(grid.panes[1], Qt.MouseButton.LeftButton, pos=QPoint(101, 81))
    assert told.args == [25, 20]


def test_busy_and_words_reach_their_panes(grid):
    grid.set_busy(False, True, False, True)
    assert [pane.busy for pane in grid.panes] == [False, True, False, True]
    grid.set_captions(Caption("one", "1"), Caption("two", "2"))
    assert [pane.caption.title for pane in grid.panes] == ["one", "two", "B clean", "B adversarial"]
    grid.set_placeholder("Drop an image here")
    grid.set_big_text(True)
    assert grid.grab().toImage().width() > 400


def test_colours_belong_to_names(grid):
    with pytest.raises(InputError, match="2 class names and 1 colours"):
        grid.set_colours(("road", "car"), ((1, 2, 3),))


def test_all_can_be_named_and_reached_by_keyboard(grid):
    assert grid.accessibleName()
    names = [pane.accessibleName() for pane in grid.panes]
    assert names == ["A clean", "A adversarial", "B clean", "B adversarial"]
    assert not grid.acceptDrops()
    for pane in grid.panes:
        assert pane.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert pane.minimumSizeHint().width() <= pane.width()


def test_the_legend_names_the_classes_of_all_panes_once(grid, clean, adv, side_of):
    sky = side_of(np.full_like(adv.prediction, 2), adv.reference)
    grid.show_sides(clean, adv, sky, sky)
    assert grid.panes[1].composition.keys[0].text == "sky"
    assert {key.text for key in grid.panes[1].composition.keys} == {"road", "car", "sky"}
    assert all(pane.composition.keys == () for pane in (grid.panes[0], *grid.panes[2:]))
    grid.set_view(View(layer="confidence"))
    assert [key.text for key in grid.panes[1].composition.keys] == ["confidence 0 to 1"]
    grid.set_view(View(pair=(1, 2)))
    assert [key.text for key in grid.panes[1].composition.keys] == ["car taken for sky"]
    grid.peek(True)
    assert grid.panes[1].composition.keys == ()
    assert grid.panes[1].composition.name == "image"


def test_for_an_audience_the_layer_is_named_on_the_pane(grid, clean, adv):
    grid.resize(900, 700)
    grid.set_view(View(layer="perturbation"))
    grid.show_sides(clean, adv)
    grid.set_big_text(True)
    named = grid.panes[1].grab().toImage()
    grid.panes[1].set_legend(False)
    assert grid.panes[1].grab().toImage() != named
