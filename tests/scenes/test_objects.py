"""Cars, people, trees, posts and houses: what they are made of, where they stand, how large."""

from random import Random

import pytest

from art_segplugin.scenes.objects import buildings, furniture, greenery, people, vehicles
from art_segplugin.scenes.primitives import Builder, Label

STEEL = furniture.STEEL[0]
GREEN = greenery.LEAF_COLOURS[0]
SIGN_AND_POLE = {Label.SIGN, Label.POLE}


def build_group(spot, rng):
    people.add_group(spot.builder, 0, 0, 0, 0, rng, people.WALKING_SPEED)


THINGS = {
    "vehicle": (vehicles.add_vehicle, {Label.CAR}, (1.2, 3.5)),
    "people": (build_group, {Label.PERSON}, (0.9, 2.2)),
    "tree": (lambda s, r: greenery.add_tree(s, r, 8.0, GREEN), {Label.VEGETATION}, (6, 10)),
    "bush": (lambda s, r: greenery.add_bush(s, r, 1.2, GREEN), {Label.VEGETATION}, (0.8, 1.4)),
    "hedge": (lambda s, r: greenery.add_hedge(s, 5.0, 1.0, GREEN), {Label.VEGETATION}, (1, 1)),
    "lamp post": (lambda s, r: furniture.add_lamp_post(s, r, STEEL), {Label.POLE}, (5.4, 9)),
    "utility pole": (furniture.add_utility_pole, {Label.POLE}, (6.9, 9.6)),
    "bollard": (lambda s, r: furniture.add_bollard(s, STEEL), {Label.POLE}, (0.8, 1.1)),
    "sign": (lambda s, r: furniture.add_traffic_sign(s, r, STEEL), SIGN_AND_POLE, (2.4, 4.2)),
    "board": (lambda s, r: furniture.add_street_name(s, r, STEEL), SIGN_AND_POLE, (2.4, 4.2)),
    "signal": (lambda s, r: furniture.add_traffic_light(s, r, STEEL, 1), SIGN_AND_POLE, (3, 6)),
    "house": (lambda s, r: buildings.add_town_house(s, r, 12, 10, 4), {Label.BUILDING}, (12, 20)),
    "cottage": (lambda s, r: buildings.add_cottage(s, r, 10, 9), {Label.BUILDING}, (4, 15)),
    "tower": (lambda s, r: buildings.add_tower(s, r, 15, 12, 30), {Label.BUILDING}, (30, 33)),
}


@pytest.mark.parametrize("name", THINGS)
def test_classes_ground_and_height(name):
    add, labels, (low, high) = THINGS[name]
    for seed in range(12):
        builder = Builder()
        add(builder.at(0, 0), Random(seed))
        solids = builder.primitives()
        assert set(solids["label"]) == labels
        bottom = (solids["centre"] - solids["half"])[:, 2].min()
        top = (solids["centre"] + solids["half"])[:, 2].max()
        assert -0.15 < bottom < 0.2
        assert low <= top <= high + 1e-6


def test_signs_face_the_traffic():
    for seed in range(20):
        builder = Builder()
        furniture.add_traffic_sign(builder.at(0, 0), Random(seed), STEEL)
        solids = builder.primitives()
        signs = solids[solids["label"] == Label.SIGN]
        assert (signs["centre"][:, 0] < -0.05).all(), "in front of their post"


def test_walkers_walk_where_they_look():
    speeds = set()
    for seed in range(20):
        builder = Builder()
        people.add_group(builder, 0, 0, 0, 0.0, Random(seed), speed=2.0)
        speeds |= {tuple(velocity) for velocity in builder.primitives()["velocity"].tolist()}
    assert speeds == {(0.0, 0.0), (2.0, 0.0)}
