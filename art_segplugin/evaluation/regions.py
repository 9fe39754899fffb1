"""The parts of an image whose pixels a diagnosis also counts by themselves."""

from dataclasses import asdict, dataclass
from typing import Any

from art_segplugin.core.types import Labels, PixelMask
from art_segplugin.evaluation.objects import check_small, objects_by_size
from art_segplugin.metrics.regions import boundary, foreground, interior


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
