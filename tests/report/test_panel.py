from dataclasses import replace

import numpy as np
import pytest
from report.builder import PALETTE, example

from art_segplugin.data.palettes import Palette
from art_segplugin.report.panel import HEADING, MARGIN, TILE, attack_tiles, clean_tiles, panel


def tile_at(picture, row, column, height, width):
    top = row * (HEADING + height + MARGIN) + HEADING
    left = MARGIN + column * (TILE + MARGIN)
    return picture[top : top + height, left : left + width]


@pytest.mark.parametrize("size", [(360, 480), (12, 16)])
def test_the_six_pictures_are_in_their_places(size):
    one = example(size=size)
    picture = panel(one, PALETTE, "segpgd-20")
    scale = 480 // size[1]
    for row, tiles in enumerate(
        [clean_tiles(one, PALETTE), attack_tiles(one, PALETTE, "segpgd-20")]
    ):
        for column, tile in enumerate(tiles):
            found = tile_at(picture, row, column, 360, 480)
            np.testing.assert_array_equal(found[::scale, ::scale], tile.picture)


@pytest.mark.parametrize(("size", "shown"), [((960, 640), (480, 320)), ((3, 1000), (1, 480))])
def test_large_and_tall_images_are_fitted(size, shown):
    one = example(size=size)
    picture = panel(one, PALETTE, "segpgd-20")
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 3 * TILE + 4 * MARGIN
    assert (tile_at(picture, 0, 0, *shown) == 100).all()


def test_titles_and_legend_are_drawn():
    picture = panel(example(), PALETTE, "segpgd-20")
    assert (picture[:HEADING, MARGIN:TILE] < 60).any()
    legend = picture[2 * (HEADING + 360 + MARGIN) :].reshape(-1, 3)
    for colour in PALETTE.colours:
        assert (legend == colour).all(axis=1).any()


def test_long_names_and_many_classes_stay_on_the_page():
    names = tuple(f"a long name of a class, number {index}" for index in range(30))
    palette = Palette("many", names, tuple((8 * i, 0, 200) for i in range(30)))
    truth = np.arange(12 * 16).reshape(12, 16) % 30
    one = replace(example(name="street " * 40), truth=truth)
    picture = panel(one, palette, "segpgd-20")
    short = panel(example(), PALETTE, "segpgd-20")
    assert picture.shape[1] == short.shape[1]
    assert picture.shape[0] > short.shape[0]
    assert (picture[:, -MARGIN:] == 255).all()
    legend = picture.reshape(-1, 3)
    assert (legend == palette.colours[29]).all(axis=1).any()


def test_a_whole_legend_makes_all_frames_of_a_video_one_size():
    names = tuple(f"a long name of a class, number {index}" for index in range(30))
    palette = Palette("many", names, tuple((8 * i, 0, 200) for i in range(30)))
    one = example()
    many = replace(one, truth=np.arange(one.truth.size).reshape(one.truth.shape) % 30)
    assert panel(one, palette, "segpgd-20").shape != panel(many, palette, "segpgd-20").shape
    sizes = {panel(e, palette, "segpgd-20", whole_legend=True).shape for e in (one, many)}
    assert len(sizes) == 1
