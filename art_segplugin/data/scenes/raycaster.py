"""NumPy ray caster: the renderer where there is no OpenGL, and the judge of the OpenGL labels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.camera import Camera
from art_segplugin.data.scenes.noise import sample_noise
from art_segplugin.data.scenes.primitives import Label, Primitives, Shape, Texture
from art_segplugin.data.scenes.scene import Scene
from art_segplugin.data.scenes.shading import shade
from art_segplugin.data.scenes.visibility import in_view

NEAR = 0.25
"""No hit counts that is less far in front of the camera, metres."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Hits:
    """What the rays of a picture meet first.

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

    The labels are exact; the picture is plainer than OpenGL's: no cast shadows, one sample a pixel.
    """
    hits = cast_rays(scene, camera, size)
    labels = np.append(hits.solids["label"], Label.SKY)[hits.number].astype(np.uint8)
    return shade(scene, camera, hits.solids, hits.rays, hits.distance, hits.number), labels


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
    """Return first and last row and column of each solid's bounding box in the picture."""
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
    # a box that reaches behind the camera has no bounding box in the picture
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
