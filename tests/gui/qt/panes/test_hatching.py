import numpy as np
import pytest

from art_segplugin_gui.qt.panes.hatching import BARS, DOTS, FALLING, RISING, hatching, outline


@pytest.mark.parametrize("shape", [(40, 60), (360, 480), (512, 1024), (1, 1)])
def test_hatchings_fill_the_picture(shape):
    bits = hatching(*shape)
    assert bits.shape == shape
    assert bits.dtype == np.uint8
    assert not (bits & 1).any()


def test_hatchings_differ_and_leave_most_of_the_colour_free():
    bits = hatching(360, 480)
    planes = [bits >> bit & 1 for bit in (DOTS, RISING, FALLING, BARS)]
    for index, plane in enumerate(planes):
        assert 0.03 < plane.mean() < 0.35
        for other in planes[:index]:
            assert (plane != other).mean() > 0.05


def test_lines_lean_to_their_sides():
    bits = hatching(360, 480)
    rising, falling = bits >> RISING & 1, bits >> FALLING & 1
    assert np.array_equal(rising[1:, :-1], rising[:-1, 1:])
    assert np.array_equal(falling[1:, 1:], falling[:-1, :-1])


def test_larger_pictures_have_wider_lines():
    def changes(size):
        return np.count_nonzero(np.diff(hatching(size, size)[0] >> RISING & 1))

    assert changes(1280) == pytest.approx(changes(320), rel=0.2)


def test_an_outline_is_the_inner_edge():
    inside = np.zeros((9, 9), np.bool_)
    inside[2:7, 2:7] = True
    expected = inside.copy()
    expected[3:6, 3:6] = False
    assert np.array_equal(outline(inside), expected)


def test_the_rim_of_the_picture_is_no_edge():
    assert not outline(np.ones((5, 5), np.bool_)).any()
