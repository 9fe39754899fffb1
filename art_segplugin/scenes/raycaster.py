"""NumPy ray caster: the renderer where there is no OpenGL, and the judge of the OpenGL labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.camera import Camera, in_view
from art_segplugin.scenes.contact import METRES_PER_TEXEL, contact_map
from art_segplugin.scenes.noise import sample_noise
from art_segplugin.scenes.primitives import Label, Primitives, Shape, Texture
from art_segplugin.scenes.scene import Air, Scene

NEAR = 0.25
"""No hit counts that is less far in front of the camera, metres."""

STOREY = 3.1
GRAIN = {
    Texture.ASPHALT: 0.5, Texture.PAVING: 0.35, Texture.GRASS: 0.9, Texture.BRICK: 0.5,
    Texture.FACADE: 0.3, Texture.BRICK_FACADE: 0.5, Texture.FOLIAGE: 1.6, Texture.LEAVES: 1.6,
    Texture.TILES: 0.4, Texture.PAINT: 0.4,
}  # fmt: skip
"""How strongly noise varies the brightness of a texture."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Hits:
    """What the rays of an image meet first.

    Attributes:
        solids: The solids in view.
        rays: Unit directions, float32 of shape (h, w, 3).
        distance: Metres along each ray, infinite where it meets nothing, shape (h, w).
        number: Position in `solids`, -1 where the ray meets nothing, shape (h, w).
    """

    solids: Primitives
    rays: Floats
    distance: Floats
    number: npt.NDArray[np.int32]


def render(
    scene: Scene, camera: Camera, size: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw a scene before the sensor spoils it; arguments and result as in `GLRenderer.render`.

    The labels are exact; the image is plainer than OpenGL's: no cast shadows, one sample a pixel.
    """
    hits = cast_rays(scene, camera, size)
    labels = np.append(hits.solids["label"], Label.SKY)[hits.number].astype(np.uint8)
    return shade(scene, camera, hits), labels


def cast_rays(scene: Scene, camera: Camera, size: tuple[int, int]) -> Hits:
    """Find what each pixel's ray meets first."""
    solids, _ = in_view(scene.solids, camera, size)
    rays = camera.rays(size)
    eye = np.array(camera.position, np.float32)
    nearest = (NEAR / (rays @ camera.axes()[2].astype(np.float32))).astype(np.float32)
    distance = np.full(size, np.inf, np.float32)
    number = np.full(size, -1, np.int32)
    windows = _windows(solids, camera, size)
    closest = np.linalg.norm(solids["centre"] - eye, axis=1) - np.linalg.norm(
        solids["half"], axis=1
    )
    for index, (top, bottom, left, right) in enumerate(windows):
        window = (slice(top, bottom), slice(left, right))
        if top >= bottom or left >= right or distance[window].max() < closest[index]:
            continue
        solid = solids[index]
        hit = _intersect(solid, eye, rays[window], nearest[window])
        before = hit < distance[window]
        if solid["texture"] == Texture.LEAVES and before.any():
            before[before] = ~_is_gap(solid, eye, rays[window][before], hit[before])
        distance[window][before] = hit[before]
        number[window][before] = index
    return Hits(solids, rays, distance, number)


def _windows(
    solids: Primitives, camera: Camera, size: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """Return first and last row and column of each solid's bounding box in the image."""
    height, width = size
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = signs[None] * solids["half"][:, None, :].astype(np.float64)
    cos, sin = np.cos(solids["yaw"])[:, None], np.sin(solids["yaw"])[:, None]
    x, y, z = np.moveaxis(corners, 2, 0)
    world = np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=2) + solids["centre"][:, None]
    seen = (world - np.array(camera.position)) @ camera.axes().T
    behind = (seen[..., 2] < NEAR).any(axis=1)
    scale = height / 2 / np.tan(np.deg2rad(camera.fov) / 2)
    depth = np.maximum(seen[..., 2], NEAR)
    column = width / 2 + scale * seen[..., 0] / depth
    row = height / 2 - scale * seen[..., 1] / depth
    edges = np.stack([row.min(1), row.max(1) + 1, column.min(1), column.max(1) + 1], axis=1)
    # a box that reaches behind the camera has no bounding box in the image
    edges[behind] = (0, height, 0, width)
    limits = np.array([height, height, width, width])
    rows = np.clip(np.floor(edges), 0, limits).astype(int)
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in rows]


def _intersect(solid: np.void, eye: Floats, rays: Floats, nearest: Floats) -> Floats:
    """Return the distance at which each ray enters a solid, infinite where it misses."""
    cos, sin = np.cos(solid["yaw"]), np.sin(solid["yaw"])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) / solid["half"]
    start = (eye - solid["centre"]) @ turn
    along = rays @ turn.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        if solid["shape"] == Shape.BLOCK:
            return _enter_block(solid, start, along, nearest)
        if solid["shape"] == Shape.CYLINDER:
            return _enter_cylinder(solid, start, along, nearest)
        return _enter_sphere(start, along, nearest)


def _enter_block(
    solid: np.void, start: npt.NDArray[np.float64], along: Floats, nearest: Floats
) -> Floats:
    """Clip the ray against the six half-spaces `normal . x <= limit` of a tapered unit box."""
    enter = np.full(along.shape[:-1], -np.inf, np.float32)
    leave = np.full(along.shape[:-1], np.inf, np.float32)
    planes = [(np.array([0.0, 0.0, sign]), 1.0) for sign in (-1.0, 1.0)]
    for axis in (0, 1):
        taper = float(solid["taper"][axis])
        for sign in (-1.0, 1.0):
            normal = np.array([0.0, 0.0, (1 - taper) / 2])
            normal[axis] = sign
            planes.append((normal, (1 + taper) / 2))
    for normal, limit in planes:
        slope = along @ normal.astype(np.float32)
        t = np.float32(limit - start @ normal) / slope
        np.maximum(enter, np.where(slope < 0, t, -np.inf), out=enter)
        np.minimum(leave, np.where(slope > 0, t, np.inf), out=leave)
        leave[(slope == 0) & (start @ normal > limit)] = -np.inf
    return np.where((enter <= leave) & (enter > nearest), enter, np.inf).astype(np.float32)


def _enter_cylinder(
    solid: np.void, start: npt.NDArray[np.float64], along: Floats, nearest: Floats
) -> Floats:
    """Meet the mantle x^2 + y^2 = (m - k z)^2 of a tapered unit cylinder, and its two lids."""
    taper = float(solid["taper"][0])
    k, m = (1 - taper) / 2, (1 + taper) / 2
    x, y, z = (float(value) for value in start)
    dx, dy, dz = np.moveaxis(along, -1, 0)
    radius = m - k * z
    a = dx * dx + dy * dy - k * k * dz * dz
    b = x * dx + y * dy + k * radius * dz
    c = x * x + y * y - radius * radius
    root = np.sqrt(b * b - a * c)
    best = np.full(along.shape[:-1], np.inf, np.float32)
    for t in ((-b - root) / a, (-b + root) / a):
        height = z + t * dz
        good = (np.abs(height) <= 1) & (m - k * height >= 0) & (t > nearest)
        best = np.where(good & (t < best), t, best)
    for lid, rim in ((-1.0, 1.0), (1.0, taper)):
        t = (lid - z) / dz
        inside = (x + t * dx) ** 2 + (y + t * dy) ** 2 <= rim * rim
        best = np.where(inside & (t > nearest) & (t < best), t, best)
    return best.astype(np.float32)


def _enter_sphere(start: npt.NDArray[np.float64], along: Floats, nearest: Floats) -> Floats:
    a = np.einsum("...k,...k", along, along)
    b = along @ start.astype(np.float32)
    # in float64: the difference of two large squares
    root = np.sqrt(b.astype(np.float64) ** 2 - a.astype(np.float64) * (start @ start - 1))
    t = (-b - root) / a
    return np.where(t > nearest, t, np.inf).astype(np.float32)


def _is_gap(solid: np.void, eye: Floats, rays: Floats, distance: Floats) -> npt.NDArray[np.bool_]:
    """Return where a ray finds a gap between the leaves; the rule of leaves.glsl."""
    world = eye + distance[:, None] * rays
    cos, sin = np.cos(solid["yaw"]), np.sin(solid["yaw"])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], np.float32)
    normal = ((world - solid["centre"]) @ turn / solid["half"] ** 2) @ turn.T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    leaf = sample_noise(foliage(world, normal) / solid["scale"] / 6.0)[:, 1]
    rim = 1 - np.abs(np.einsum("nk,nk->n", normal, rays))
    gap: npt.NDArray[np.bool_] = rim > 0.55 + 0.9 * (leaf - 0.3)
    return gap


def foliage(world: Floats, normal: Floats) -> Floats:
    """Return where on the noise tile points of foliage lie: flat on the side each one faces."""
    a = np.abs(normal)
    side = np.where((a[:, 0] > a[:, 1])[:, None], world[:, [1, 2]], world[:, [0, 2]])
    top = a[:, 2] > np.maximum(a[:, 0], a[:, 1])
    return np.where(top[:, None], world[:, :2], side)


def shade(scene: Scene, camera: Camera, hits: Hits) -> npt.NDArray[np.uint8]:
    """Colour what the rays meet: a plain version of what the shaders do.

    Returns:
        RGB image, uint8 of shape (h, w, 3).
    """
    air, light = scene.air, scene.light
    radiance = _sky(air, hits.rays)
    hit = hits.number >= 0
    solid = hits.solids[hits.number[hit]]
    distance = hits.distance[hit][:, None]
    world = np.array(camera.position, np.float32) + distance * hits.rays[hit]
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
    clear = np.exp(-air.fog * distance)
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
    image: npt.NDArray[np.uint8] = np.round(255 * np.sqrt(np.clip(shown, 0, 1))).astype(np.uint8)
    return image
