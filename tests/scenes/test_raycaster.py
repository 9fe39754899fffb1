import math

import numpy as np
import pytest

from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.primitives import Builder, Label, Texture
from art_segplugin.scenes.raycaster import cast_rays, render

LEVEL = Camera((0, 0, 0), fov=90)
GREY = (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("build", "distance"),
    [
        (lambda spot: spot.block(Label.CAR, (0, 0, 0), (2, 1, 1), GREY), 8),
        (lambda spot: spot.block(Label.CAR, (0, 0, 0), (2, 1, 1), GREY, yaw=math.pi / 2), 9),
        (lambda spot: spot.block(Label.CAR, (0, 0, 0), (2, 1, 1), GREY, taper=(0, 1)), 9),
        (lambda spot: spot.cylinder(Label.POLE, (0, 0, 0), (1, 1, 3), GREY), 9),
        (lambda spot: spot.cylinder(Label.POLE, (0, 0, 0), (1, 1, 3), GREY, taper=(0.5, 0.5)), 9.25),
        (lambda spot: spot.ellipsoid(Label.SIGN, (0, 0, 0), (3, 1, 1), GREY), 7),
    ],
)  # fmt: skip
def test_distance_to_each_shape(plain_scene, build, distance):
    builder = Builder()
    build(builder.at(10, 0))
    hits = cast_rays(plain_scene(builder), LEVEL, (101, 101))
    assert hits.distance[50, 50] == pytest.approx(distance, abs=1e-4)


def test_outline_of_a_block_is_exact(plain_scene):
    builder = Builder()
    builder.at(10, 0).block(Label.CAR, (0, -1, 2), (1, 2, 3), GREY)
    camera, size = LEVEL, (64, 64)
    _, labels = render(plain_scene(builder), camera, size)
    # the front face lies 9 m away and spans y -3..1, z -1..5; one metre is 32 / 9 pixels
    pixel = np.arange(64) + 0.5
    columns = (pixel > 32 - 1 * 32 / 9) & (pixel < 32 + 3 * 32 / 9)
    rows = (pixel > 32 - 5 * 32 / 9) & (pixel < 32 + 1 * 32 / 9)
    expected = np.where(rows[:, None] & columns[None, :], Label.CAR, Label.SKY)
    np.testing.assert_array_equal(labels, expected)


def test_the_nearer_solid_wins_and_the_near_plane_clips(plain_scene):
    builder = Builder()
    builder.at(8, 0).ellipsoid(Label.PERSON, (0, 0, 0), (1, 1, 1), GREY)
    builder.at(5, 0).block(Label.SIGN, (0, 0, 0), (0.1, 0.5, 0.5), GREY)
    builder.at(0.1, 0).block(Label.CAR, (0, 0, 0), (0.05, 1, 1), GREY)
    _, labels = render(plain_scene(builder), LEVEL, (201, 201))
    assert labels[100, 100] == Label.SIGN
    assert set(np.unique(labels)) == {Label.PERSON, Label.SIGN, Label.SKY}


def test_crowns_have_ragged_outlines(plain_scene):
    builder = Builder()
    look = {"texture": Texture.LEAVES, "scale": 0.45}
    builder.at(10, 0).ellipsoid(Label.VEGETATION, (0, 0, 0), (4, 4, 4), GREY, **look)
    smooth = Builder()
    smooth.at(10, 0).ellipsoid(Label.VEGETATION, (0, 0, 0), (4, 4, 4), GREY)
    leaves, ball = (render(plain_scene(b), LEVEL, (80, 80))[1] for b in (builder, smooth))
    gaps = (leaves == Label.SKY) & (ball == Label.VEGETATION)
    assert 0.03 < gaps.sum() / (ball == Label.VEGETATION).sum() < 0.4
    assert leaves[40, 40] == Label.VEGETATION


def test_sunlit_sides_are_brighter(plain_scene):
    builder = Builder()
    builder.at(10, 0).block(Label.BUILDING, (0, 0, 0), (3, 3, 3), GREY, yaw=math.pi / 4)
    picture, labels = render(plain_scene(builder), LEVEL, (60, 60))
    left, right = picture[30, 26], picture[30, 34]
    assert labels[30, 26] == labels[30, 34] == Label.BUILDING
    assert left.mean() > right.mean() + 20, "the sun stands on the left"
