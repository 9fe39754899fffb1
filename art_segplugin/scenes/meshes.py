"""Triangles of the three unit solids."""

import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.primitives import Shape

Mesh = npt.NDArray[np.float32]
"""Corners of triangles, float32 of shape (3 * triangles, 6): position and gradient."""

SIDES = (16, 10, 6)
"""Corners around a round solid, for near, middle and far."""


def unit_mesh(shape: Shape, sides: int) -> Mesh:
    """Return the triangles of a solid of half-size 1, counter-clockwise seen from outside.

    The second half of each row is the gradient of the solid's implicit function, which scales like
    `gradient / half` where the position scales like `position * half`.
    """
    if shape is Shape.BLOCK:
        return _block()
    return _cylinder(sides) if shape is Shape.CYLINDER else _ellipsoid(sides)


def _quads(grid: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Split a (rows, columns, k) grid of corners into triangles."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    return np.stack([a, b, c, a, c, d], axis=2).reshape(-1, grid.shape[-1])


def _circle(sides: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    return np.cos(angle), np.sin(angle)


def _fit(sides: int) -> float:
    """Return the corner radius that gives a regular polygon the area of the unit circle."""
    return float(np.sqrt(2 * np.pi / sides / np.sin(2 * np.pi / sides)))


def _block() -> Mesh:
    face = np.array([[-1, -1], [1, -1], [1, 1], [-1, -1], [1, 1], [-1, 1]], dtype=np.float64)
    faces = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            position = np.empty((6, 3))
            position[:, axis] = sign
            position[:, (axis + 1) % 3] = sign * face[:, 0]
            position[:, (axis + 2) % 3] = face[:, 1]
            gradient = np.zeros((6, 3))
            gradient[:, axis] = sign
            faces.append(np.hstack([position, gradient]))
    return np.concatenate(faces).astype(np.float32)


def _cylinder(sides: int) -> Mesh:
    cos, sin = _circle(sides)
    radius = _fit(sides)
    zero, one = np.zeros_like(cos), np.ones_like(cos)
    rings = [
        np.stack([radius * cos, radius * sin, z * one, cos, sin, zero], axis=1) for z in (-1, 1)
    ]
    parts = [_quads(np.stack(rings))]
    for z in (-1.0, 1.0):
        edge = np.stack([radius * cos, radius * sin, z * one, zero, zero, z * one], axis=1)[::-1]
        centre = np.broadcast_to(np.array([0, 0, z, 0, 0, z]), edge.shape)
        fan = np.stack([centre[:-1], edge[:-1], edge[1:]], axis=1)
        parts.append((fan if z < 0 else fan[:, ::-1]).reshape(-1, 6))
    return np.concatenate(parts).astype(np.float32)


def _ellipsoid(sides: int) -> Mesh:
    cos, sin = _circle(sides)
    rings = 2 * ((sides + 2) // 4)  # even, so that one ring is the equator
    height = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    unit = np.stack(
        [
            np.cos(height)[:, None] * cos,
            np.cos(height)[:, None] * sin,
            np.broadcast_to(np.sin(height)[:, None], (rings + 1, sides + 1)),
        ],
        axis=2,
    )
    radius = np.sqrt(_fit(sides) * _fit(2 * rings))
    return _quads(np.concatenate([radius * unit, unit], axis=2)).astype(np.float32)
