"""The ground: asphalt, pavements with curbs, lane markings, and the land around."""

from dataclasses import dataclass
from random import Random

from art_segplugin.scenes.plan import Plan, Side
from art_segplugin.scenes.primitives import Builder, Frame, Label, Texture, Vector

PAVEMENT_HEIGHT = 0.13
DEPTH = 46.0
"""How far the built-up blocks reach from the curb, metres."""

SLAB = 0.3
ROAD_BEYOND, CROSSING_REACH, HORIZON = 300.0, 160.0, 900.0

PAVINGS: tuple[Vector, ...] = (
    (0.55, 0.54, 0.52),
    (0.48, 0.47, 0.46),
    (0.6, 0.54, 0.47),
    (0.52, 0.42, 0.37),
    (0.4, 0.4, 0.4),
)
GRASSES: tuple[Vector, ...] = (
    (0.34, 0.42, 0.18),
    (0.42, 0.44, 0.2),
    (0.28, 0.38, 0.18),
    (0.45, 0.4, 0.26),
)
WHITE: Vector = (0.82, 0.82, 0.78)


def add_ground(builder: Builder, rng: Random, plan: Plan) -> None:
    """Lay everything flat; surfaces lie side by side, since hidden ones would cost time too."""
    grey, warm = rng.uniform(0.24, 0.4), rng.uniform(-0.02, 0.03)
    ground = _Ground(
        builder.at(0, 0),
        asphalt=(grey + warm, grey, grey - warm),
        grass=rng.choice(GRASSES),
        paving=rng.choice(PAVINGS),
        tile=rng.choice((0.4, 0.6, 1.0, 2.0)),
    )
    left, right = (side.curb for side in plan.sides)
    ground.road(plan.start - ROAD_BEYOND, plan.end + ROAD_BEYOND, -right, left)
    for side in plan.sides:
        for first, last in plan.crossings:
            ground.road(first, last, side.sign * side.curb, side.sign * CROSSING_REACH)
        for first, last in plan.blocks():
            ground.block(side, first, last)
        far = side.sign * (side.curb + DEPTH)
        ground.land(plan.start - HORIZON, plan.end + HORIZON, far, side.sign * HORIZON)
        ground.land(plan.start - HORIZON, plan.start, side.sign * side.curb, far)
        ground.land(plan.end, plan.end + HORIZON, side.sign * side.curb, far)
    _markings(builder, rng, plan)


@dataclass(frozen=True)
class _Ground:
    """Lays rectangles from one x to another and one y to another."""

    world: Frame
    asphalt: Vector
    grass: Vector
    paving: Vector
    tile: float

    def road(self, *edges: float) -> None:
        self._slab(Label.ROAD, edges, 0.0, self.asphalt, Texture.ASPHALT, 1.0)

    def land(self, *edges: float) -> None:
        self._slab(Label.TERRAIN, edges, -0.1, self.grass, Texture.GRASS, 1.0)

    def block(self, side: Side, first: float, last: float) -> None:
        """Lay a built-up block: curb, pavement on three sides, garden in the middle."""
        sign, top, corner = side.sign, PAVEMENT_HEIGHT, 1.8
        curb, near, far = (
            sign * side.curb,
            sign * (side.curb + side.pavement),
            sign * (side.curb + DEPTH),
        )
        stone = (first, last, curb, curb + sign * 0.22)
        self._slab(Label.SIDEWALK, stone, top + 0.02, (0.62, 0.62, 0.6), Texture.PAVING, 1.0)
        for edges in (
            (first, last, curb, near),
            (first, first + corner, near, far),
            (last - corner, last, near, far),
        ):
            self._slab(Label.SIDEWALK, edges, top, self.paving, Texture.PAVING, self.tile)
        garden = (first + corner, last - corner, near, far)
        self._slab(Label.TERRAIN, garden, top + 0.03, self.grass, Texture.GRASS, 1.0)

    def _slab(
        self,
        label: Label,
        edges: tuple[float, ...],
        top: float,
        colour: Vector,
        texture: Texture,
        scale: float,
    ) -> None:
        x0, x1, y0, y1 = edges
        self.world.block(
            label, ((x0 + x1) / 2, (y0 + y1) / 2, top - SLAB / 2), (abs(x1 - x0) / 2, abs(y1 - y0) / 2, SLAB / 2),
            colour, texture=texture, scale=scale,
        )  # fmt: skip


def _markings(builder: Builder, rng: Random, plan: Plan) -> None:
    if rng.random() < 0.12:
        return
    world = builder.at(0, 0)
    wear = rng.uniform(0.2, 1.0)
    yellow = rng.random() < 0.2
    line: Vector = (0.8, 0.65, 0.2) if yellow else WHITE
    dash, gap = rng.choice(((3.0, 6.0), (3.0, 3.0), (4.0, 8.0)))
    solid_middle = rng.random() < 0.35
    edges = rng.random() < 0.6
    for first, last in plan.blocks():
        stop = last - 3.0
        if solid_middle:
            _line(world, first + 2, stop, 0.0, line, wear)
        lanes = range(1 - plan.lanes, plan.lanes)
        for number in lanes:
            if number == 0 and solid_middle:
                continue
            x = first + 2
            while x + dash < stop:
                _line(world, x, x + dash, number * plan.lane, line if number == 0 else WHITE, wear)
                x += dash + gap
        if edges:
            for side in plan.sides:
                y = side.sign * (side.curb - side.parking - 0.15)
                _line(world, first + 1, last - 1, y, WHITE, wear)
    width = plan.lanes * plan.lane
    for first, last in plan.crossings:
        for x, towards in ((first - 2.6, 1), (last + 2.6, -1)):
            if rng.random() < 0.6:
                stripes = int(2 * width / 1.0)
                for stripe in range(stripes):
                    y = -width + (stripe + 0.5) * 2 * width / stripes
                    _paint(world, (x, y), (1.4, 0.25), WHITE, wear)
            y = plan.driving * towards * width / 2
            _paint(world, (x - 2.2 * towards, y), (0.2, width / 2 - 0.1), WHITE, wear)


def _line(world: Frame, first: float, last: float, y: float, colour: Vector, wear: float) -> None:
    _paint(world, ((first + last) / 2, y), ((last - first) / 2, 0.075), colour, wear)


def _paint(
    world: Frame,
    centre: tuple[float, float],
    half: tuple[float, float],
    colour: Vector,
    wear: float,
) -> None:
    world.block(
        Label.LANE_MARKING,
        (*centre, -0.008),
        (*half, 0.02),
        colour,
        texture=Texture.PAINT,
        strength=wear,
    )
