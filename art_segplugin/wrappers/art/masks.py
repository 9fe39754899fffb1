"""From any form of ART's `mask` argument to attackable pixels."""

import torch

from art_segplugin.core.types import PixelMask
from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Data, to_tensor


def pixel_mask(mask: Data, x: Data, *, channels_first: bool) -> PixelMask:
    """True where pixels may be changed, (n, h, w), on the CPU.

    Args:
        mask: nonzero where pixels may be changed: (n, h, w), (1, h, w) or (h, w); or as images, with
            all channels or one, of which all must agree.
        x: the images.
        channels_first: layout of `x`, and of a mask with channels.

    Raises:
        InputError: another shape, a negative value, or channels that differ.
    """
    n, channels, height, width = x.shape if channels_first else (x.shape[i] for i in (0, 3, 1, 2))
    values = to_tensor(mask, torch.device("cpu"))
    if (values < 0).any():
        raise InputError("the mask holds negative values; give 0 for pixels to keep, else 1.")
    allowed = values != 0
    if allowed.ndim == 4:
        if not channels_first:
            allowed = allowed.permute(0, 3, 1, 2)
        if allowed.shape[1] in (1, channels):
            if not torch.equal(allowed.all(1), allowed.any(1)):
                raise InputError(
                    "the mask differs between channels; only whole pixels can be kept."
                )
            allowed = allowed[:, 0]
    if allowed.shape not in ((n, height, width), (1, height, width), (height, width)):
        raise InputError(
            f"the mask has shape {tuple(mask.shape)}; give one value per pixel, such as "
            f"{(n, height, width)} or {(1, height, width)}, or the shape of x."
        )
    return allowed.expand(n, height, width)
