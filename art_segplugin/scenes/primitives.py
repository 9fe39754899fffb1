"""The building blocks of a scene: solids with a class, a colour and a texture, in one flat array.

World coordinates are metres: x runs along the street, y to the left, z up. One NumPy record is one
solid, so the same array is what the layout writes, what OpenGL draws as instances and what the ray
caster intersects.
"""

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypedDict, Unpack

import numpy as np
import numpy.typing as npt

Vector = tuple[float, float, float]
Primitives = npt.NDArray[np.void]
"""Array of `PRIMITIVE` records of shape (n,)."""


class Label(IntEnum):
    """Class indices, in the order of `PALETTES["scenes"]`."""

    ROAD = 0
    LANE_MARKING = 1
    SIDEWALK = 2
    TERRAIN = 3
    BUILDING = 4
    VEGETATION = 5
    POLE = 6
    SIGN = 7
    CAR = 8
    PERSON = 9
    SKY = 10


class Shape(IntEnum):
    """Geometry of a solid; `taper` shrinks the top of blocks and cylinders (0: ridge or tip)."""

    BLOCK = 0
    CYLINDER = 1
    ELLIPSOID = 2


class Texture(IntEnum):
    """Surface pattern of a solid; the numbers are known to the shaders."""

    PLAIN = 0
    ASPHALT = 1
    PAVING = 2
    GRASS = 3
    BRICK = 4
    FACADE = 5
    BRICK_FACADE = 6
    FOLIAGE = 7  # closed: hedges
    LEAVES = 8  # open at the rim: crowns of trees, as ellipsoids
    TILES = 9
    PAINT = 10  # worn by traffic
    GLASS = 11
    LAMP = 12
    STRIPES = 13
    CHECKER = 14


PRIMITIVE = np.dtype(
    [
        ("centre", "f4", 3),
        ("yaw", "f4"),  # radians about z
        ("half", "f4", 3),  # half-sizes along the local axes
        ("strength", "f4"),  # of the texture, 0..1
        ("colour", "f4", 3),  # sRGB, 0..1
        ("scale", "f4"),  # of the texture, metres per repeat
        ("taper", "f4", 2),  # size of the top over size of the bottom, along x and y
        ("seed", "f4"),  # 0..1, sets equal textures apart
        ("gloss", "f4"),  # 0..1, how much sky the surface mirrors
        ("shape", "i4"),
        ("label", "i4"),
        ("texture", "i4"),
        ("velocity", "f4", 2),  # metres per second along world x and y
    ]
)


class Look(TypedDict, total=False):
    """Optional keywords of every solid; defaults give a matt, plain, upright one."""

    texture: Texture
    strength: float
    scale: float
    taper: tuple[float, float]
    yaw: float
    gloss: float


@dataclass
class Builder:
    """Collects solids; the only mutable part of building a scene."""

    rows: list[tuple[object, ...]] = field(default_factory=list)

    def at(
        self,
        x: float,
        y: float,
        z: float = 0.0,
        yaw: float = 0.0,
        velocity: tuple[float, float] = (0.0, 0.0),
    ) -> "Frame":
        """Return a local frame, so that a composed thing is written in its own coordinates."""
        return Frame(self, x, y, z, yaw, velocity)

    def primitives(self) -> Primitives:
        """Return the collected solids as one array of `PRIMITIVE` records."""
        return np.array(self.rows, dtype=PRIMITIVE)


@dataclass(frozen=True)
class Frame:
    """A place in the world with a heading; adds solids relative to itself."""

    builder: Builder
    x: float
    y: float
    z: float
    yaw: float
    velocity: tuple[float, float]

    def block(
        self, label: Label, centre: Vector, half: Vector, colour: Vector, **look: Unpack[Look]
    ) -> None:
        """Add a box, tapered towards its top where `taper` says so."""
        self._add(Shape.BLOCK, label, centre, half, colour, look)

    def cylinder(
        self, label: Label, centre: Vector, half: Vector, colour: Vector, **look: Unpack[Look]
    ) -> None:
        """Add an upright elliptic cylinder, or a cone where `taper` is 0."""
        self._add(Shape.CYLINDER, label, centre, half, colour, look)

    def ellipsoid(
        self, label: Label, centre: Vector, half: Vector, colour: Vector, **look: Unpack[Look]
    ) -> None:
        """Add an ellipsoid."""
        self._add(Shape.ELLIPSOID, label, centre, half, colour, look)

    def _add(
        self, shape: Shape, label: Label, centre: Vector, half: Vector, colour: Vector, look: Look
    ) -> None:
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        x, y, z = centre
        rows = self.builder.rows
        place = (self.x + cos * x - sin * y, self.y + sin * x + cos * y, self.z + z)
        rows.append(
            (
                place,
                self.yaw + look.get("yaw", 0.0),
                half,
                look.get("strength", 1.0),
                colour,
                look.get("scale", 1.0),
                look.get("taper", (1.0, 1.0)),
                len(rows) * 0.6180339887 % 1.0,  # golden ratio: neighbours get unlike seeds
                look.get("gloss", 0.0),
                shape,
                label,
                look.get("texture", Texture.PLAIN),
                self.velocity,
            )
        )
