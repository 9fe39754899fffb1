import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin_gui.session.state import Source, step_index


@pytest.mark.parametrize(
    ("index", "by", "loop", "expected"),
    [
        (2, 1, True, 3), (5, 1, True, 2), (5, 1, False, 5), (2, -1, True, 5), (2, -1, False, 2),
        (0, 1, False, 2), (0, -1, True, 2), (9, 1, False, 5), (9, 1, True, 2), (9, -1, True, 5),
        (3, 100, False, 5),
    ],
)  # fmt: skip
def test_within_the_range_and_round_it_only_with_loop(index, by, loop, expected):
    assert step_index(Source(index=index, first=2, last=5, loop=loop), by, 12) == expected


def test_without_a_known_end():
    assert step_index(Source(index=7), 1, None) == 8
    assert step_index(Source(index=0), -1, None) == 0
    assert step_index(Source(index=3, last=3), 1, None) == 0


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 20), st.integers(0, 20), st.none() | st.integers(0, 20), st.integers(-9, 9), st.integers(0, 15), st.booleans())  # fmt: skip
def test_it_never_leaves_the_source(index, first, last, by, count, loop):
    found = step_index(Source(index=index, first=first, last=last, loop=loop), by, count)
    assert 0 <= found <= max(count - 1, 0)
    if last is not None and count:
        assert found <= max(last, 0)
