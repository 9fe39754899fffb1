import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.charts.class_bars import bar_data

NAN = float("nan")
GREY = (9, 9, 9)


def data(clean, adversarial, *b):
    names = [f"class {n}" for n in range(len(clean))]
    return bar_data(names, [GREY] * len(names), clean, adversarial, *b)


def test_the_largest_drop_comes_first_and_absent_classes_last():
    made = data([0.9, NAN, 0.5, 0.8, 0.3], [0.8, NAN, 0.1, 0.8, 0.4])
    assert made.order("drop") == (2, 0, 3, 4, 1)
    assert made.order("class") == (0, 2, 3, 4, 1)
    assert made.worst == 2


def test_a_class_of_one_map_only_has_no_drop_but_is_not_absent():
    made = data([NAN, 0.5], [0.0, 0.4])
    assert not made.absent.any()
    assert made.order("drop") == (1, 0)


def test_b_keeps_a_class_present():
    made = data([NAN, 0.5], [NAN, 0.4], [0.2, 0.5], [0.1, 0.5])
    assert not made.absent.any()
    assert made.drop.shape == (2, 2)


def test_no_class_is_worst_when_none_fell():
    assert data([0.5, 0.5], [0.5, 0.9]).worst is None
    assert data([NAN], [NAN]).worst is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.one_of(st.just(NAN), st.floats(0, 1))] * 2), max_size=30))
def test_every_class_has_one_row_and_falls_are_sorted(pairs):
    made = data([clean for clean, _ in pairs], [adversarial for _, adversarial in pairs])
    rows = made.order("drop")
    assert sorted(rows) == list(range(len(pairs)))
    falls = made.drop[0][list(rows)]
    falls = falls[~np.isnan(falls)]
    assert (np.diff(falls) >= 0).all()
    gone = made.absent[list(rows)]
    assert (np.diff(gone.astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        (([0.1, 0.2], [0.1]), "shape"),
        (([0.1], [1.5]), "0..1"),
        (([0.1], [0.1], [0.1], None), "b_adv"),
    ],
)
def test_bad_scores_are_refused(arrays, match):
    with pytest.raises(InputError, match=match):
        data(*arrays)


def test_a_colour_is_missing():
    with pytest.raises(InputError, match="1 colours for 2"):
        bar_data(["a", "b"], [GREY], [0.1, 0.2], [0.1, 0.2])
