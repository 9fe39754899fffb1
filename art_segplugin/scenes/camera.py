"""A pinhole camera: where it stands, how it is turned, its rays or matrix, and what it can see."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.primitives import Primitives, Vector

Matrix = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.floating]

SMALLEST = 0.5
"""Radius in pixels below which a solid is left out."""


@dataclass(frozen=True)
class Camera:
    """A camera in world coordinates (x along the street, y left, z up; metres and degrees).

    Attributes:
        position: Where the camera is.
        yaw: Heading, counter-clockwise from the x axis.
        pitch: Upward tilt.
        roll: Clockwise turn of the camera about its axis.
        fov: Vertical field of view.
    """

    position: Vector
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    fov: float = 50.0

    def __post_init__(self) -> None:
        """Refuse a field of view that no pinhole has."""
        if not 1.0 <= self.fov <= 150.0:
            raise ValueError(f"fov is {self.fov} degrees; expected 1..150")

    def axes(self) -> Matrix:
        """Return the unit vectors right, up and forward as the rows of a (3, 3) matrix."""
        yaw, pitch, roll = np.deg2rad([self.yaw, self.pitch, self.roll])
        forward = np.array(
            [np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)]
        )
        level = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        above = np.cross(level, forward)
        right = np.cos(roll) * level - np.sin(roll) * above
        up = np.sin(roll) * level + np.cos(roll) * above
        return np.stack([right, up, forward])

    def projection(self, size: tuple[int, int], near: float, far: float) -> Matrix:
        """Return the (4, 4) matrix from world to OpenGL clip space, row 0 of the image on top.

        Args:
            size: Height and width of the image in pixels.
            near: Distance of the near plane in metres.
            far: Distance of the far plane in metres.
        """
        height, width = size
        focal = 1.0 / np.tan(np.deg2rad(self.fov) / 2)
        right, up, forward = self.axes()
        position = np.asarray(self.position)
        depth = (far + near) / (far - near)
        rows = [
            np.append(right, -right @ position) * focal * height / width,
            # OpenGL counts rows from the bottom: turned over here, not after reading back
            -np.append(up, -up @ position) * focal,
            np.append(forward, -forward @ position) * depth,
            np.append(forward, -forward @ position),
        ]
        rows[2][3] -= 2 * far * near / (far - near)
        return np.stack(rows)

    def rays(self, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Return the unit directions through the pixel centres, float32 of shape (h, w, 3)."""
        height, width = size
        tangent = np.tan(np.deg2rad(self.fov) / 2)
        right, up, forward = self.axes()
        across = (2 * (np.arange(width) + 0.5) - width) / height * tangent
        down = (2 * (np.arange(height) + 0.5) / height - 1) * tangent
        rays = forward + across[None, :, None] * right - down[:, None, None] * up
        directions: npt.NDArray[np.float32] = rays.astype(np.float32)
        directions /= np.linalg.norm(directions, axis=2, keepdims=True)
        return directions


def in_view(solids: Primitives, camera: Camera, size: tuple[int, int]) -> tuple[Primitives, Pixels]:
    """Return the solids that can show in an image of a size, nearest first.

    Args:
        solids: Everything there is.
        camera: Who looks.
        size: Height and width of the image.

    Returns:
        The solids whose bounding sphere touches the field of view, and their rough radii in pixels.
    """
    right, up, forward = camera.axes().astype(np.float32)
    tangent = np.tan(np.deg2rad(camera.fov) / 2)
    offset = solids["centre"] - np.array(camera.position, np.float32)
    radius = np.linalg.norm(solids["half"], axis=1)
    distance = np.linalg.norm(offset, axis=1)
    pixels = size[0] / 2 / tangent * radius / np.maximum(distance, 0.1)
    ahead = offset @ forward
    seen = (ahead > -radius) & (pixels > SMALLEST)
    for axis, slope in ((right, tangent * size[1] / size[0]), (up, tangent)):
        inside = slope * ahead - np.abs(offset @ axis)
        seen &= inside > -radius * np.sqrt(1 + slope * slope)
    order = np.argsort(np.where(seen, distance, np.inf), kind="stable")[: seen.sum()]
    return solids[order], pixels[order]
