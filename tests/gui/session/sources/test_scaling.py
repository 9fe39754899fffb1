import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from art_segplugin_gui.session.sources.scaling import (
    even_sides,
    scaled_down,
    scaled_labels,
    scaled_size,
)

SIDES = st.integers(1, 300)


@settings(deadline=None)
@given(SIDES, SIDES, st.none() | st.integers(16, 400))
def test_sizes_keep_their_proportion_and_never_grow(height, width, longest):
    rows, columns = scaled_size(height, width, longest)
    assert 1 <= rows <= height
    assert 1 <= columns <= width
    if longest is None or max(height, width) <= longest:
        assert (rows, columns) == (height, width)
    else:
        assert max(rows, columns) == longest
        assert abs(rows / height - columns / width) <= 1 / min(height, width)


@settings(deadline=None, max_examples=50)
@given(SIDES, SIDES, st.integers(16, 200))
def test_labels_and_pictures_get_the_same_size_and_no_new_labels(height, width, longest):
    labels = np.random.default_rng(0).choice(np.array([0, 7, 255], np.uint8), (height, width))
    small = scaled_labels(labels, longest)
    image = scaled_down(np.repeat(labels[..., None], 3, -1), longest)
    assert image.shape == (*small.shape, 3)
    assert set(np.unique(small)) <= set(np.unique(labels))
    even = even_sides(image)
    assert [side // 2 * 2 for side in image.shape[:2]] == list(even.shape[:2])


def test_a_constant_picture_stays_constant():
    image = np.full((90, 150, 3), (10, 200, 77), np.uint8)
    assert (scaled_down(image, 64) == (10, 200, 77)).all()
