"""How far an attack without a radius has to go: distances of the images, and curves over a radius.

Attack pixel success rate, APSR (Rony et al., CVPR 2023, arXiv:2206.07179): an image counts as fooled
when a share of its valid pixels, there 99 %, is. Its distance is that of the nearest point found that
fools so many; where none was found it is infinite, for the image stands at every radius that was tried.
"""

import math
from collections.abc import Sequence

from torch import Tensor

from art_segplugin.errors import InputError

ROUNDING = 1e-6
"""Of shares in float32, as attacks compare them."""


def fooling_distances(distances: Tensor, success: Tensor, share: float) -> Tensor:
    """The distances of images that are fooled; infinity for others, NaN for those without pixels.

    Args:
        distances: (n,) size of the perturbation of each image.
        success: (n,) share of its valid pixels that are fooled; NaN where it has none.
        share: from which on an image counts as fooled, in (0, 1].

    Raises:
        InputError: another share, or shapes that differ.
    """
    if not 0 < share <= 1:
        raise InputError(f"share is {share}; give a number above 0 and up to 1.")
    if distances.shape != success.shape:
        raise InputError(
            f"there are {tuple(distances.shape)} distances and {tuple(success.shape)} shares of "
            "fooled pixels; give one each an image."
        )
    found = distances.double().masked_fill(success < share - ROUNDING, math.inf)
    return found.masked_fill(success.isnan(), math.nan)


def median_distance(distances: Tensor) -> float:
    """The median, NaN left out; infinite where half of the images stand, NaN where there is none.

    Args:
        distances: as `fooling_distances` gives them.
    """
    known = distances[~distances.isnan()].sort().values
    if not len(known):
        return math.nan
    low, high = known[(len(known) - 1) // 2], known[len(known) // 2]
    return float(low if low == high else (low + high) / 2)


def fooled_within(distances: Tensor, radii: Sequence[float]) -> list[float]:
    """For each radius the share of the images whose distance is no larger; 1 minus it stands.

    Args:
        distances: as `fooling_distances` gives them; NaN is left out.
        radii: in the unit of the distances.

    Returns:
        Shares in 0..1; NaN where there is no image.
    """
    known = distances[~distances.isnan()].double()
    if not len(known):
        return [math.nan for _ in radii]
    # A perturbation of 8/255 in float32 is within 8/255.
    return [float((known <= radius * (1 + ROUNDING)).double().mean()) for radius in radii]


def standing_curve(distances: Tensor) -> tuple[list[float], list[float]]:
    """The share of images that stand as a function of the radius: a step at each distance.

    Args:
        distances: as `fooling_distances` gives them; NaN is left out.

    Returns:
        Radii, 0 and the finite distances in rising order, and the share that stands from there on.
    """
    known = distances[~distances.isnan()].double()
    radii = [0.0, *sorted({r for r in known[known.isfinite()].tolist() if r > 0})]
    return radii, [1 - share for share in fooled_within(known, radii)]
