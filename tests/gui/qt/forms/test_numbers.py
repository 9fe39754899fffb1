import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin.errors import InputError
from art_segplugin_gui.qt.forms.numbers import as_text, parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [("8/255", 8 / 255), (" 0.03 ", 0.03), ("1e-3", 0.001), ("4 / 255", 4 / 255), ("2.5/255", 2.5 / 255)],
)  # fmt: skip
def test_numbers_and_fractions_are_read(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "eight", "8/", "8/0", "nan", "inf", "1/2/3", "8,5", "0x8"])
def test_what_is_no_number_is_refused_with_a_sentence(text):
    with pytest.raises(InputError, match=r"is no number; write 0.03 or 8/255\."):
        parse_number(text)


def test_what_is_out_of_range_is_refused_with_the_range():
    with pytest.raises(InputError, match="8 is out of range; give a number from 0 to 1"):
        parse_number("8", 0, 1)


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 510))
def test_half_grey_levels_come_back_to_the_last_bit(halves):
    value = halves / 510
    text = as_text(value, fraction=True)
    assert parse_number(text) == value
    assert text == "0" or text.endswith("/255")


@settings(deadline=None, max_examples=200)
@given(st.floats(1e-5, 1e5))
def test_other_numbers_are_shown_closely(value):
    assert math.isclose(parse_number(as_text(value)), value, rel_tol=6e-4)


@pytest.mark.parametrize(
    ("value", "text"),
    [(22.588235, "22.59"), (16263.53, "16264"), (0.0123456, "0.01235"), (5.0, "5")],
)
def test_four_digits_are_shown_and_no_powers_of_ten(value, text):
    assert as_text(value) == text
