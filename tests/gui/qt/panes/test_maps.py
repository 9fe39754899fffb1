import gc
import weakref

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from art_segplugin_gui.qt.panes.maps import (
    ALREADY,
    HEALED,
    IGNORED,
    NEWLY,
    PAIR_LINE,
    RIGHT,
    pair_codes,
    restricted,
    verdicts,
)
from art_segplugin_gui.session.state import View

VIEW = View()


def states(codes):
    return codes & ~np.uint8(1)


def test_every_pixel_has_its_verdict(clean, adv):
    found = states(verdicts(adv, clean, VIEW))
    assert (found[:4] == IGNORED).all()
    assert (found[10:20, 5:15] == HEALED).all()
    assert (found[20:30, 5:15] == ALREADY).all()
    assert (found[10:20, 40:50] == NEWLY).all()
    assert np.count_nonzero(found) == 4 * 60 + 300
    assert found[35, 35] == RIGHT


def test_wrong_pixels_of_the_clean_image_are_wrong_already(clean):
    found = states(verdicts(clean, clean, VIEW))
    assert set(np.unique(found)) == {RIGHT, ALREADY, IGNORED}
    assert np.count_nonzero(found == ALREADY) == 200


def test_without_a_clean_side_all_errors_are_new(adv):
    assert set(np.unique(states(verdicts(adv, None, VIEW)))) == {RIGHT, NEWLY, IGNORED}


def test_each_state_is_hatched_in_its_own_way(clean, adv):
    codes = verdicts(adv, clean, VIEW)
    assert {HEALED, HEALED + 1, NEWLY, NEWLY + 1, ALREADY, ALREADY + 1} < set(np.unique(codes))
    assert RIGHT + 1 not in codes


def test_errors_of_hidden_classes_are_left_out(clean, adv):
    codes = states(verdicts(adv, clean, View(hidden=frozenset({1}))))
    assert NEWLY not in codes
    assert ALREADY in codes
    codes = states(verdicts(adv, clean, View(isolated=1)))
    assert set(np.unique(codes)) == {RIGHT, NEWLY, IGNORED}


def test_a_pair_is_filled_and_outlined(adv):
    codes = pair_codes(adv, (1, 0))
    inside = np.zeros(codes.shape, bool)
    inside[10:20, 40:50] = True
    assert np.array_equal(codes > 0, inside)
    assert (codes[10, 40:50] == PAIR_LINE).all()
    assert codes[15, 45] in (1, 2)


def test_confidence_is_restricted_to_what_is_painted(adv, side_of):
    array = restricted(adv, View(isolated=2))
    assert np.array_equal(array > 0, adv.prediction == 2)
    assert set(np.unique(array)) == {0, 204}
    assert np.count_nonzero(restricted(adv, View(pair=(1, 0)))) == 100
    without = side_of(adv.prediction, adv.reference, confidence=None)
    assert restricted(without, View(isolated=2)) is None
    never_sure = side_of(adv.prediction, adv.reference, confidence=np.zeros_like(adv.prediction))
    assert restricted(never_sure, View(isolated=2)).max() == 1


def test_maps_are_worked_out_once(clean, adv):
    assert verdicts(adv, clean, VIEW) is verdicts(adv, clean, View(opacity=0.1, layer="error"))
    assert verdicts(adv, clean, VIEW) is not verdicts(adv, clean, View(isolated=0))
    assert verdicts(adv, clean, VIEW) is not verdicts(adv, None, VIEW)


def test_maps_cannot_be_written_into(clean, adv):
    with pytest.raises(ValueError, match="read-only"):
        verdicts(adv, clean, VIEW)[0, 0] = 1


def test_maps_keep_no_side_alive(side_of):
    labels = np.zeros((4, 4), np.uint8)
    side = side_of(labels, labels)
    verdicts(side, side, VIEW)
    gone = weakref.ref(side)
    del side
    gc.collect()
    assert gone() is None


def test_a_new_side_at_the_place_of_a_dead_one_gets_its_own_map(side_of):
    labels = np.zeros((4, 4), np.uint8)
    for wrong in range(64):
        prediction = np.full((4, 4), wrong % 2, np.uint8)
        side = side_of(prediction, labels)
        assert (states(verdicts(side, side, VIEW)) == (ALREADY if wrong % 2 else RIGHT)).all()
        del side


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_states_add_up(side_of, seed):
    rng = np.random.default_rng(seed)
    labels, before, after = rng.integers(0, 3, (3, 6, 7)).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.2] = 255
    clean, adv = side_of(before, labels), side_of(after, labels)
    found, valid = states(verdicts(adv, clean, VIEW)), labels != 255
    wrong = np.isin(found, (NEWLY, ALREADY))
    assert np.array_equal(wrong, (after != labels) & valid)
    assert np.array_equal(np.isin(found, (HEALED, ALREADY)), (before != labels) & valid)
    assert np.array_equal(found == IGNORED, ~valid)
