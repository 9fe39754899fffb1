"""From a seed to a scene: camera, street, everything on it, weather and sensor."""

from random import Random

import numpy as np

from art_segplugin.data.scenes.camera import Camera
from art_segplugin.data.scenes.ground import PAVEMENT_HEIGHT, add_ground
from art_segplugin.data.scenes.plan import Plan, sample_plan
from art_segplugin.data.scenes.primitives import Builder
from art_segplugin.data.scenes.scene import Scene
from art_segplugin.data.scenes.site import Site
from art_segplugin.data.scenes.weather import sample_sensor, sample_weather


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
