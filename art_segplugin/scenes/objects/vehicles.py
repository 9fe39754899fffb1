"""Cars, vans, lorries and buses, put together from a few tapered blocks."""

from random import Random

from art_segplugin.scenes.primitives import Frame, Label, Texture, Vector

PAINTS: tuple[Vector, ...] = (
    (0.88, 0.88, 0.88), (0.07, 0.07, 0.08), (0.62, 0.64, 0.66), (0.35, 0.36, 0.38),
    (0.48, 0.12, 0.11), (0.14, 0.2, 0.36), (0.18, 0.28, 0.22), (0.52, 0.49, 0.43),
    (0.66, 0.55, 0.2), (0.34, 0.43, 0.53), (0.37, 0.38, 0.28), (0.2, 0.2, 0.22),
    (0.75, 0.76, 0.77), (0.13, 0.14, 0.15), (0.45, 0.46, 0.48),
)  # fmt: skip
GLASS_COLOUR: Vector = (0.12, 0.14, 0.16)
TYRE: Vector = (0.06, 0.06, 0.065)
RIM: Vector = (0.5, 0.5, 0.52)


def add_vehicle(spot: Frame, rng: Random, bus: bool = True) -> None:
    """Add a vehicle heading along the frame's x axis, its middle at the origin."""
    paint = rng.choice(PAINTS)
    kind = rng.random()
    if kind < 0.82:
        _car(spot, rng, paint)
    elif kind < 0.95 or not bus:
        _van(spot, rng, paint)
    else:
        _bus(spot, rng, paint)


def _car(spot: Frame, rng: Random, paint: Vector) -> None:
    length, width = rng.uniform(1.9, 2.4), rng.uniform(0.84, 0.94)
    tall = rng.uniform(1.4, 1.75)
    estate = rng.random() < 0.5
    waist = 0.52 * tall + 0.1
    floor = 0.22
    middle = (floor + waist) / 2
    spot.block(
        Label.CAR, (0, 0, middle), (length, width, (waist - floor) / 2), paint,
        taper=(0.955, 0.93), gloss=0.55,
    )  # fmt: skip
    spot.block(Label.CAR, (0, 0, 0.34), (length + 0.03, width - 0.01, 0.1), (0.1, 0.1, 0.1))
    back, front = (-0.93 * length, 0.42 * length) if estate else (-0.68 * length, 0.4 * length)
    cabin, half = (back + front) / 2, (front - back) / 2
    height = (tall - waist) / 2
    lean = (0.68 if estate else 0.55, 0.8)
    spot.block(
        Label.CAR, (cabin, 0, waist + height - 0.02), (half, width * 0.93, height), GLASS_COLOUR,
        taper=lean, texture=Texture.GLASS, gloss=0.9,
    )  # fmt: skip
    roof = (half * (lean[0] + 0.04), width * 0.93 * (lean[1] + 0.03), 0.035)
    spot.block(Label.CAR, (cabin, 0, tall), roof, paint, taper=(0.94, 0.92), gloss=0.55)
    pillar = cabin - 0.06 * length
    spot.block(
        Label.CAR, (pillar, 0, waist + height - 0.03), (0.05, width * 0.935, height), paint,
        taper=(1.0, 0.8), gloss=0.4,
    )  # fmt: skip
    _wheels(spot, length * 0.63, width, 0.32)
    _lights(spot, length, width * 0.74, waist - 0.2)
    plate = (0.85, 0.85, 0.8)
    for end in (-1.0, 1.0):
        spot.block(Label.CAR, (end * (length + 0.02), 0, 0.5), (0.02, 0.26, 0.06), plate)


def _van(spot: Frame, rng: Random, paint: Vector) -> None:
    length, width, tall = rng.uniform(2.4, 3.0), 0.98, rng.uniform(2.0, 2.6)
    nose = 0.3 * length
    spot.block(
        Label.CAR, (-nose, 0, 0.3 + (tall - 0.3) / 2), (length - nose, width, (tall - 0.3) / 2),
        paint, taper=(0.97, 0.94), gloss=0.4,
    )  # fmt: skip
    spot.block(
        Label.CAR, (length - nose, 0, 0.78), (nose, width * 0.97, 0.48), paint,
        taper=(0.8, 0.95), gloss=0.4,
    )  # fmt: skip
    spot.block(
        Label.CAR, (length - 1.5 * nose, 0, 1.6), (0.9 * nose, width * 0.95, 0.36), GLASS_COLOUR,
        taper=(0.55, 0.92), texture=Texture.GLASS, gloss=0.9,
    )  # fmt: skip
    spot.block(
        Label.CAR, (-length - 0.01, 0, 0.72 * tall), (0.02, 0.7 * width, 0.25), GLASS_COLOUR,
        texture=Texture.GLASS, gloss=0.9,
    )  # fmt: skip
    _wheels(spot, length * 0.62, width, 0.36)
    _lights(spot, length, width * 0.8, 0.85)


def _bus(spot: Frame, rng: Random, paint: Vector) -> None:
    length, width, tall = rng.uniform(4.5, 5.8), 1.25, rng.uniform(2.9, 3.2)
    spot.block(
        Label.CAR, (0, 0, 0.3 + (tall - 0.3) / 2), (length, width, (tall - 0.3) / 2), paint,
        gloss=0.35,
    )  # fmt: skip
    spot.block(
        Label.CAR, (0, 0, 0.6 * tall), (length + 0.02, width + 0.02, 0.19 * tall), GLASS_COLOUR,
        texture=Texture.GLASS, gloss=0.9,
    )  # fmt: skip
    for place in range(-3, 4):
        x = place * length / 3.6
        spot.block(Label.CAR, (x, 0, 0.6 * tall), (0.06, width + 0.03, 0.19 * tall), paint)
    stripe = rng.choice(PAINTS)
    spot.block(Label.CAR, (0, 0, 0.8), (length + 0.015, width + 0.015, 0.12), stripe)
    _wheels(spot, length * 0.62, width, 0.45)
    _lights(spot, length, width * 0.8, 0.7)


def _wheels(spot: Frame, along: float, across: float, radius: float) -> None:
    for x in (-along, along):
        for y in (-across + 0.08, across - 0.08):
            spot.ellipsoid(Label.CAR, (x, y, radius), (radius, 0.14, radius), TYRE)
            out = y + (0.12 if y > 0 else -0.12)
            rim = 0.6 * radius
            spot.ellipsoid(Label.CAR, (x, out, radius), (rim, 0.05, rim), RIM, gloss=0.3)


def _lights(spot: Frame, length: float, across: float, height: float) -> None:
    for y in (-across, across):
        spot.block(
            Label.CAR, (length - 0.02, y, height), (0.05, 0.15, 0.08), (0.95, 0.93, 0.85),
            texture=Texture.LAMP, gloss=0.5,
        )  # fmt: skip
        spot.block(
            Label.CAR, (-length + 0.02, y, height), (0.05, 0.14, 0.1), (0.7, 0.05, 0.04),
            texture=Texture.LAMP, gloss=0.3,
        )  # fmt: skip
