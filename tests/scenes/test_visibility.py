import numpy as np

from art_segplugin.scenes.camera import Camera, in_view
from art_segplugin.scenes.primitives import Builder, Label


def test_what_cannot_be_seen_is_left_out():
    builder = Builder()
    places = [(50, 0), (5, 0), (-5, 0), (5, 8), (5, -3.5), (2000, 0)]
    for x, y in places:
        builder.at(x, y).ellipsoid(Label.CAR, (0, 0, 0), (1, 1, 1), (0, 0, 0))
    solids, pixels = in_view(builder.primitives(), Camera((0, 0, 0), fov=50), (360, 360))
    np.testing.assert_array_equal(solids["centre"][:, :2], [(5, 0), (5, -3.5), (50, 0)])
    assert (np.diff(pixels) < 0).all()


def test_a_large_solid_around_the_camera_stays():
    builder = Builder()
    builder.at(-30, 0).block(Label.ROAD, (0, 0, -1), (500, 5, 0.5), (0, 0, 0))
    solids, _ = in_view(builder.primitives(), Camera((0, 0, 1.5)), (90, 120))
    assert len(solids) == 1
