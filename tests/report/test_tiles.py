from dataclasses import replace

import numpy as np
import pytest
from report.builder import PALETTE, example

from art_segplugin.errors import InputError
from art_segplugin.report.panel import (
    attack_tiles,
    classes_shown,
    clean_tiles,
    error_legend,
    overlay,
    wrong_pixels,
)


def notes(tiles):
    return [tile.note for tile in tiles]


def test_pictures_are_in_order_and_void_is_not_counted():
    one = example()
    image, truth, clean = clean_tiles(one, PALETTE)
    assert [image.title, truth.title, clean.title] == ["Image", "Truth", "Clean prediction"]
    assert notes([image, truth, clean]) == ["scene", "labels", "100.0 % right"]
    np.testing.assert_array_equal(image.picture, one.image)
    np.testing.assert_array_equal(truth.picture, overlay(one.image, one.truth, PALETTE))
    np.testing.assert_array_equal(clean.picture, overlay(one.image, one.clean, PALETTE))


def test_attack_pictures_say_how_large_and_how_wrong():
    one = example()
    adversarial, prediction, wrong = attack_tiles(one, PALETTE, "segpgd-20")
    assert adversarial.note == "SegPGD-20, largest change 8/255"
    assert prediction.note == "50.0 % right"
    assert wrong.note == "50.0 % newly wrong"
    image, labels = one.attacked["segpgd-20"]
    np.testing.assert_array_equal(prediction.picture, overlay(image, labels, PALETTE))
    np.testing.assert_array_equal(
        wrong.picture, wrong_pixels(one.image, one.truth, one.clean, labels)
    )


def test_against_the_own_prediction_nothing_is_called_right_or_wrong():
    one = example()
    tiles = clean_tiles(one, PALETTE, "clean prediction")
    tiles += attack_tiles(one, PALETTE, "segpgd-20", "clean prediction")
    words = " ".join(f"{tile.title} {tile.note}" for tile in tiles)
    assert "Reference clean prediction" in words
    for word in ("Truth", "right", "wrong", "Wrong"):
        assert word not in words
    assert all("wrong" not in name for name, _ in error_legend("clean prediction"))


def test_an_image_that_is_all_void_has_nothing_to_score():
    void = replace(example(), truth=np.full((12, 16), 255))
    assert clean_tiles(void, PALETTE)[2].note == "nothing to score"


def test_the_legend_has_the_classes_that_occur():
    one = example()
    assert [name for name, _ in classes_shown(one, PALETTE, "segpgd-20")] == ["road", "sky", "car"]
    unchanged = replace(one, attacked={"none": (one.image, one.clean)})
    assert [name for name, _ in classes_shown(unchanged, PALETTE, "none")] == ["road", "sky"]


def test_an_attack_that_was_not_run_is_named():
    with pytest.raises(InputError, match=r"'pgd-20'; choose from segpgd-20\."):
        attack_tiles(example(), PALETTE, "pgd-20")
