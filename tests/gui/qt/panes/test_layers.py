from dataclasses import replace

import numpy as np
import pytest

from art_segplugin_gui.qt.panes.layers import compose, verdict_table
from art_segplugin_gui.qt.panes.maps import ALREADY, HEALED, IGNORED, NEWLY, verdicts
from art_segplugin_gui.qt.panes.safe import safe_colours
from art_segplugin_gui.session.state import LAYERS, View


def only_layer(composition):
    (layer,) = composition.layers
    return layer


def painted(layer):
    """Which pixels have any ink."""
    return (np.array(layer.table, np.uint64) >> 24 > 0)[layer.array]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    "view", [View(), View(isolated=1), View(pair=(1, 0)), View(hidden=frozenset({0}))]
)
def test_every_layer_fits_its_picture(clean, adv, colours, name, view):
    for side in (clean, adv):
        shown = compose(side, clean, replace(view, layer=name), colours)
        assert shown.base.shape == (40, 60, 3)
        for layer in shown.layers:
            assert layer.array.shape == (40, 60)
            assert layer.array.dtype == np.uint8
            assert len(layer.table) == 256


def test_the_image_is_bare(clean, adv, colours):
    shown = compose(adv, clean, View(layer="image"), colours)
    assert shown.base is adv.image
    assert shown.layers == ()


def test_a_prediction_is_not_copied(clean, adv, colours):
    layer = only_layer(compose(adv, clean, View(opacity=0.3), colours))
    assert layer.array is adv.prediction
    assert layer.opacity == 0.3
    assert layer.table[:3] == (0xFFC80000, 0xFF00C800, 0xFF0000C8)


def test_opacity_and_hidden_classes_cost_no_new_arrays(clean, adv, colours):
    first = only_layer(compose(adv, clean, View(), colours))
    second = only_layer(compose(adv, clean, View(opacity=0.1), colours))
    assert second.table is first.table
    third = only_layer(compose(adv, clean, View(hidden=frozenset({2})), colours))
    assert third.array is first.array
    assert third.table[2] == 0


def test_safe_colours_replace_those_of_the_classes(clean, adv, colours):
    layer = only_layer(compose(adv, clean, View(safe_colours=True), colours))
    red, green, blue = safe_colours(3)[1]
    assert layer.table[1] == 0xFF000000 | red << 16 | green << 8 | blue


@pytest.mark.parametrize(
    ("name", "shown"),
    [("error", {NEWLY, ALREADY}), ("newly wrong", {NEWLY}), ("healed", {HEALED})],
)
def test_error_layers_paint_their_pixels(clean, adv, colours, name, shown):
    composition = compose(adv, clean, View(layer=name), colours)
    layer = only_layer(composition)
    codes = verdicts(adv, clean, View())
    expected = np.isin(codes & 254, list(shown)) | (codes == IGNORED + 1)
    assert np.array_equal(painted(layer), expected)
    assert len(composition.keys) == len(shown)
    assert composition.note == ""


def test_error_layers_share_one_map(clean, adv, colours):
    arrays = {
        id(only_layer(compose(adv, clean, View(layer=name), colours)).array)
        for name in ("error", "newly wrong", "healed")
    }
    assert len(arrays) == 1


@pytest.mark.parametrize("safe", [False, True])
def test_errors_are_told_apart_by_colour_and_by_ink(safe):
    table = verdict_table(frozenset({NEWLY, ALREADY, HEALED}), safe)
    inked = [table[code + bit] for code in (NEWLY, ALREADY, HEALED) for bit in (0, 1)]
    assert len(set(inked)) == 6
    assert all(table[code] >> 24 < table[code + 1] >> 24 for code in (NEWLY, ALREADY, HEALED))
    assert table[0] == 0


def test_a_clean_pane_says_why_it_is_empty(clean, colours):
    assert "clean image" in compose(clean, clean, View(layer="newly wrong"), colours).note
    assert "clean image" in compose(clean, clean, View(layer="healed"), colours).note
    assert compose(clean, clean, View(layer="error"), colours).note == ""


def test_healing_needs_something_to_heal_from(adv, colours):
    assert "no clean prediction" in compose(adv, None, View(layer="healed"), colours).note
    assert compose(adv, None, View(layer="newly wrong"), colours).note == ""


def test_confidence(clean, adv, colours, side_of):
    layer = only_layer(compose(adv, clean, View(layer="confidence"), colours))
    assert layer.array is adv.confidence
    isolated = only_layer(compose(adv, clean, View(layer="confidence", isolated=2), colours))
    assert np.array_equal(painted(isolated), adv.prediction == 2)
    without = side_of(adv.prediction, adv.reference, confidence=None)
    shown = compose(without, clean, View(layer="confidence"), colours)
    assert shown.layers == ()
    assert "no confidence" in shown.note


def test_the_perturbation_replaces_the_picture(clean, adv, colours):
    assert compose(adv, clean, View(layer="perturbation"), colours).base is adv.delta
    grey = compose(clean, clean, View(layer="perturbation"), colours)
    assert (grey.base == 128).all()
    assert grey.note


def test_weights(clean, adv, colours):
    layer = only_layer(compose(adv, clean, View(layer="weights", opacity=0.4), colours))
    assert layer.array is adv.weights
    assert layer.opacity == 0.4
    shown = compose(clean, clean, View(layer="weights"), colours)
    assert shown.layers == ()
    assert "no pixel weights" in shown.note


@pytest.mark.parametrize("name", ["prediction", "error", "newly wrong", "healed"])
def test_a_pair_alone_is_painted_and_outlined(clean, adv, colours, name):
    layer = only_layer(compose(adv, clean, View(layer=name, pair=(1, 0)), colours))
    expected = (adv.reference == 1) & (adv.prediction == 0)
    assert np.array_equal(painted(layer), expected)
    assert layer.opacity == 1
    assert layer.table[layer.array[10, 45]] >> 24 == 255


def test_a_pair_of_unknown_classes_paints_nothing(clean, adv, colours):
    layer = only_layer(compose(adv, clean, View(pair=(9, 8)), colours))
    assert not painted(layer).any()


def test_another_base_is_painted_under_the_same_layers(clean, adv, colours):
    base = np.zeros((40, 60, 3), np.uint8)
    shown = compose(adv, clean, View(), colours, base)
    assert shown.base is base
    assert only_layer(shown).array is adv.prediction
