"""People on foot: standing or walking, alone or in groups."""

import math
from random import Random

from art_segplugin.scenes.primitives import Builder, Frame, Label, Texture, Vector

SKINS: tuple[Vector, ...] = (
    (0.9, 0.72, 0.6),
    (0.78, 0.58, 0.45),
    (0.5, 0.34, 0.25),
    (0.35, 0.24, 0.18),
)
HAIRS: tuple[Vector, ...] = (
    (0.1, 0.08, 0.07),
    (0.25, 0.16, 0.1),
    (0.55, 0.42, 0.25),
    (0.6, 0.6, 0.6),
)
TOPS: tuple[Vector, ...] = (
    (0.12, 0.12, 0.14), (0.25, 0.26, 0.28), (0.5, 0.5, 0.5), (0.85, 0.85, 0.83), (0.6, 0.12, 0.12),
    (0.14, 0.22, 0.42), (0.2, 0.36, 0.24), (0.75, 0.6, 0.2), (0.45, 0.3, 0.2), (0.5, 0.35, 0.5),
)  # fmt: skip
TROUSERS: tuple[Vector, ...] = (
    (0.1, 0.1, 0.12), (0.14, 0.18, 0.3), (0.3, 0.3, 0.32), (0.5, 0.45, 0.36), (0.22, 0.17, 0.13),
)  # fmt: skip
WALKING_SPEED = 1.3
"""Metres per second."""


def add_group(
    builder: Builder, x: float, y: float, z: float, heading: float, rng: Random, speed: float
) -> None:
    """Add one to four people around a place, mostly one; those who walk do so at `speed`."""
    count = rng.choices((1, 2, 3, 4), weights=(6, 3, 1, 1))[0]
    walking = rng.random() < 0.75
    pace = speed if walking else 0.0
    velocity = (pace * math.cos(heading), pace * math.sin(heading))
    for number in range(count):
        turn = heading + rng.gauss(0, 0.15 if walking else 1.2)
        side = (number - (count - 1) / 2) * 0.62
        ahead = rng.uniform(-0.35, 0.35)
        place = (
            x + ahead * math.cos(heading) - side * math.sin(heading),
            y + ahead * math.sin(heading) + side * math.cos(heading),
        )
        _person(builder.at(*place, z, turn, velocity), rng, walking)


def _person(spot: Frame, rng: Random, walking: bool) -> None:
    child = rng.random() < 0.12
    tall = rng.uniform(1.1, 1.4) if child else rng.gauss(1.72, 0.08)
    build = rng.uniform(0.85, 1.2)
    skin, top = rng.choice(SKINS), rng.choice(TOPS)
    hip, shoulder = 0.48 * tall, 0.82 * tall
    stride = rng.uniform(0.08, 0.22) if walking else 0.02
    skirt = rng.random() < 0.15
    trousers = rng.choice(TROUSERS)
    pattern = Texture.STRIPES if rng.random() < 0.12 else Texture.PLAIN

    leg = skin if skirt else trousers
    for y, ahead in ((-0.09 * build, stride), (0.09 * build, -stride)):
        spot.ellipsoid(
            Label.PERSON, (0.45 * ahead, y, 0.75 * hip), (0.1, 0.09 * build, 0.3 * hip), leg
        )
        spot.ellipsoid(Label.PERSON, (ahead, y, 0.32 * hip), (0.075, 0.07, 0.32 * hip), leg)
        spot.block(Label.PERSON, (ahead + 0.06, y, 0.045), (0.13, 0.05, 0.045), (0.1, 0.09, 0.09))
    coat = rng.random() < 0.3
    low = hip * (0.62 if coat or skirt else 0.94)
    if skirt or coat:
        colour = trousers if skirt else top
        spot.cylinder(
            Label.PERSON, (0, 0, (low + hip) / 2 + 0.04), (0.2 * build, 0.23 * build, (hip - low) / 2 + 0.06),
            colour, taper=(0.75, 0.75),
        )  # fmt: skip
    spot.ellipsoid(
        Label.PERSON, (0, 0, 0.5 * (hip + shoulder)), (0.15 * build, 0.2 * build, 0.62 * (shoulder - hip)),
        top, texture=pattern, scale=0.16,
    )  # fmt: skip
    spot.ellipsoid(Label.PERSON, (0, 0, shoulder - 0.06), (0.12, 0.235 * build, 0.1), top)
    for y, ahead in ((-0.25 * build, -stride), (0.25 * build, stride)):
        spot.ellipsoid(
            Label.PERSON,
            (0.5 * ahead, y, 0.62 * tall),
            (0.065 + 0.2 * stride, 0.06, 0.17 * tall),
            top,
        )
        spot.ellipsoid(Label.PERSON, (ahead, y, 0.455 * tall), (0.05, 0.045, 0.06), skin)
    spot.ellipsoid(Label.PERSON, (0.01, 0, 0.93 * tall), (0.095, 0.08, 0.125), skin)
    spot.cylinder(Label.PERSON, (0, 0, 0.85 * tall), (0.05, 0.05, 0.05), skin)
    spot.ellipsoid(Label.PERSON, (-0.025, 0, 0.955 * tall), (0.1, 0.09, 0.105), rng.choice(HAIRS))
    if rng.random() < 0.25:
        bag = rng.choice(TOPS)
        spot.block(Label.PERSON, (-0.19, 0, 0.68 * tall), (0.08, 0.14, 0.2), bag, taper=(0.8, 0.8))
