"""Which solids a camera can see at all, how large, and in which order to draw them."""

import numpy as np
import numpy.typing as npt

from art_segplugin.data.scenes.camera import Camera
from art_segplugin.data.scenes.primitives import Primitives

SMALLEST = 0.5
"""Radius in pixels below which a solid is left out."""

Pixels = npt.NDArray[np.floating]


def in_view(solids: Primitives, camera: Camera, size: tuple[int, int]) -> tuple[Primitives, Pixels]:
    """Return the solids that can show in a picture of a size, nearest first.

    Args:
        solids: Everything there is.
        camera: Who looks.
        size: Height and width of the picture.

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
