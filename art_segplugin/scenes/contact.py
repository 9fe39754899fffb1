"""How much of the sky the things on the ground hide from the ground beside them."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from art_segplugin.scenes.primitives import Label, Primitives

METRES_PER_TEXEL = 0.25


@dataclass(frozen=True, eq=False)
class ContactMap:
    """A soft map of footprints seen from above.

    Attributes:
        hidden: uint8 of shape (along y, along x); 255 under an object.
        corner: World x and y of the corner of texel (0, 0), metres.
    """

    hidden: npt.NDArray[np.uint8]
    corner: tuple[float, float]

    @property
    def size(self) -> tuple[float, float]:
        """Extent along world x and y in metres."""
        height, width = self.hidden.shape
        return width * METRES_PER_TEXEL, height * METRES_PER_TEXEL


def contact_map(solids: Primitives, centre: tuple[float, float], reach: float = 60.0) -> ContactMap:
    """Draw the footprints of everything that stands on the ground within `reach` metres."""
    corner = (centre[0] - reach, centre[1] - reach)
    flat = np.isin(solids["label"], [Label.ROAD, Label.LANE_MARKING, Label.SIDEWALK, Label.TERRAIN])
    low = solids["centre"][:, 2] - solids["half"][:, 2] < 0.6
    near = np.abs(solids["centre"][:, :2] - centre).max(axis=1) < reach + 10
    standing = solids[low & near & ~flat]
    cos, sin = np.cos(standing["yaw"])[:, None], np.sin(standing["yaw"])[:, None]
    x = standing["half"][:, :1] * np.array([[1, -1, -1, 1]])
    y = standing["half"][:, 1:2] * np.array([[1, 1, -1, -1]])
    corners = np.stack([cos * x - sin * y, sin * x + cos * y], axis=2)
    corners += standing["centre"][:, None, :2] - np.array(corner)
    side = round(2 * reach / METRES_PER_TEXEL)
    hidden = np.zeros((side, side), np.uint8)
    outlines = np.round(corners * (16 / METRES_PER_TEXEL)).astype(np.int32)
    for outline in outlines:
        cv2.fillConvexPoly(hidden, outline, 255, shift=4)
    return ContactMap(cv2.GaussianBlur(hidden, (0, 0), 0.6 / METRES_PER_TEXEL), corner)
