"""Colours for the ray caster: a plain version of what the shaders do."""

import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.camera import Camera
from art_segplugin.data.scenes.contact import METRES_PER_TEXEL, contact_map
from art_segplugin.data.scenes.noise import sample_noise
from art_segplugin.data.scenes.primitives import Primitives, Shape, Texture
from art_segplugin.data.scenes.scene import Air, Scene

STOREY = 3.1
GRAIN = {
    Texture.ASPHALT: 0.5, Texture.PAVING: 0.35, Texture.GRASS: 0.9, Texture.BRICK: 0.5,
    Texture.FACADE: 0.3, Texture.BRICK_FACADE: 0.5, Texture.FOLIAGE: 1.6, Texture.LEAVES: 1.6,
    Texture.TILES: 0.4, Texture.PAINT: 0.4,
}  # fmt: skip
"""How strongly noise varies the brightness of a texture."""

Floats = npt.NDArray[np.floating]


def shade(
    scene: Scene,
    camera: Camera,
    solids: Primitives,
    rays: Floats,
    distance: Floats,
    number: npt.NDArray[np.int32],
) -> npt.NDArray[np.uint8]:
    """Colour what the rays meet; arguments as in `raycaster.Hits`.

    Returns:
        RGB picture, uint8 of shape (h, w, 3).
    """
    air, light = scene.air, scene.light
    radiance = _sky(air, rays)
    hit = number >= 0
    solid = solids[number[hit]]
    world = np.array(camera.position, np.float32) + distance[hit][:, None] * rays[hit]
    local, normal = _surface(solid, world)
    albedo = _albedo(solid, local, normal, world)

    facing = np.maximum(normal @ np.array(light.direction), 0)[:, None]
    upward = normal[:, 2:]
    open_sky = 1 - 0.75 * _hidden(scene, camera, world)[:, None] * np.exp(
        -np.maximum(world[:, 2:], 0) / 0.7
    )
    lit = np.array(light.sun) * (facing + 0.16 * (0.5 - 0.5 * upward) * open_sky)
    lit = lit + np.array(light.sky) * (0.7 + 0.3 * upward) * open_sky
    glow = np.where(
        solid["texture"] == Texture.LAMP, (0.25 + 2.5 * air.night) * solid["strength"], 0
    )
    colour = albedo * (lit + glow[:, None])
    clear = np.exp(-air.fog * distance[hit])[:, None]
    radiance[hit] = clear * colour + (1 - clear) * np.square(air.horizon)
    return _film(radiance * scene.sensor.gain)


def _sky(air: Air, rays: Floats) -> Floats:
    up = np.maximum(rays[..., 2:], 0)
    zenith, horizon = np.square(air.zenith), np.square(air.horizon)
    sky: Floats = horizon + (zenith - horizon) * (1 - np.exp(-4 * up))
    return sky


def _surface(solid: Primitives, world: Floats) -> tuple[Floats, Floats]:
    """Return points in local metres and unit normals in the world, each of shape (n, 3)."""
    cos, sin = np.cos(solid["yaw"]), np.sin(solid["yaw"])
    x, y, z = (world - solid["centre"]).T
    local = np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=1)
    unit = local / solid["half"]
    shrink = 1 - (1 - solid["taper"]) * (0.5 + 0.5 * unit[:, 2:])
    reach = np.abs(np.concatenate([unit[:, :2] / np.maximum(shrink, 1e-6), unit[:, 2:]], axis=1))
    round_side = np.hypot(reach[:, 0], reach[:, 1])
    sides = np.stack([round_side, round_side, reach[:, 2]], axis=1)
    cylinder = solid["shape"] == Shape.CYLINDER
    reach = np.where(cylinder[:, None], sides, reach)
    face = reach >= reach.max(axis=1, keepdims=True)
    gradient = np.where(cylinder[:, None], face * unit, face * np.sign(unit))
    lean = 0.5 * (1 - solid["taper"]) * gradient[:, :2] ** 2
    gradient[:, 2] += lean.sum(axis=1)
    gradient = np.where((solid["shape"] == Shape.ELLIPSOID)[:, None], unit, gradient)
    gradient = gradient / solid["half"]
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    normal = np.stack(
        [
            cos * gradient[:, 0] - sin * gradient[:, 1],
            sin * gradient[:, 0] + cos * gradient[:, 1],
            gradient[:, 2],
        ],
        axis=1,
    )
    return local, normal


def _albedo(solid: Primitives, local: Floats, normal: Floats, world: Floats) -> Floats:
    albedo: Floats = np.square(solid["colour"])
    grain = np.zeros(len(Texture), np.float32)
    grain[list(GRAIN)] = list(GRAIN.values())
    skewed = world[:, :2] + world[:, 2:] * np.array([0.73, -0.61], np.float32)
    noise = sample_noise(skewed / np.float32(3.0))
    vary = grain[solid["texture"]] * solid["strength"] * (noise.sum(axis=1) - 1)
    albedo *= (1 + vary)[:, None]
    facade = np.isin(solid["texture"], [Texture.FACADE, Texture.BRICK_FACADE])
    facade &= np.abs(normal[:, 2]) < 0.7
    albedo[facade] = np.where(_is_pane(solid[facade], local[facade])[:, None], 0.05, albedo[facade])
    np.clip(albedo, 0, 1, out=albedo)
    return albedo


def _is_pane(solid: Primitives, local: Floats) -> npt.NDArray[np.bool_]:
    """Return which points of facades lie on a window pane."""
    half = solid["half"]
    along_y = np.abs(local[:, 0]) / half[:, 0] > np.abs(local[:, 1]) / half[:, 1]
    across = np.where(along_y, local[:, 1], local[:, 0])
    wide = np.where(along_y, half[:, 1], half[:, 0])
    columns = np.maximum(np.floor(2 * wide / solid["scale"]), 1)
    storeys = np.maximum(np.floor(2 * half[:, 2] / STOREY), 1)
    column = (0.5 + across / (2 * wide)) * columns % 1
    storey = (0.5 + local[:, 2] / (2 * half[:, 2])) * storeys % 1
    half_width = 0.2 + 0.14 * (solid["seed"] * 7.3 % 1)
    pane: npt.NDArray[np.bool_] = (np.abs(column - 0.5) < half_width) & (
        np.abs(storey - 0.54) < 0.3
    )
    return pane


def _hidden(scene: Scene, camera: Camera, world: Floats) -> Floats:
    """Look the contact map up at points of shape (n, 3)."""
    contact = contact_map(scene.solids, camera.position[:2])
    texel = np.floor((world[:, :2] - np.array(contact.corner)) / METRES_PER_TEXEL).astype(int)
    column, row = np.clip(texel, 0, len(contact.hidden) - 1).T
    hidden: Floats = contact.hidden[row, column] / np.float32(255)
    return hidden


def _film(light: Floats) -> npt.NDArray[np.uint8]:
    shown = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    picture: npt.NDArray[np.uint8] = np.round(255 * np.sqrt(np.clip(shown, 0, 1))).astype(np.uint8)
    return picture
