"""From whatever a model returns to its logits, and what is doubtful about them before an attack."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.types import Logits
from art_segplugin.errors import InputError

_MASK2FORMER_SIZE = (384, 384)
"""Of the masks of all Mask2Former models in the post-processing of transformers."""
_LABELS_NEEDED = 4
_MODESTY = 0.25
"""By how much a model of unscaled cosines is more often right than it believes."""


def pixel_logits(output: Any, size: tuple[int, int]) -> Logits:
    """Find the logits in a model's output and enlarge them to the image.

    Recognised, in this order: a tensor; a mapping with ``out`` (torchvision) or ``logits``; an object
    with ``class_queries_logits`` and ``masks_queries_logits`` (Mask2Former and its kin); an object
    with ``.logits`` (transformers); a tuple or list, of which the first 4-D tensor counts.

    Args:
        output: What the model returned.
        size: Height and width of the images in pixels.

    Returns:
        Logits of shape (n, c, h, w), differentiable; of a model with one output channel those of its
        two classes, see `binary_logits`. For mask-and-class queries these are logarithms of the
        semantic scores, normalised over the classes, so that their argmax is the usual class map and
        their softmax the scores.

    Raises:
        InputError: No logits of shape (n, c, h, w) can be found.
    """
    if all(
        isinstance(getattr(output, name, None), Tensor)
        for name in ("class_queries_logits", "masks_queries_logits")
    ):
        return _from_queries(output, size)
    return binary_logits(_resize(_find(output), size))


def binary_logits(logits: Tensor) -> Tensor:
    """Give a model with one output channel z the logits [0, z] of its two classes.

    Their softmax is (1 - sigmoid(z), sigmoid(z)), and their cross-entropy is the binary one of z:
    class 1, the foreground, wins where z > 0. Other logits are returned as they are.

    Args:
        logits: (n, c, ...).
    """
    if logits.shape[1] != 1:
        return logits
    return torch.cat((torch.zeros_like(logits), logits), 1)


def are_binary(logits: Tensor) -> bool:
    """Whether logits are those that `binary_logits` makes of one channel; reads values back."""
    return logits.shape[1] == 2 and not bool(logits[:, 0].any())


def class_logits(output: Any, n: int) -> Tensor:
    """Find the logits (n, c) in the output of a classifier; the graph is kept.

    Args:
        output: A tensor (n, c) or (n, c, 1, 1), a mapping that has one under ``logits`` or ``out``, or
            an object with such ``.logits`` (transformers). One logit per image, (n, 1) or (n,),
            gives those of two classes, see `binary_logits`.
        n: Number of images.

    Raises:
        InputError: Anything else; what a segmentation model returns, for instance.
    """
    logits = getattr(output, "logits", output)
    if isinstance(output, Mapping):
        logits = output.get("logits", output.get("out", output))
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
    fits = shape[:1] == (n,) and math.prod(shape[1:2]) >= 1 and math.prod(shape[2:]) == 1
    if fits and logits.is_floating_point():
        return binary_logits(logits.flatten(1) if len(shape) > 1 else logits.unsqueeze(1))
    if not isinstance(logits, Tensor):
        remedy = "wrap it in art_segplugin.models.Classifier, with output=... to say where they are"
    elif math.prod(shape[2:]) > 1:
        remedy = "give label maps of the size of the images to a segmentation model"
    elif shape and not logits.is_floating_point():
        remedy = "let it return the logits before the argmax"
    else:
        remedy = "let it return one logit per class"
    given = f"tensor {shape}" if isinstance(logits, Tensor) else type(logits).__name__
    raise InputError(
        f"the model returned a {given} for one label per image; expected logits ({n}, classes): "
        f"{remedy}."
    )


def check_outputs(logits: Logits, labels: Tensor | None = None) -> None:
    """Make the checks of a model's outputs that read values back; call it once per run.

    Warns, in the name of the caller's caller, when the outputs are probabilities, on which losses
    made for logits are weak, or look like cosines, whose softmax is almost even: attacks on those
    overstate the robustness of models with normalised features and weights.

    Args:
        logits: Outputs of the model on images of the run, (n, c, h, w).
        labels: True labels (n, h, w) or (n,) if there are any, not the model's own predictions, see
            `no_predictions`; without them cosines are not recognised.

    Raises:
        InputError: They hold NaN or infinite values, or are those of one channel of probabilities.
    """
    if not logits.isfinite().all():
        raise InputError(
            "the model's output holds NaN or infinite values on these images: "
            "its weights or its normalisation are broken."
        )
    if not logits.numel():
        return
    if are_binary(logits) and 0 <= logits.min().item() < logits.max().item() <= 1:
        raise InputError(
            "the model has one output channel, and it is in [0, 1] on these images, as a probability "
            "after a sigmoid is: return the logit before the sigmoid, or pass output=torch.logit to "
            "Segmenter; if it is a logit, pass output=lambda z: torch.cat((-z, z), 1) / 2."
        )
    if logits.shape[1] > 1 and _are_probabilities(logits):
        warnings.warn(
            "the model's output looks like probabilities (it sums to 1 over the classes); "
            "attacks are stronger on the logits before the softmax.",
            stacklevel=3,
        )
    elif labels is not None and labels.shape == logits.shape[:1] + logits.shape[2:]:
        if not _are_cosines(logits, labels):
            return
        warnings.warn(
            "the model's output looks like cosines (all values are in [-1, 1], and it is right far "
            "more often than its softmax says): if features and weights are normalised, multiply it "
            "by the scale of the training, or attacks will seem weaker than they are.",
            stacklevel=3,
        )


def no_predictions(logits: Logits, labels: Tensor | None) -> Tensor | None:
    """Return labels that somebody gave, or None where they may be what the model itself predicts."""
    if labels is None or labels.shape != logits.shape[:1] + logits.shape[2:]:
        return None
    valid = (labels >= 0) & (labels < logits.shape[1])
    return None if torch.equal(logits.argmax(1)[valid], labels[valid]) else labels


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
    if logits.ndim == 4 and logits.is_floating_point():
        return logits
    if logits.is_complex():
        hint = "return their real part or magnitude"
    elif not logits.is_floating_point():
        hint = "a class map has no gradient: return the logits before the argmax"
    elif logits.ndim == 3:
        hint = (
            "a class map has no gradient: return the logits before the argmax; if it is the one logit "
            "per pixel of a binary model, pass output=lambda r: r.unsqueeze(1) to Segmenter, and "
            "r.unsqueeze(0) if the axis of the images is missing"
        )
    else:
        hint = "is this a segmentation model?"
    raise InputError(
        f"the model returned a tensor of shape {tuple(logits.shape)} of {logits.dtype}; "
        f"expected floating-point logits (n, classes, h, w); {hint}"
    )


def _from_queries(output: Any, size: tuple[int, int]) -> Logits:
    # The models' own post-processing: the last class of the queries is "no object", Mask2Former's masks
    # are brought to 384 x 384, and scores are enlarged before the logarithm is taken. The logarithm is of
    # each class's share, so that the softmax leaves the scores as they are.
    masks = output.masks_queries_logits
    if type(output).__name__.startswith("Mask2Former"):
        masks = _resize(masks, _MASK2FORMER_SIZE)
    classes = output.class_queries_logits.softmax(-1)[..., :-1]
    scores = _resize(torch.einsum("nqc,nqhw->nchw", classes, masks.sigmoid()), size)
    if scores.shape[1] == 1:  # one class is told from none
        scores = torch.cat((1 - scores, scores), 1)
    return scores.clamp_min(torch.finfo(scores.dtype).tiny).log().log_softmax(1)


def _resize(logits: Tensor, size: tuple[int, int]) -> Tensor:
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits, size, mode="bilinear", align_corners=False)


def _are_probabilities(outputs: Tensor) -> bool:
    total = outputs.sum(1)
    return bool((outputs >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3)


def _are_cosines(outputs: Tensor, labels: Tensor) -> bool:
    valid = (labels >= 0) & (labels < outputs.shape[1])
    if int(valid.sum()) < _LABELS_NEEDED or outputs.abs().amax().item() > 1.001:
        return False
    confidence, prediction = outputs.float().softmax(1).max(1)
    right = (prediction == labels)[valid].float().mean()
    return bool(right - confidence[valid].mean() > _MODESTY)
