"""From whatever a classifier returns to logits (n, c)."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from art_segplugin.errors import InputError


def class_logits(output: Any, n: int) -> Tensor:
    """Find the logits (n, c) in the output of a classifier; the graph is kept.

    Args:
        output: A tensor (n, c) or (n, c, 1, 1), a mapping that has one under ``logits`` or ``out``, or
            an object with such ``.logits`` (transformers).
        n: Number of images.

    Raises:
        InputError: Anything else; what a segmentation model returns, for instance.
    """
    logits = getattr(output, "logits", output)
    if isinstance(output, Mapping):
        logits = output.get("logits", output.get("out", output))
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
    if len(shape) >= 2 and shape[0] == n and shape[1] >= 2 and math.prod(shape[2:]) == 1:
        found: Tensor = logits.flatten(1)
        return found
    if not isinstance(logits, Tensor):
        remedy = "wrap it in art_segplugin.models.Classifier, with output=... to say where they are"
    elif math.prod(shape[2:]) > 1:
        remedy = "give label maps of the size of the images to a segmentation model"
    else:
        remedy = "let it return one logit per class"
    given = f"tensor {shape}" if isinstance(logits, Tensor) else type(logits).__name__
    raise InputError(
        f"the model returned a {given} for one label per image; expected logits ({n}, classes): "
        f"{remedy}."
    )
