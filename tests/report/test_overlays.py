import numpy as np
import pytest
from report.builder import PALETTE

from art_segplugin.errors import InputError
from art_segplugin.report.panel import (
    ALREADY_WRONG,
    NEWLY_WRONG,
    WRONG_OPACITY,
    dimmed,
    hatched,
    overlay,
    wrong_pixels,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def mixed(colour, below):
    return np.rint(WRONG_OPACITY * np.array(colour) + (1 - WRONG_OPACITY) * below)


def test_overlay_mixes_class_colour_and_image():
    labels = np.ones((6, 8), dtype=np.int64)
    np.testing.assert_array_equal(overlay(IMAGE, labels, PALETTE, 0), IMAGE)
    np.testing.assert_array_equal(overlay(IMAGE, labels, PALETTE, 1), PALETTE.colourise(labels))
    half = overlay(IMAGE, labels, PALETTE, 0.5).astype(float)
    assert np.abs(half - (IMAGE / 2 + PALETTE.colourise(labels) / 2)).max() <= 0.5


def test_overlay_hatches_void_pixels_only():
    labels = np.zeros((6, 8), dtype=np.int64)
    labels[2] = PALETTE.ignore_index
    shown = overlay(IMAGE, labels, PALETTE)
    np.testing.assert_array_equal(shown[2], hatched(IMAGE)[2])
    everywhere = overlay(IMAGE, np.zeros_like(labels), PALETTE)
    np.testing.assert_array_equal(np.delete(shown, 2, 0), np.delete(everywhere, 2, 0))


def test_wrong_pixels_tell_new_from_old_errors():
    truth, clean, attacked = (np.zeros((6, 8), dtype=np.int64) for _ in range(3))
    attacked[0, 0] = 1  # right before, wrong now
    clean[0, 1], attacked[0, 1] = 1, 2  # wrong both times
    clean[0, 2] = 1  # put right by the attack
    truth[0, 3], clean[0, 3], attacked[0, 3] = 255, 1, 2  # void
    shown = wrong_pixels(IMAGE, truth, clean, attacked)
    below = dimmed(IMAGE)
    np.testing.assert_array_equal(shown[0, 0], mixed(NEWLY_WRONG, below[0, 0]))
    np.testing.assert_array_equal(shown[0, 1], mixed(ALREADY_WRONG, below[0, 1]))
    np.testing.assert_array_equal(shown[0, 2], below[0, 2])
    np.testing.assert_array_equal(shown[0, 3], hatched(IMAGE)[0, 3])
    np.testing.assert_array_equal(shown[1:], below[1:])


def test_another_ignore_index_is_void():
    truth = np.zeros((6, 8), dtype=np.int64)
    truth[3] = -1
    ones = np.ones_like(truth)
    shown = wrong_pixels(IMAGE, truth, ones, ones, ignore_index=-1)
    np.testing.assert_array_equal(shown[3], hatched(IMAGE)[3])


def test_inputs_are_not_changed():
    image, labels = IMAGE.copy(), np.full((6, 8), 255)
    overlay(image, labels, PALETTE)
    wrong_pixels(image, labels, labels, labels)
    np.testing.assert_array_equal(image, IMAGE)
    assert (labels == 255).all()


def test_the_dimmed_copy_is_grey_and_dark():
    grey = dimmed(IMAGE)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert (grey[..., 1] == grey[..., 2]).all()
    assert grey.max() <= 130


@pytest.mark.parametrize(
    ("image", "labels", "opacity", "message"),
    [
        (IMAGE / 255, np.zeros((6, 8), dtype=int), 0.5, "float64"),
        (IMAGE[..., :1], np.zeros((6, 8), dtype=int), 0.5, r"\(6, 8, 1\)"),
        (IMAGE, np.zeros((8, 6), dtype=int), 0.5, r"\(8, 6\)"),
        (IMAGE, np.full((6, 8), 7), 0.5, "7"),
        (IMAGE, np.zeros((6, 8), dtype=int), 1.5, "opacity is 1.5"),
    ],
)
def test_bad_input_is_named(image, labels, opacity, message):
    with pytest.raises(InputError, match=message):
        overlay(image, labels, PALETTE, opacity)


def test_wrong_pixels_names_the_map_that_does_not_fit():
    fitting, other = np.zeros((6, 8), dtype=int), np.zeros((3, 8), dtype=int)
    with pytest.raises(InputError, match="adversarial has shape"):
        wrong_pixels(IMAGE, fitting, fitting, other)
