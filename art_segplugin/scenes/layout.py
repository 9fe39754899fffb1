"""From a seed to a scene: camera, street, everything on it, weather and sensor."""

import math
from dataclasses import dataclass, field
from random import Random

import numpy as np

from art_segplugin.scenes.camera import Camera
from art_segplugin.scenes.ground import DEPTH, PAVEMENT_HEIGHT, add_ground
from art_segplugin.scenes.objects import buildings, furniture, greenery
from art_segplugin.scenes.objects.people import WALKING_SPEED, add_group
from art_segplugin.scenes.objects.vehicles import add_vehicle
from art_segplugin.scenes.plan import Plan, Side, sample_plan
from art_segplugin.scenes.primitives import Builder
from art_segplugin.scenes.scene import Air, Light, Scene, Sensor

TRAFFIC_SPEED = 8.0
"""Speed of moving cars, and of a camera drive, in metres per second."""

WEATHERS = {"clear": 5, "cloudy": 5, "overcast": 4, "fog": 2, "rain": 2, "dusk": 2}


def build_scene(seed: int | list[int], travel: float = 0.0) -> Scene:
    """Build the scene of a seed.

    Args:
        seed: Any seed that `numpy.random.default_rng` takes.
        travel: For a drive: distance in metres that the camera will go along its lane. It then
            starts in the middle of its lane and looks along it.

    Returns:
        The same scene for the same arguments, in any process and thread.
    """
    rng = Random(int(np.random.default_rng(seed).integers(2**63)))
    plan = sample_plan(rng, travel)
    camera = _driver(rng, plan) if travel else _onlooker(rng, plan)
    x, y, _ = camera.position
    builder = Builder()
    add_ground(builder, rng, plan)
    Site(builder, rng, plan, clear=(x - 3.0, x + travel + 3.5, y - 1.3, y + 1.3)).add_all()
    light, air = sample_weather(rng)
    return Scene(builder.primitives(), light, air, sample_sensor(rng, light), camera)


def _driver(rng: Random, plan: Plan) -> Camera:
    y = plan.driving * (plan.lanes - 0.5) * plan.lane
    height, pitch, fov = rng.uniform(1.3, 1.9), rng.uniform(-4, 0), rng.uniform(46, 58)
    return Camera((0.0, y, height), pitch=pitch, fov=fov)


def _onlooker(rng: Random, plan: Plan) -> Camera:
    """Stand on the road, seldom on a pavement, and look more or less along the street."""
    width = plan.lanes * plan.lane
    height = rng.uniform(1.2, 2.0) if rng.random() < 0.8 else rng.uniform(2.0, 4.0)
    yaw = rng.gauss(0, 5) if rng.random() < 0.75 else rng.uniform(-40, 40)
    if rng.random() < 0.15:
        side = rng.choice(plan.sides)
        y = side.sign * (side.curb + rng.uniform(0.8, side.pavement - 0.6))
        yaw -= 6.0 * side.sign
        height += PAVEMENT_HEIGHT
    else:
        y = plan.driving * rng.uniform(0.3, 0.75) * width + rng.gauss(0, 0.4)
    pitch = rng.gauss(-2.5, 2.5) - (3.0 if height > 2.0 else 0.0)
    return Camera((0.0, y, height), yaw, pitch, rng.gauss(0, 1.2), rng.uniform(38, 62))


@dataclass
class Site:
    """A street being filled.

    Attributes:
        builder: Where the solids go.
        rng: Source of all choices.
        plan: The street.
        clear: Rectangle (x first, x last, y first, y last) to leave free for the camera.
        taken: Rectangles (x, y, half length, half width) that are occupied.
    """

    builder: Builder
    rng: Random
    plan: Plan
    clear: tuple[float, float, float, float]
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add_all(self) -> None:
        """Fill the street."""
        for side in self.plan.sides:
            for first, last in self.plan.blocks():
                if side.style == "park":
                    self._park(side, first, last)
                else:
                    self._houses(side, first, last)
            self._corner_furniture(side)
            self._street_furniture(side)
            self._parked_cars(side)
            self._people(side)
        self._traffic()
        self._crossing_people()
        self._skyline()

    def _take(self, x: float, y: float, half: float, length: float | None = None) -> bool:
        """Occupy a square, or a rectangle of that half length along the street, if it is free."""
        along = half if length is None else length
        first, last, low, high = self.clear
        if first - along < x < last + along and low - half < y < high + half:
            return False
        for other_x, other_y, other_along, other_half in self.taken:
            if abs(x - other_x) < along + other_along and abs(y - other_y) < half + other_half:
                return False
        self.taken.append((x, y, along, half))
        return True

    def _houses(self, side: Side, first: float, last: float) -> None:
        rng = self.rng
        town = side.style != "suburb"
        storeys = rng.randint(3, 6)
        x = first + (side.pavement if town else 3.0)
        stop = last - (side.pavement if town else 3.0)
        while x < stop - 6:
            width = min(rng.uniform(8, 20) if town else rng.uniform(8, 13), stop - x)
            back = 0.0 if rng.random() < 0.8 else rng.uniform(0, 1.5)
            spot = self.builder.at(
                x + width / 2,
                side.sign * (side.front + back),
                PAVEMENT_HEIGHT,
                0 if side.sign > 0 else math.pi,
            )
            if town:
                levels = max(2, storeys + rng.choice((-1, 0, 0, 1, 2)))
                buildings.add_town_house(spot, rng, width, rng.uniform(10, 14), levels)
                x += width + (0.0 if rng.random() < 0.75 else rng.uniform(2, 9))
            else:
                buildings.add_cottage(spot, rng, width, rng.uniform(8, 11))
                x += width + rng.uniform(3, 9)
        if not town:
            self._gardens(side, first + 3, last - 3)
        if rng.random() < 0.6:
            self._second_row(side, first, last)

    def _second_row(self, side: Side, first: float, last: float) -> None:
        rng = self.rng
        x = first + 4
        while x < last - 8:
            width = min(rng.uniform(10, 20), last - x)
            y = side.sign * (side.curb + DEPTH - 16)
            if side.style == "suburb" or rng.random() < 0.4:
                tree = self.builder.at(x, y, PAVEMENT_HEIGHT)
                greenery.add_tree(tree, rng, rng.uniform(8, 15), greenery.leaf_colour(rng))
            else:
                spot = self.builder.at(x + width / 2, y, 0, 0 if side.sign > 0 else math.pi)
                buildings.add_tower(spot, rng, width, 15, rng.uniform(10, 32))
            x += width + rng.uniform(0, 12)

    def _gardens(self, side: Side, first: float, last: float) -> None:
        rng = self.rng
        leaves = greenery.leaf_colour(rng)
        fence_y = side.sign * (side.curb + side.pavement + 0.6)
        height = rng.uniform(0.7, 1.7)
        hedged = rng.random()
        x = first
        while x < last:
            length = min(rng.uniform(3, 9), last - x)
            if length > 1.5 and rng.random() < hedged:
                spot = self.builder.at(x + length / 2, fence_y, PAVEMENT_HEIGHT)
                greenery.add_hedge(spot, length - 0.6, height, leaves)
            if rng.random() < 0.5:
                y = side.sign * (side.front - rng.uniform(0.8, max(side.garden - 1.5, 0.9)))
                if self._take(x, y, 0.9):
                    bush = self.builder.at(x, y, PAVEMENT_HEIGHT)
                    greenery.add_bush(bush, rng, rng.uniform(0.7, 1.6), greenery.leaf_colour(rng))
            if rng.random() < 0.3:
                y = side.sign * (side.front - 0.4 * side.garden)
                if self._take(x + 1.5, y, 1.0):
                    tree = self.builder.at(x + 1.5, y, PAVEMENT_HEIGHT)
                    greenery.add_tree(tree, rng, rng.uniform(3.5, 7), greenery.leaf_colour(rng))
            x += length

    def _park(self, side: Side, first: float, last: float) -> None:
        rng = self.rng
        leaves = [greenery.leaf_colour(rng) for _ in range(3)]
        if rng.random() < 0.5:
            y = side.sign * (side.curb + side.pavement + 0.6)
            spot = self.builder.at((first + last) / 2, y, PAVEMENT_HEIGHT)
            greenery.add_hedge(spot, last - first - 5, rng.uniform(0.6, 1.3), leaves[0])
        for _ in range(int((last - first) / 4.5)):
            x = rng.uniform(first + 2, last - 2)
            y = side.sign * (side.curb + side.pavement + rng.uniform(2.5, 30))
            if self._take(x, y, 1.6):
                tree = self.builder.at(x, y, PAVEMENT_HEIGHT)
                greenery.add_tree(tree, rng, rng.uniform(6, 13), rng.choice(leaves))
        for _ in range(int((last - first) / 12)):
            x = rng.uniform(first + 2, last - 2)
            y = side.sign * (side.curb + side.pavement + rng.uniform(1.5, 12))
            if self._take(x, y, 0.8):
                bush = self.builder.at(x, y, PAVEMENT_HEIGHT)
                greenery.add_bush(bush, rng, rng.uniform(0.7, 1.5), rng.choice(leaves))

    def _corner_furniture(self, side: Side) -> None:
        """Stand signals and signs at the corners of the side streets."""
        rng = self.rng
        steel = rng.choice(furniture.STEEL)
        ours = side.sign == self.plan.driving
        for first, last in self.plan.crossings:
            lights = rng.random() < 0.5
            x = first - 1.2 if ours else last + 1.2
            y = side.sign * (side.curb + 0.5)
            yaw = 0.0 if ours else math.pi
            if x > self.plan.detail or not self._take(x, y, 0.4):
                continue
            spot = self.builder.at(x, y, PAVEMENT_HEIGHT, yaw)
            if lights:
                arm = -side.sign if ours else side.sign
                furniture.add_traffic_light(spot, rng, steel, arm)
            else:
                furniture.add_traffic_sign(spot, rng, steel)

    def _street_furniture(self, side: Side) -> None:
        rng = self.rng
        steel = rng.choice(furniture.STEEL)
        leaves, wood = greenery.leaf_colour(rng), rng.random() < 0.2
        spacing, reach = rng.uniform(20, 34), side.sign * (side.curb + 0.55)
        inwards = -side.sign * math.pi / 2
        height = rng.uniform(5, 9)
        planted = side.pavement > 2.3
        trees = self.plan.trees if planted else math.inf
        bollards = rng.random() < 0.2
        for first, last in self.plan.blocks():
            stop = min(last - 2, self.plan.detail)
            x = first + rng.uniform(2, 10)
            next_tree = first + rng.uniform(4, 8)
            while x < stop:
                if self._take(x, reach, 0.4):
                    spot = self.builder.at(x, reach, PAVEMENT_HEIGHT, inwards)
                    if wood:
                        furniture.add_utility_pole(spot, rng)
                    else:
                        furniture.add_lamp_post(spot, rng, steel)
                x += spacing
            while next_tree < last - 3:
                if self._take(next_tree, reach + side.sign * 0.3, 0.5):
                    tree = self.builder.at(next_tree, reach + side.sign * 0.3, PAVEMENT_HEIGHT)
                    greenery.add_tree(tree, rng, height * rng.uniform(0.85, 1.15), leaves, 0.9)
                next_tree += trees * rng.uniform(0.9, 1.1)
            x = first + rng.uniform(3, 25)
            while x < stop:
                if self._take(x, reach, 0.4):
                    facing = 0.0 if side.sign == self.plan.driving else math.pi
                    spot = self.builder.at(x, reach, PAVEMENT_HEIGHT, facing + rng.gauss(0, 0.08))
                    if rng.random() < 0.82:
                        furniture.add_traffic_sign(spot, rng, steel)
                    else:
                        furniture.add_street_name(spot, rng, steel)
                x += rng.uniform(10, 45)
            x = first + 3
            while bollards and x < min(stop, first + 40):
                if self._take(x, reach - side.sign * 0.2, 0.2):
                    furniture.add_bollard(
                        self.builder.at(x, reach - side.sign * 0.2, PAVEMENT_HEIGHT), steel
                    )
                x += 2.2

    def _parked_cars(self, side: Side) -> None:
        rng = self.rng
        if not side.parking:
            return
        y = side.sign * (side.curb - 0.2 - side.parking / 2)
        yaw = 0.0 if side.sign == self.plan.driving else math.pi
        for first, last in self.plan.blocks():
            x = first + 7.6
            while x < last - 6:
                if rng.random() < self.plan.parked and self._take(x, y, 1.1, length=3.0):
                    turn = yaw + (math.pi if rng.random() < 0.15 else 0) + rng.gauss(0, 0.02)
                    spot = self.builder.at(x, y + rng.gauss(0, 0.08), 0, turn)
                    add_vehicle(spot, rng, bus=False)
                x += rng.uniform(6.0, 6.6)

    def _traffic(self) -> None:
        rng, plan = self.rng, self.plan
        for direction in (1, -1):
            for number in range(plan.lanes):
                y = plan.driving * direction * (number + 0.5) * plan.lane
                x = plan.start + rng.expovariate(plan.traffic / 60)
                while x < plan.end:
                    if self._take(x, y, 1.3, length=6.2):
                        yaw = (0.0 if direction > 0 else math.pi) + rng.gauss(0, 0.015)
                        velocity = (direction * TRAFFIC_SPEED, 0.0)
                        spot = self.builder.at(x, y + rng.gauss(0, 0.15), 0, yaw, velocity)
                        add_vehicle(spot, rng)
                    x += 12.5 + rng.expovariate(plan.traffic / 60)
        for first, last in plan.crossings:
            if rng.random() < 0.4:
                side = rng.choice((-1, 1))
                y = side * (plan.lanes * plan.lane + rng.uniform(9, 22))
                x = (first + last) / 2 + rng.choice((-1.6, 1.6))
                if self._take(x, y, 6.2, length=1.3):
                    add_vehicle(self.builder.at(x, y, 0, rng.choice((-1, 1)) * math.pi / 2), rng)

    def _people(self, side: Side) -> None:
        rng, plan = self.rng, self.plan
        for first, last in plan.blocks():
            last = min(last, plan.detail)
            for _ in range(round((last - first) / 100 * plan.people * rng.uniform(0.6, 1.4))):
                x = rng.uniform(first + 0.5, last - 0.5)
                y = side.sign * (side.curb + rng.uniform(0.9, max(side.pavement - 0.5, 1.0)))
                if self._take(x, y, 0.7):
                    heading = rng.choice((0.0, math.pi))
                    add_group(self.builder, x, y, PAVEMENT_HEIGHT, heading, rng, WALKING_SPEED)

    def _crossing_people(self) -> None:
        """Put people on the zebra crossings."""
        rng, plan = self.rng, self.plan
        width = plan.lanes * plan.lane
        for first, last in plan.crossings:
            for x in (first - 2.6, last + 2.6):
                if x > plan.detail:
                    continue
                for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
                    y = rng.uniform(-width, width)
                    across = rng.choice((-1, 1)) * math.pi / 2
                    if self._take(x + rng.uniform(-1, 1), y, 0.8):
                        # they stay: a drive would otherwise meet them in its lane
                        add_group(self.builder, x, y, 0.0, across, rng, speed=0.0)

    def _skyline(self) -> None:
        """Close the far end of the street and the horizon beside it."""
        rng = self.rng
        for _ in range(14):
            x = self.plan.end + rng.uniform(30, 200)
            y = rng.uniform(-140, 140)
            if abs(y) < 14:
                continue
            if rng.random() < 0.6:
                width = rng.uniform(14, 30)
                spot = self.builder.at(x, y, 0, rng.choice((0.0, math.pi / 2)))
                buildings.add_tower(spot, rng, width, 15, rng.uniform(9, 40))
            else:
                tree = self.builder.at(x, y)
                greenery.add_tree(tree, rng, rng.uniform(9, 18), greenery.leaf_colour(rng), 1.4)


def sample_weather(rng: Random) -> tuple[Light, Air]:
    """Draw a kind of day, then the light and air of such a day."""
    kind = rng.choices(tuple(WEATHERS), tuple(WEATHERS.values()))[0]
    azimuth, height = rng.uniform(0, 360), rng.uniform(22, 65)
    warm = rng.uniform(0.0, 0.12)
    sun, clouds, fog, wetness, night = 1.0, 0.25, 0.0008, 0.0, 0.0
    zenith = (0.3, 0.5, rng.uniform(0.75, 0.85))
    horizon = (0.78, 0.86, 0.93)
    sky = (0.62, 0.7, 0.82)
    if kind == "clear":
        clouds = rng.uniform(0.0, 0.35)
    elif kind == "cloudy":
        sun, clouds = rng.uniform(0.6, 0.95), rng.uniform(0.4, 0.7)
        horizon, fog = (0.82, 0.87, 0.9), 0.0015
    elif kind == "overcast":
        sun, clouds, fog = 0.0, rng.uniform(0.85, 1.1), 0.002
        zenith, horizon, sky = (0.68, 0.71, 0.75), (0.84, 0.86, 0.87), (1.0, 1.02, 1.06)
    elif kind == "fog":
        sun, clouds, fog = 0.0, 0.0, rng.uniform(0.008, 0.022)
        zenith, horizon, sky = (0.8, 0.82, 0.84), (0.82, 0.84, 0.85), (0.95, 0.97, 1.0)
    elif kind == "rain":
        sun, clouds, fog, wetness = 0.0, rng.uniform(0.9, 1.1), 0.005, rng.uniform(0.5, 1.0)
        zenith, horizon, sky = (0.55, 0.58, 0.62), (0.72, 0.74, 0.76), (0.72, 0.75, 0.8)
    else:
        sun, clouds, height, warm = 0.75, rng.uniform(0.2, 0.6), rng.uniform(6, 13), 0.42
        night = rng.uniform(0.4, 1.0)
        zenith, horizon, sky = (0.3, 0.38, 0.58), (0.9, 0.68, 0.5), (0.42, 0.44, 0.55)
    strength = 2.1 * sun
    sun_light = (
        strength * (1 + 0.3 * warm),
        strength * (0.96 - 0.6 * warm),
        strength * (0.9 - 1.2 * warm),
    )
    light = Light(azimuth, height, sun_light, sky)
    air = Air(zenith, horizon, clouds, rng.random(), fog, wetness, night)
    return light, air


def sample_sensor(rng: Random, light: Light) -> Sensor:
    """Draw a camera whose exposure roughly suits the light, as automatic exposure does."""
    lit = 0.55 * max(light.sun) * max(light.direction[2], 0.25) + 0.8 * max(light.sky)
    exposure = 0.95 / lit * rng.uniform(0.78, 1.25)
    tint, green = rng.uniform(-0.08, 0.08), rng.uniform(-0.03, 0.03)
    gain = (exposure * (1 + tint), exposure * (1 + green), exposure * (1 - tint))
    return Sensor(
        gain=gain,
        vignette=rng.uniform(0.0, 0.3),
        blur=rng.uniform(0.2, 0.6),
        noise=rng.uniform(1.0, 5.0),
        seed=rng.getrandbits(32),
    )
