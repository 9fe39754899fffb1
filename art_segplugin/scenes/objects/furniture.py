"""What stands on pavements: lamp posts, traffic signs, traffic lights, bollards."""

from collections.abc import Callable
from random import Random

from art_segplugin.scenes.primitives import Frame, Label, Texture, Vector

STEEL: tuple[Vector, ...] = (
    (0.45, 0.46, 0.47),
    (0.3, 0.32, 0.33),
    (0.2, 0.24, 0.22),
    (0.55, 0.52, 0.45),
)
RED: Vector = (0.72, 0.08, 0.1)
BLUE: Vector = (0.08, 0.25, 0.62)
WHITE: Vector = (0.9, 0.9, 0.88)
YELLOW: Vector = (0.92, 0.72, 0.1)
DARK: Vector = (0.09, 0.09, 0.1)


def add_lamp_post(spot: Frame, rng: Random, steel: Vector) -> None:
    """Add a street lamp whose arm reaches along the frame's x axis."""
    height, thick = rng.uniform(5.5, 8.5), rng.uniform(0.06, 0.09)
    _mast(spot, height, thick, steel)
    spot.cylinder(Label.POLE, (0, 0, 0.45), (1.7 * thick, 1.7 * thick, 0.45), steel)
    arm = rng.uniform(0.9, 2.0)
    spot.block(Label.POLE, (arm / 2, 0, height - 0.04), (arm / 2, 0.05, 0.05), steel)
    spot.block(Label.POLE, (arm, 0, height), (0.38, 0.14, 0.08), steel, taper=(0.7, 0.7))
    spot.block(
        Label.POLE,
        (arm, 0, height - 0.1),
        (0.3, 0.11, 0.03),
        (1.0, 0.85, 0.6),
        texture=Texture.LAMP,
    )


def add_utility_pole(spot: Frame, rng: Random) -> None:
    """Add a wooden pole with a cross arm."""
    height = rng.uniform(7, 9.5)
    wood = (0.36, 0.28, 0.2)
    _mast(spot, height, 0.13, wood)
    spot.block(Label.POLE, (0, 0, height - 0.7), (0.06, 0.9, 0.07), wood)


def add_bollard(spot: Frame, steel: Vector) -> None:
    """Add a knee-high post."""
    spot.cylinder(Label.POLE, (0, 0, 0.48), (0.075, 0.075, 0.48), steel)
    spot.cylinder(Label.POLE, (0, 0, 0.82), (0.08, 0.08, 0.06), WHITE)


def add_traffic_sign(spot: Frame, rng: Random, steel: Vector) -> None:
    """Add one or two signs on a post, facing against the frame's x axis."""
    height = rng.uniform(2.2, 2.9)
    count = 2 if rng.random() < 0.3 else 1
    _mast(spot, height + 0.35 + 0.75 * (count - 1), 0.045, steel)
    for number in range(count):
        rng.choice(SIGNS)(spot, height + 0.78 * number, rng.uniform(0.32, 0.42))


def add_street_name(spot: Frame, rng: Random, steel: Vector) -> None:
    """Add a large direction board on two posts."""
    colour = rng.choice((BLUE, WHITE, YELLOW, (0.1, 0.35, 0.2)))
    wide, tall, low = rng.uniform(0.8, 1.5), rng.uniform(0.45, 0.8), rng.uniform(1.6, 2.3)
    for y in (-0.7 * wide, 0.7 * wide):
        spot.cylinder(Label.POLE, (0, y, (low + tall) / 2), (0.05, 0.05, (low + tall) / 2), steel)
    spot.block(Label.SIGN, (-0.07, 0, low + tall), (0.02, wide, tall), WHITE)
    spot.block(Label.SIGN, (-0.08, 0, low + tall), (0.02, 0.95 * wide, 0.92 * tall), colour)
    ink = WHITE if colour != WHITE and colour != YELLOW else DARK
    for row in range(2):
        z = low + tall * (1.35 - 0.7 * row)
        reach = rng.uniform(0.4, 0.75) * wide
        spot.block(Label.SIGN, (-0.09, 0.8 * wide - reach, z), (0.02, reach, 0.14 * tall), ink)


def add_traffic_light(spot: Frame, rng: Random, steel: Vector, road: int) -> None:
    """Add a signal for traffic along the frame's x axis; half of them with an arm over the road.

    `road` is 1 where the road lies on the frame's positive y side, else -1.
    """
    lit = rng.randrange(3)
    if rng.random() < 0.5:
        _mast(spot, 5.6, 0.08, steel)
        reach = road * rng.uniform(2.6, 4.2)
        spot.block(Label.POLE, (0, reach / 2, 5.5), (0.05, abs(reach) / 2, 0.05), steel)
        _signal_head(spot, reach, 5.2, lit)
    else:
        _mast(spot, 2.5, 0.06, steel)
    _signal_head(spot, 0.0, 2.9, lit)


def _mast(spot: Frame, height: float, thick: float, steel: Vector) -> None:
    spot.cylinder(
        Label.POLE,
        (0, 0, height / 2),
        (thick, thick, height / 2),
        steel,
        taper=(0.75, 0.75),
        gloss=0.15,
    )


def _signal_head(spot: Frame, y: float, z: float, lit: int) -> None:
    spot.block(Label.SIGN, (-0.03, y, z), (0.03, 0.27, 0.56), DARK)
    spot.block(Label.SIGN, (-0.12, y, z), (0.12, 0.16, 0.45), (0.06, 0.06, 0.06))
    lamps: tuple[Vector, ...] = ((0.95, 0.1, 0.06), (0.95, 0.6, 0.05), (0.1, 0.85, 0.4))
    for number, colour in enumerate(lamps):
        on = number == lit
        shade = colour if on else (colour[0] * 0.3, colour[1] * 0.3, colour[2] * 0.3)
        spot.ellipsoid(
            Label.SIGN, (-0.24, y, z + 0.29 - 0.29 * number), (0.04, 0.11, 0.11), shade,
            texture=Texture.LAMP if on else Texture.PLAIN, strength=1.6, gloss=0.2,
        )  # fmt: skip


def _disc(spot: Frame, z: float, size: float, face: Vector, rim: Vector) -> None:
    spot.ellipsoid(Label.SIGN, (-0.06, 0, z), (0.03, size, size), rim)
    spot.ellipsoid(Label.SIGN, (-0.085, 0, z), (0.02, 0.76 * size, 0.76 * size), face)


def _limit(spot: Frame, z: float, size: float) -> None:
    _disc(spot, z, size, WHITE, RED)
    for y in (-0.24 * size, 0.24 * size):
        spot.block(Label.SIGN, (-0.1, y, z), (0.012, 0.15 * size, 0.3 * size), DARK)


def _no_entry(spot: Frame, z: float, size: float) -> None:
    _disc(spot, z, size, RED, RED)
    spot.block(Label.SIGN, (-0.1, 0, z), (0.015, 0.6 * size, 0.16 * size), WHITE)


def _direction(spot: Frame, z: float, size: float) -> None:
    _disc(spot, z, size, BLUE, WHITE)
    spot.block(Label.SIGN, (-0.1, 0, z), (0.012, 0.12 * size, 0.42 * size), WHITE)
    spot.block(
        Label.SIGN, (-0.1, 0, z + 0.4 * size), (0.012, 0.3 * size, 0.2 * size), WHITE, taper=(1, 0)
    )


def _warning(spot: Frame, z: float, size: float) -> None:
    spot.block(Label.SIGN, (-0.06, 0, z), (0.02, 1.15 * size, size), RED, taper=(1, 0))
    inner = 0.68 * size
    spot.block(
        Label.SIGN, (-0.08, 0, z - 0.1 * size), (0.02, 1.15 * inner, inner), WHITE, taper=(1, 0)
    )
    spot.block(Label.SIGN, (-0.1, 0, z - 0.2 * size), (0.012, 0.07 * size, 0.3 * size), DARK)


def _parking(spot: Frame, z: float, size: float) -> None:
    spot.block(Label.SIGN, (-0.06, 0, z), (0.02, size, size), WHITE)
    spot.block(Label.SIGN, (-0.08, 0, z), (0.02, 0.9 * size, 0.9 * size), BLUE)
    spot.block(Label.SIGN, (-0.1, 0.25 * size, z), (0.012, 0.09 * size, 0.55 * size), WHITE)
    spot.ellipsoid(
        Label.SIGN, (-0.1, -0.05 * size, z + 0.25 * size), (0.012, 0.32 * size, 0.3 * size), WHITE
    )


SIGNS: tuple[Callable[[Frame, float, float], None], ...] = (
    _limit, _no_entry, _direction, _warning, _parking,
)  # fmt: skip
