"""Shape names used in every signature (checked at run time by the test suite)."""

from jaxtyping import Bool, Float, Integer
from torch import Tensor

Images = Float[Tensor, "n ch h w"]  # inside ThreatModel.bounds, usually [0, 1]
Labels = Integer[Tensor, "n h w"]  # class index, or ignore_index on void pixels
Logits = Float[Tensor, "n c h w"]  # before softmax, at label resolution
PixelMap = Float[Tensor, "n h w"]  # one number per pixel
PixelMask = Bool[Tensor, "n h w"]
PerImage = Float[Tensor, " n"]
