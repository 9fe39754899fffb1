"""ART's eps, eps_step and clip_values as the core takes them."""

from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from art_segplugin.core.types import PerImage
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Array, Data

Size = float | Array
"""A radius or step size: one number, or an array with one per image."""


def whole_number(name: str, value: Any, *, least: int) -> int:
    """The value as an int, also from NumPy's integers.

    Raises:
        TypeError: it is no whole number.
        InputError: it is below `least`.
    """
    if not isinstance(value, Integral):
        raise TypeError(f"{name} is {value!r}; give a whole number >= {least}.")
    if value < least:
        raise InputError(f"{name} is {value}; give a whole number >= {least}.")
    return int(value)


def per_image_size(name: str, size: Any, n: int) -> Any:
    """One number, or one for each of `n` images, (n,) float64, from shapes such as (n, 1, 1, 1).

    None, which an attack makes a number of, stays None.

    Raises:
        InputError: an array of another shape.
    """
    if not isinstance(size, np.ndarray):
        return size
    if size.size == 1:
        return float(size.item())
    if size.size != n or size.shape[0] != n:
        raise InputError(
            f"{name} has shape {size.shape} for {n} images; give one number, or one per image."
        )
    return torch.from_numpy(size.reshape(n).astype(np.float64))


def of_batch(size: Any, rows: slice) -> Any:
    """The part of a size that belongs to some of the images."""
    return size[rows] if isinstance(size, Tensor) else size


def shrunk_at_random(
    eps: float | PerImage, eps_step: float | PerImage, generator: torch.Generator | None
) -> tuple[float | PerImage, float | PerImage]:
    """A radius from N(0, eps/2) cut to [0, eps], and steps shrunk alike (arXiv:1611.01236).

    One draw, or one per image where `eps` has one per image.
    """
    count = len(eps) if isinstance(eps, Tensor) else 1
    draws = torch.empty(count, device=generator.device if generator else "cpu")
    nn.init.trunc_normal_(draws, std=0.5, a=0.0, b=1.0, generator=generator)
    share = draws.cpu().double() if isinstance(eps, Tensor) else draws.item()
    return eps * share, eps_step * share


def pixel_bounds(clip_values: Any) -> tuple[float, float]:
    """Smallest and largest pixel value; infinite where the estimator has no clip_values.

    Raises:
        InputError: clip_values that differ between features.
    """
    if clip_values is None:
        return (-np.inf, np.inf)
    lower, upper = (np.unique(side) for side in clip_values)
    if len(lower) > 1 or len(upper) > 1:
        raise InputError("clip_values differ between features; give one minimum and one maximum.")
    return (float(lower[0]), float(upper[0]))


def check_in_clip_values(x: Data, clip_values: Any) -> None:
    """Refuse images that lie outside the bounds by more than rounding; an attack would clamp them.

    Raises:
        InputError: values outside, or NaN.
    """
    if len(x) and np.isnan(float(x.min())):
        raise InputError("x holds NaN; give finite values.")
    outside = outside_range(x, clip_values)
    if outside:
        raise InputError(
            f"x goes {outside}; set these to the range of x, and leave normalisation to "
            "preprocessing=(mean, std)."
        )


def outside_range(x: Data, clip_values: Any) -> str:
    """In words, how far images (or NaN) lie outside the bounds; "" if they do not, but for rounding."""
    low, high = pixel_bounds(clip_values)
    if len(x) == 0 or np.isinf(low):
        return ""
    darkest, brightest = float(x.min()), float(x.max())
    rounding = 1e-5 * (high - low)
    if darkest >= low - rounding and brightest <= high + rounding:
        return ""
    return (
        f"from {darkest:.4g} to {brightest:.4g}, outside the estimator's clip_values "
        f"{low:g} to {high:g}"
    )
