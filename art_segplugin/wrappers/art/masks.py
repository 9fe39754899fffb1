"""From any form of ART's `mask` argument to attackable pixels."""

import torch
from torch import Tensor

from art_segplugin.core.types import PixelMask
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Data, to_tensor


def pixel_mask(mask: Data, x: Data, *, channels_first: bool) -> PixelMask:
    """True where pixels may be changed, (n, h, w), on the CPU.

    Args:
        mask: nonzero where pixels may be changed: (h, w), (n, h, w), one image or like `x`, or a
            shape that broadcasts to one of these; all channels must agree.
        x: the images.
        channels_first: layout of `x`, and of a mask with channels.

    Raises:
        InputError: another shape, one that can be read in two ways which differ, a value that is
            negative or NaN, or channels that differ.
    """
    shape, channel = tuple(x.shape), 1 if channels_first else 3
    pixels = (shape[0], *shape[2:]) if channels_first else shape[:3]
    values = to_tensor(mask, torch.device("cpu"))
    if not (values >= 0).all():
        raise InputError(
            "the mask holds values that are not >= 0; give 0 for pixels to keep, else 1."
        )
    readings = []
    if values.ndim in (2, 3) and _broadcasts(values, pixels):
        readings.append((values != 0).expand(pixels).unsqueeze(channel).expand(shape))
    if values.ndim in (3, 4) and _broadcasts(values, shape):
        readings.append((values != 0).expand(shape))
    if not readings:
        raise InputError(
            f"the mask has shape {tuple(mask.shape)}; give one value per pixel, such as {pixels} or "
            f"{pixels[1:]}, or a shape that broadcasts to that of x, {shape}."
        )
    if not torch.equal(readings[0], readings[-1]):
        raise InputError(
            f"the mask of shape {tuple(mask.shape)} may hold one map per image or one image for all; "
            f"give it as {(*shape[:channel], 1, *shape[channel + 1 :])} or {(1, *shape[1:])}."
        )
    allowed = readings[0]
    if not torch.equal(allowed.all(channel), allowed.any(channel)):
        raise InputError("the mask differs between channels; only whole pixels can be kept.")
    return allowed.select(channel, 0)


def _broadcasts(values: Tensor, shape: tuple[int, ...]) -> bool:
    sizes = zip(reversed(values.shape), reversed(shape), strict=False)
    return all(size in (1, wanted) for size, wanted in sizes)
