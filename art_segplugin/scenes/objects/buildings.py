"""Houses: town houses, cottages with gables, and sheds and towers further back."""

from random import Random

from art_segplugin.scenes.primitives import Frame, Label, Texture, Vector

STOREY = 3.1
WALLS: tuple[Vector, ...] = (
    (0.72, 0.66, 0.55), (0.8, 0.76, 0.68), (0.62, 0.6, 0.57), (0.5, 0.5, 0.51), (0.74, 0.58, 0.44),
    (0.66, 0.45, 0.36), (0.58, 0.62, 0.6), (0.82, 0.8, 0.78), (0.7, 0.62, 0.42), (0.42, 0.43, 0.46),
    (0.55, 0.6, 0.48),
)  # fmt: skip
BRICKS: tuple[Vector, ...] = (
    (0.56, 0.33, 0.25), (0.48, 0.28, 0.22), (0.6, 0.45, 0.33), (0.42, 0.32, 0.28), (0.63, 0.55, 0.42),
)  # fmt: skip
ROOFS: tuple[Vector, ...] = (
    (0.5, 0.28, 0.2),
    (0.3, 0.3, 0.32),
    (0.4, 0.32, 0.27),
    (0.24, 0.25, 0.28),
)
AWNINGS: tuple[Vector, ...] = (
    (0.6, 0.15, 0.12),
    (0.15, 0.35, 0.25),
    (0.15, 0.2, 0.4),
    (0.75, 0.7, 0.6),
)


def add_town_house(spot: Frame, rng: Random, width: float, depth: float, storeys: int) -> None:
    """Add a house whose front faces the frame's negative y axis, its front middle at the origin."""
    height = storeys * STOREY
    brick = rng.random() < 0.45
    colour = rng.choice(BRICKS if brick else WALLS)
    texture = Texture.BRICK_FACADE if brick else Texture.FACADE
    half, deep = width / 2, depth / 2
    spot.block(
        Label.BUILDING, (0, deep, height / 2), (half, deep, height / 2), colour,
        texture=texture, scale=rng.uniform(2.0, 3.2),
    )  # fmt: skip
    trim = _shade(colour, rng.uniform(0.75, 1.2))
    roof = rng.random()
    if roof < 0.5:
        spot.block(Label.BUILDING, (0, deep, height + 0.2), (half + 0.15, deep + 0.25, 0.22), trim)
        if rng.random() < 0.5:
            top = rng.uniform(0.8, 1.6)
            hut = (rng.uniform(-0.5, 0.5) * half, deep, height + top)
            spot.block(Label.BUILDING, hut, (0.25 * half, 0.3 * deep, top), trim)
    else:
        slope = (rng.uniform(0.8, 0.95), 0.55) if roof < 0.75 else (1.0, 0.05)
        tall = rng.uniform(1.2, 2.0)
        spot.block(
            Label.BUILDING, (0, deep, height + tall), (half + 0.1, deep + 0.35, tall), rng.choice(ROOFS),
            taper=slope, texture=Texture.TILES, scale=0.5,
        )  # fmt: skip
        chimney = (rng.uniform(-0.7, 0.7) * half, deep, height + 1.8 * tall)
        spot.block(
            Label.BUILDING, chimney, (0.4, 0.35, 0.6 * tall), trim, texture=Texture.BRICK, scale=0.5
        )
    if rng.random() < 0.4:
        _balconies(spot, rng, half, storeys, trim)
    if rng.random() < 0.35:
        reach = rng.uniform(0.5, 0.9)
        cloth = rng.choice(AWNINGS)
        x, wide = rng.uniform(-0.3, 0.3) * half, rng.uniform(0.3, 0.65) * half
        spot.block(
            Label.BUILDING, (x, -reach / 2, 2.75), (wide, reach, 0.22), cloth, taper=(1.0, 0.15),
            texture=Texture.PLAIN if rng.random() < 0.6 else Texture.CHECKER, scale=0.4, strength=0.7,
        )  # fmt: skip


def _balconies(spot: Frame, rng: Random, half: float, storeys: int, trim: Vector) -> None:
    x, wide = rng.uniform(-0.4, 0.4) * half, rng.uniform(0.9, 1.6)
    for storey in range(1, min(storeys, 6)):
        z = storey * STOREY
        spot.block(Label.BUILDING, (x, -0.5, z), (wide, 0.5, 0.09), trim)
        spot.block(
            Label.BUILDING, (x, -0.98, z + 0.55), (wide, 0.03, 0.5), _shade(trim, 0.6),
            texture=Texture.CHECKER, scale=0.12, strength=0.25,
        )  # fmt: skip


def add_cottage(spot: Frame, rng: Random, width: float, depth: float) -> None:
    """Add a detached house with a gable roof, placed like a town house."""
    height = STOREY * rng.choice((1, 2, 2))
    brick = rng.random() < 0.5
    colour = rng.choice(BRICKS if brick else WALLS)
    half, deep = width / 2, depth / 2
    spot.block(
        Label.BUILDING, (0, deep, height / 2), (half, deep, height / 2), colour,
        texture=Texture.BRICK_FACADE if brick else Texture.FACADE, scale=rng.uniform(2.6, 3.6),
    )  # fmt: skip
    roof, rise = rng.choice(ROOFS), rng.uniform(1.3, 2.2)
    slope = (1.0, 0.0) if rng.random() < 0.6 else (0.0, 1.0)
    spot.block(
        Label.BUILDING, (0, deep, height + rise), (half + 0.4, deep + 0.5, rise), roof,
        taper=slope, texture=Texture.TILES, scale=0.5,
    )  # fmt: skip
    spot.block(
        Label.BUILDING, (0.5 * half, deep * 1.3, height + 1.6 * rise), (0.35, 0.35, 0.8 * rise), colour,
        texture=Texture.BRICK, scale=0.5,
    )  # fmt: skip
    porch = rng.uniform(-0.5, 0.5) * half
    spot.block(
        Label.BUILDING,
        (porch, -0.5, 2.7),
        (1.1, 0.8, 0.35),
        roof,
        taper=(1, 0.1),
        texture=Texture.TILES,
        scale=0.4,
    )
    spot.block(Label.BUILDING, (porch, 0.0, 1.05), (0.5, 0.06, 1.05), rng.choice(AWNINGS))


def add_tower(spot: Frame, rng: Random, width: float, depth: float, height: float) -> None:
    """Add a plain high building for the second row, placed like a town house."""
    spot.block(
        Label.BUILDING, (0, depth / 2, height / 2), (width / 2, depth / 2, height / 2), rng.choice(WALLS),
        texture=Texture.FACADE, scale=rng.uniform(2.4, 4.0),
    )  # fmt: skip
    spot.block(
        Label.BUILDING, (0, depth / 2, height + 0.8), (width / 4, depth / 4, 0.9), (0.5, 0.5, 0.5)
    )


def _shade(colour: Vector, factor: float) -> Vector:
    return (
        min(colour[0] * factor, 1.0),
        min(colour[1] * factor, 1.0),
        min(colour[2] * factor, 1.0),
    )
