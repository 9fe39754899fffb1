import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from art_segplugin.data.palettes import PALETTES, Palette, numbered_palette
from art_segplugin.errors import InputError

EVERY = [*PALETTES.values(), numbered_palette()]


def test_names_and_sizes():
    sizes = {name: len(palette) for name, palette in PALETTES.items()}
    assert sizes == {
        "scenes": 11,
        "camvid": 11,
        "cityscapes": 19,
        "voc": 21,
        "ade20k": 150,
        "loveda": 7,
    }
    assert all(palette.name == name for name, palette in PALETTES.items())


@pytest.mark.parametrize("palette", EVERY, ids=lambda palette: palette.name)
def test_colours_are_distinct(palette):
    assert len({*palette.colours, palette.void_colour}) == len(palette) + 1
    assert len(set(palette.classes)) == len(palette)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_colours_and_indices_are_inverse(data):
    palette = data.draw(st.sampled_from(EVERY))
    values = st.sampled_from([*range(len(palette)), palette.ignore_index])
    labels = data.draw(
        arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2), elements=values)
    )
    painted = palette.colourise(labels)
    assert painted.dtype == np.uint8
    assert painted.shape == (*labels.shape, 3)
    np.testing.assert_array_equal(palette.indices(painted), labels)


def test_colourise_uses_the_colour_of_the_class_and_of_void():
    palette = PALETTES["voc"]
    painted = palette.colourise(np.array([[15, 255]]))
    assert painted.tolist() == [[[192, 128, 128], [224, 224, 192]]]


def test_numbered_palette_starts_like_voc():
    assert numbered_palette().colours[:21] == PALETTES["voc"].colours


def test_unknown_labels_are_named():
    with pytest.raises(InputError, match=r"labels \[-1, 11, 12\] are not in palette 'camvid'"):
        PALETTES["camvid"].colourise(np.array([[12, 0], [11, -1]]))


def test_unknown_colours_are_named():
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[1, 1] = (1, 2, 3)
    with pytest.raises(InputError, match=r"colours \(1, 2, 3\) are not in palette 'camvid'"):
        PALETTES["camvid"].indices(picture)
    many = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    with pytest.raises(InputError, match="and 7 more"):
        PALETTES["camvid"].indices(many)


def test_palette_refuses_parts_that_do_not_fit():
    with pytest.raises(InputError, match="names 2 classes but has 1 colours"):
        Palette("p", ("a", "b"), ((0, 0, 1),))
    with pytest.raises(InputError, match="ignore_index 1, which is also class 'b'"):
        Palette("p", ("a", "b"), ((0, 0, 1), (0, 0, 2)), ignore_index=1)


def test_numbers_beyond_255_leave_no_void():
    assert numbered_palette(255).ignore_index == 255
    assert numbered_palette(1000).ignore_index == -100
    assert len({*numbered_palette(1000).colours}) == 1000
