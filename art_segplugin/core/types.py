"""Shape names used in every signature (checked at run time by the test suite).

Label maps, logits and all that has one value a pixel share their height and width: those of the
images, or 1 x 1 for a classifier, which is a segmenter of one pixel.
"""

from jaxtyping import Bool, Float, Integer
from torch import Tensor

Images = Float[Tensor, "n ch height width"]  # inside ThreatModel.bounds, usually [0, 1]
ImageMask = Bool[Tensor, "n height width"]  # pixels of the images, whatever the size of the labels
Labels = Integer[Tensor, "n h w"]  # class index, or ignore_index on void pixels
Logits = Float[Tensor, "n c h w"]  # before softmax, at label resolution
PixelMap = Float[Tensor, "n h w"]  # one number per pixel
PixelMask = Bool[Tensor, "n h w"]
PerImage = Float[Tensor, " n"]
PerImageMask = Bool[Tensor, " n"]

NO_VOID = -100
"""`ignore_index` where nothing is void, as in labels of whole images (torch's own default)."""
