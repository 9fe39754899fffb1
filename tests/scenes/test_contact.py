import math

import numpy as np

from art_segplugin.scenes.contact import METRES_PER_TEXEL, contact_map
from art_segplugin.scenes.primitives import Builder, Label


def at(contact, x, y):
    column = int((x - contact.corner[0]) / METRES_PER_TEXEL)
    row = int((y - contact.corner[1]) / METRES_PER_TEXEL)
    return contact.hidden[row, column]


def test_footprints_hide_the_sky():
    builder = Builder()
    builder.at(5, -3, yaw=math.pi / 2).block(Label.CAR, (0, 0, 0.5), (4, 1, 0.5), (0, 0, 0))
    builder.at(-9, 0).block(Label.BUILDING, (0, 0, 9), (2, 2, 1), (0, 0, 0))
    builder.at(9, 9).block(Label.ROAD, (0, 0, 0), (2, 2, 0.1), (0, 0, 0))
    contact = contact_map(builder.primitives(), centre=(1.0, 2.0))
    assert contact.size == (120, 120)
    assert at(contact, 5, -3) > 230
    assert at(contact, 5, 0) > 200
    assert 0 < at(contact, 6.6, -3) < 128
    assert at(contact, 8.5, -3) == 0
    assert at(contact, -9, 0) == 0, "what hangs high up hides nothing"
    assert at(contact, 9, 9) == 0, "the ground is no obstacle"


def test_an_empty_street():
    assert not contact_map(Builder().primitives(), (0, 0)).hidden.any()
    assert np.all(contact_map(Builder().primitives(), (0, 0)).corner == np.array([-60, -60]))
