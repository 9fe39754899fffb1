"""What a classifier returns, for the faces."""

import math
from typing import Any

from torch import Tensor

from art_segplugin.errors import InputError

NO_VOID = -1
"""`ignore_index` of labels of whole images: all of them are classes, also the one numbered 255."""


def class_logits(output: Any, n: int) -> Tensor:
    """Logits (n, c) in the output of a classifier.

    Args:
        output: a tensor (n, c) or (n, c, 1, 1), or an object with such `.logits` (transformers).
        n: number of images.

    Raises:
        InputError: anything else; what a segmentation model returns, for instance.
    """
    logits = getattr(output, "logits", output)
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
    if len(shape) >= 2 and shape[0] == n and shape[1] >= 2 and math.prod(shape[2:]) == 1:
        return logits.flatten(1)
    if not isinstance(logits, Tensor):
        remedy = "wrap it in art_segplugin.models.Classifier, with output=... to say where they are"
    elif math.prod(shape[2:]) > 1:
        remedy = "give label maps of the size of the images to a segmentation model"
    else:
        remedy = "let it return one logit per class"
    found = f"tensor {shape}" if isinstance(logits, Tensor) else type(logits).__name__
    raise InputError(
        f"the model returned a {found} for one label per image; expected logits ({n}, classes): "
        f"{remedy}."
    )
