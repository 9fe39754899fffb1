import math

import numpy as np

from art_segplugin.data.palettes import PALETTES
from art_segplugin.scenes.primitives import Builder, Label, Shape, Texture


def test_labels_are_the_classes_of_the_palette():
    names = tuple(label.name.lower().replace("_", " ") for label in Label)
    assert names == PALETTES["scenes"].classes


def test_frames_turn_and_move_what_they_hold():
    builder = Builder()
    frame = builder.at(10, 20, 1, yaw=math.pi / 2, velocity=(3, 4))
    frame.block(Label.CAR, (2, 1, 0.5), (1, 2, 3), (0.1, 0.2, 0.3), yaw=0.25, texture=Texture.GLASS)
    frame.ellipsoid(Label.SIGN, (0, 0, 0), (1, 1, 1), (0, 0, 0))
    block, ellipsoid = builder.primitives()
    np.testing.assert_allclose(block["centre"], (9, 22, 1.5), rtol=1e-6)
    np.testing.assert_allclose(block["yaw"], math.pi / 2 + 0.25, rtol=1e-6)
    np.testing.assert_array_equal(block["velocity"], (3, 4))
    assert (block["shape"], block["label"], block["texture"]) == (
        Shape.BLOCK, Label.CAR, Texture.GLASS,
    )  # fmt: skip
    assert ellipsoid["shape"] == Shape.ELLIPSOID
    assert block["seed"] != ellipsoid["seed"]
