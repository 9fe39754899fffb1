"""The parts of an image whose pixels a diagnosis also counts by themselves; objects by their size."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from art_segplugin.core.types import Labels, PixelMask
from art_segplugin.errors import InputError
from art_segplugin.metrics.regions import boundary, foreground, interior

NEIGHBOURS = 8


@dataclass(frozen=True)
class Regions:
    """How true label maps are split into regions.

    Args:
        background: classes that are neither foreground nor objects; without any, "foreground" is
            left out.
        small_objects: share of the image below which an object is small.
        width: pixels at most this far (Chebyshev distance) from another class are "boundary".

    Raises:
        InputError: `small_objects` is not a share between 0 and 1.
    """

    background: tuple[int, ...] = ()
    small_objects: float = 0.005
    width: int = 2

    def __post_init__(self) -> None:
        check_small(self.small_objects)

    def described(self) -> dict[str, Any]:
        """All values, as JSON can hold them."""
        return asdict(self) | {"background": list(self.background)}

    def masks(self, labels: Labels, ignore_index: int = 255) -> dict[str, PixelMask]:
        """The pixels of each region: boolean maps of the shape of the labels.

        Labels (n, 1, 1), which are those of whole images, have no regions.
        """
        if labels.shape[1:] == (1, 1):
            return {}
        small, large = objects_by_size(labels, self.small_objects, self.background, ignore_index)
        masks = {
            "boundary": boundary(labels, self.width, ignore_index),
            "interior": interior(labels, self.width, ignore_index),
            "small objects": small,
            "large objects": large,
        }
        if self.background:
            masks["foreground"] = foreground(labels, self.background, ignore_index)
        return masks


def objects_by_size(
    labels: Labels,
    small: float = 0.005,
    background: Collection[int] = (),
    ignore_index: int = 255,
) -> tuple[PixelMask, PixelMask]:
    """Pixels of small objects and of large ones.

    An object is a connected component of one class, corners counted as connections. An object that
    something else hides in part is as many objects as it has visible pieces.

    Args:
        labels: integers (n, h, w).
        small: objects that cover a smaller share of the image than this are small, in (0, 1).
        background: classes that are no objects.
        ignore_index: label of void pixels, which belong to no object.

    Returns:
        Two boolean maps (n, h, w) on the device of the labels; each valid pixel that is not
        background is in one of them.

    Raises:
        InputError: `small` is not a share between 0 and 1.
    """
    check_small(small)
    maps = labels.cpu().numpy()
    areas = np.stack([_areas(one, {ignore_index, *background}) for one in maps])
    limit = small * maps[0].size
    found = torch.from_numpy(areas).to(labels.device)
    return (found > 0) & (found < limit), found >= limit


def check_small(small: float) -> None:
    """Refuse what is no share of an image.

    Raises:
        InputError: `small` is not between 0 and 1.
    """
    if not 0 < small < 1:
        raise InputError(
            f"small objects are those below {small:g} of the image; give a share between 0 and 1, "
            "such as 0.005."
        )


def _areas(labels: NDArray[np.integer], left_out: set[int]) -> NDArray[np.int32]:
    """The area of the object that each pixel of a map (h, w) belongs to, 0 where there is none."""
    areas = np.zeros(labels.shape, dtype=np.int32)
    for index in np.unique(labels):
        if int(index) in left_out:
            continue
        of_class = labels == index
        _, numbers, statistics, _ = cv2.connectedComponentsWithStats(
            of_class.astype(np.uint8), connectivity=NEIGHBOURS
        )
        areas[of_class] = statistics[numbers[of_class], cv2.CC_STAT_AREA]
    return areas
