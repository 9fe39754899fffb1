"""From whatever a segmentation model returns to logits at the size of the image."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError


def pixel_logits(output: Any, size: tuple[int, int]) -> Logits:
    """Find the logits in a model's output and enlarge them to the image.

    Recognised, in this order: a tensor; a mapping with ``out`` (torchvision) or ``logits``; an object
    with ``class_queries_logits`` and ``masks_queries_logits`` (Mask2Former and its kin); an object
    with ``.logits`` (transformers); a tuple or list, of which the first 4-D tensor counts.

    Args:
        output: What the model returned.
        size: Height and width of the images in pixels.

    Returns:
        Logits of shape (n, c, h, w), differentiable. For mask-and-class queries these are logarithms
        of the semantic scores, so that their argmax is the usual class map and their softmax the
        normalised scores.

    Raises:
        InputError: No logits of shape (n, c, h, w) can be found.
    """
    class_queries = getattr(output, "class_queries_logits", None)
    mask_queries = getattr(output, "masks_queries_logits", None)
    if class_queries is not None and mask_queries is not None:
        return _from_queries(class_queries, mask_queries, size)
    return _resize(_find(output), size)


def _find(output: Any) -> Tensor:
    if isinstance(output, Tensor):
        return _with_class_axis(output)
    if isinstance(output, Mapping):
        for key in ("out", "logits"):
            if isinstance(output.get(key), Tensor):
                return _with_class_axis(output[key])
        keys = ", ".join(repr(key) for key in output)
        raise InputError(
            f"the model returned a mapping with {keys}; expected 'out' or 'logits': "
            "pass output=lambda result: result['...'] to Segmenter."
        )
    if isinstance(getattr(output, "logits", None), Tensor):
        return _with_class_axis(output.logits)
    if isinstance(output, tuple | list):
        for part in output:
            if isinstance(part, Tensor) and part.ndim == 4:
                return part
        raise InputError(
            f"the model returned a {type(output).__name__} without a tensor of shape "
            "(n, classes, h, w): pass output=... to Segmenter to say where the logits are."
        )
    raise InputError(
        f"the model returned a {type(output).__name__}, in which no logits were recognised: "
        "pass output=... to Segmenter, a function from it to a tensor (n, classes, h, w)."
    )


def _with_class_axis(logits: Tensor) -> Tensor:
    if logits.ndim == 4:
        return logits
    hint = (
        "a class map has no gradient: return the logits before the argmax"
        if logits.ndim == 3
        else "is this a segmentation model?"
    )
    raise InputError(
        f"the model returned a tensor of shape {tuple(logits.shape)}; "
        f"expected logits (n, classes, h, w); {hint}"
    )


def _from_queries(class_queries: Tensor, mask_queries: Tensor, size: tuple[int, int]) -> Logits:
    # The last class of the queries is "no object". The scores are enlarged before the logarithm is
    # taken, as the models' own post-processing does, so that the class map is the same.
    classes = class_queries.softmax(-1)[..., :-1]
    scores = torch.einsum("nqc,nqhw->nchw", classes, mask_queries.sigmoid())
    smallest = torch.finfo(scores.dtype).tiny
    return _resize(scores, size).clamp_min(smallest).log()


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)
