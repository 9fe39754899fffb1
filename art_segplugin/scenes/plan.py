"""The plan of a street: what is decided before anything is placed."""

import math
from dataclasses import dataclass
from random import Random

STYLES = {"town": 5, "avenue": 4, "suburb": 4, "park": 2}
BEHIND, AHEAD = 45.0, 230.0
DETAIL = 60.0
"""How far ahead people, poles and signs stand: beyond, they would be a pixel or two of guesswork."""


@dataclass(frozen=True)
class Side:
    """One side of the street, from the middle line outwards; widths in metres.

    Attributes:
        sign: 1 for the left side (y > 0), -1 for the right.
        style: Kind of neighbourhood, a key of `STYLES`.
        curb: Distance of the curb from the middle line.
        parking: Width of the parking lane inside the curb, 0 without one.
        pavement: Width of the pavement.
        garden: Width of the green strip between pavement and houses.
    """

    sign: int
    style: str
    curb: float
    parking: float
    pavement: float
    garden: float

    @property
    def front(self) -> float:
        """Distance of the house fronts from the middle line."""
        return self.curb + self.pavement + self.garden


@dataclass(frozen=True)
class Plan:
    """A straight street along x with side streets.

    Attributes:
        start: Where the street begins, x in metres.
        end: Where it ends.
        detail: Where people, poles and signs end.
        lanes: Lanes per direction.
        lane: Width of a lane.
        driving: -1 where one drives on the right (y < 0), 1 on the left.
        sides: Left and right side.
        crossings: First and last x of each side street.
        traffic: Moving cars per 100 m of lane.
        parked: Share of parking places taken.
        people: Groups per 100 m of pavement.
        trees: Distance between street trees in metres; infinite without trees.
    """

    start: float
    end: float
    detail: float
    lanes: int
    lane: float
    driving: int
    sides: tuple[Side, Side]
    crossings: tuple[tuple[float, float], ...]
    traffic: float
    parked: float
    people: float
    trees: float

    def blocks(self) -> list[tuple[float, float]]:
        """Return first and last x of the built-up stretches between the side streets."""
        edges = [self.start, *(x for crossing in self.crossings for x in crossing), self.end]
        return list(zip(edges[::2], edges[1::2], strict=True))


def sample_plan(rng: Random, travel: float = 0.0) -> Plan:
    """Draw a street long enough to drive `travel` metres along it from x = 0."""
    style = rng.choices(tuple(STYLES), tuple(STYLES.values()))[0]
    lanes = 2 if style == "avenue" and rng.random() < 0.7 else 1
    lane = rng.uniform(2.6, 3.3)
    end = AHEAD + travel
    crossings = []
    x = rng.uniform(12, 70) if rng.random() < 0.8 else rng.uniform(70, 120)
    while x < end - 30:
        width = rng.uniform(6.5, 11)
        crossings.append((x, x + width))
        x += width + rng.uniform(45, 120)
    return Plan(
        start=-BEHIND,
        end=end,
        detail=DETAIL + travel,
        lanes=lanes,
        lane=lane,
        driving=rng.choice((-1, -1, 1)),
        sides=(_side(rng, 1, style, lanes * lane), _side(rng, -1, style, lanes * lane)),
        crossings=tuple(crossings),
        traffic=rng.choice((0.3, 0.8, 1.5, 2.5)),
        parked=rng.uniform(0.3, 0.95),
        people=rng.choice((2.0, 5.0, 9.0, 14.0)) * (0.5 if style == "suburb" else 1.0),
        trees=math.inf if rng.random() < 0.25 else rng.uniform(7, 18),
    )


def _side(rng: Random, sign: int, street: str, road: float) -> Side:
    style = rng.choice(tuple(STYLES)) if rng.random() < 0.25 else street
    parking = rng.uniform(2.0, 2.4) if rng.random() < 0.7 else 0.0
    wide = {"town": (2.0, 4.0), "avenue": (3.0, 6.0), "suburb": (1.5, 2.5), "park": (2.0, 3.5)}
    garden = {"town": 0.0, "avenue": 0.0, "suburb": rng.uniform(3, 7), "park": 14.0}[style]
    return Side(sign, style, road + parking + 0.3, parking, rng.uniform(*wide[style]), garden)
