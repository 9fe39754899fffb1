"""Trees, bushes and hedges."""

import math
from random import Random

from art_segplugin.scenes.primitives import Frame, Label, Texture, Vector

LEAF_COLOURS: tuple[Vector, ...] = (
    (0.3, 0.38, 0.2), (0.25, 0.33, 0.18), (0.36, 0.42, 0.22), (0.22, 0.29, 0.2), (0.42, 0.43, 0.24),
    (0.31, 0.37, 0.27), (0.52, 0.42, 0.2), (0.47, 0.31, 0.18),
)  # fmt: skip
LEAF_WEIGHTS = (5, 5, 4, 4, 2, 2, 1, 1)
BARK: Vector = (0.3, 0.25, 0.2)


def leaf_colour(rng: Random) -> Vector:
    """Return a leaf colour: mostly greens, some autumn."""
    return rng.choices(LEAF_COLOURS, LEAF_WEIGHTS)[0]


def add_tree(spot: Frame, rng: Random, height: float, leaves: Vector, crown: float = 1.0) -> None:
    """Add a tree; `crown` scales the width of its crown."""
    if rng.random() < 0.14:
        _conifer(spot, rng, height, leaves)
        return
    fork = height * rng.uniform(0.28, 0.4)
    thick = 0.022 * height + 0.03
    spot.cylinder(
        Label.VEGETATION, (0, 0, fork * 0.75), (thick, thick, fork * 0.75), BARK,
        taper=(0.6, 0.6), texture=Texture.FOLIAGE, scale=0.35, strength=0.5,
    )  # fmt: skip
    radius = crown * height * rng.uniform(0.2, 0.27)
    middle = (fork + height) / 2
    tall = (height - fork) / 2
    _blob(spot, (0, 0, middle), (0.66 * radius, 0.66 * radius, 0.8 * tall), leaves, rng)
    count = rng.randint(6, 7)
    for number in range(count):
        angle = 2 * math.pi * (number * 0.618 + rng.uniform(-0.06, 0.06))
        level = -0.62 + 1.35 * number / (count - 1)
        out = radius * 0.68 * math.sqrt(max(1 - level * level, 0.12))
        size = radius * rng.uniform(0.46, 0.62)
        centre = (out * math.cos(angle), out * math.sin(angle), middle + 0.78 * level * tall)
        _blob(spot, centre, (size, size, size * rng.uniform(0.7, 0.95)), leaves, rng)


def _conifer(spot: Frame, rng: Random, height: float, leaves: Vector) -> None:
    dark: Vector = (leaves[0] * 0.65, leaves[1] * 0.7, leaves[2] * 0.75)
    spot.cylinder(Label.VEGETATION, (0, 0, 0.1 * height), (0.14, 0.14, 0.1 * height), BARK)
    for level in range(4):
        low = height * (0.12 + 0.2 * level)
        wide = height * (0.2 - 0.042 * level)
        tall = height * (0.17 if level < 3 else 0.14)
        spot.cylinder(
            Label.VEGETATION, (0, 0, low + tall), (wide, wide, tall), dark, taper=(0.08, 0.08),
            texture=Texture.FOLIAGE, scale=0.3, yaw=rng.uniform(0, 3),
        )  # fmt: skip


def add_bush(spot: Frame, rng: Random, size: float, leaves: Vector) -> None:
    """Add a bush of about `size` metres in height and width."""
    for _ in range(3):
        centre = (rng.uniform(-0.3, 0.3) * size, rng.uniform(-0.3, 0.3) * size, 0.42 * size)
        half = size * rng.uniform(0.38, 0.55)
        _blob(spot, centre, (half, half, half * 0.9), leaves, rng)


def add_hedge(spot: Frame, length: float, height: float, leaves: Vector) -> None:
    """Add a clipped hedge along the frame's x axis, its middle at the origin."""
    spot.block(
        Label.VEGETATION, (0, 0, height / 2), (length / 2, 0.38, height / 2), leaves,
        taper=(0.995, 0.85), texture=Texture.FOLIAGE, scale=0.22,
    )  # fmt: skip


def _blob(spot: Frame, centre: Vector, half: Vector, leaves: Vector, rng: Random) -> None:
    shade = rng.uniform(0.85, 1.15)
    colour = (leaves[0] * shade, leaves[1] * shade, leaves[2] * shade)
    spot.ellipsoid(Label.VEGETATION, centre, half, colour, texture=Texture.LEAVES, scale=0.45)
