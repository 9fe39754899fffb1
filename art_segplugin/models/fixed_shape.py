"""Models that take images of one size, or one number of them at a time, behind an interface for all."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.models.outputs import pixel_logits


class FixedShape(nn.Module):
    """Gives a model the shape that it takes, within the graph of the gradient.

    Images of another size are resized as image processors do (bilinear, antialiased, each side by
    itself). What the model returns stays as large as it is: `Segmenter` enlarges it to the images.
    Attacks are therefore on the pixels of the images as they are given, not on the resized ones.

    Args:
        model: Module or callable that takes images (n, ch, h, w).
        size: Height and width that it takes; None where any will do.
        batch: Number of images that it takes; None where any will do. The last images are repeated to
            fill the last batch.
    """

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        size: tuple[int, int] | None = None,
        batch: int | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.size = size
        self.batch = batch

    def forward(self, images: Tensor) -> Any:
        """Return what the model returns; the logits alone where images are given in several batches."""
        if self.size is not None and images.shape[-2:] != self.size:
            images = F.interpolate(
                images, self.size, mode="bilinear", align_corners=False, antialias=True
            )
        if self.batch is None or self.batch == len(images):
            return self.model(images)
        height, width = images.shape[-2:]
        parts = []
        for part in torch.split(images, self.batch):
            missing = self.batch - len(part)
            filled = torch.cat((part, part[-1:].expand(missing, -1, -1, -1))) if missing else part
            parts.append(pixel_logits(self.model(filled), (height, width))[: len(part)])
        return torch.cat(parts)
