"""What can be wrong with what an attack is given, each in one sentence."""

import math
from typing import Any

import torch
from torch import Tensor

from art_segplugin.errors import InputError, warn
from art_segplugin.units import LEAST_8_BIT_SPAN, check_sizes


def check_range(images: Tensor, bounds: tuple[float, float]) -> None:
    """Refuse images outside the bounds: clipping them would be no small perturbation.

    Raises:
        InputError: a value is outside, or NaN.
    """
    if not images.numel():
        return
    (low, high), (lower, upper) = (float(v) for v in images.aminmax()), bounds
    if math.isnan(low):
        raise InputError("the images hold NaN; give finite values.")
    slack = 1e-5 * (upper - lower) if upper - lower < math.inf else 0.0
    if not (lower - slack <= low and high <= upper + slack):
        raise InputError(
            f"the images hold values from {low:.4g} to {high:.4g} and the bounds are {bounds}; divide "
            "8-bit images by 255, or give the attack bounds=(0, 255) and eps in that unit."
        )


def check_unit(
    name: str,
    size: Any,
    bounds: tuple[float, float],
    norm: float,
    setting: str | None = "bounds",
    *,
    quiet: bool = False,
) -> None:
    """Question a size, or those of several images, see `art_segplugin.units.check_sizes`.

    Args:
        name: what the user calls it.
        size: one number, or one per image in a tensor or array; None is no size.
        bounds: smallest and largest value of the images.
        norm: 1, 2 or inf.
        setting: where the user sets the bounds.
        quiet: refuse only.

    Raises:
        InputError: a size is larger than the range.
    """
    if size is None:
        return
    sizes = torch.as_tensor(size, dtype=torch.float64, device="cpu")
    sizes = sizes[sizes > 0]
    if sizes.numel():
        smallest, largest = (float(value) for value in sizes.aminmax())
        check_sizes(name, smallest, largest, bounds, norm, setting, quiet=quiet)


def warn_of_scale(images: Any, bounds: tuple[float, float], setting: str = "bounds") -> None:
    """Warn of images in [0, 1] whose bounds are those of 8 bits, in whose unit the sizes then are.

    Args:
        images: tensor or array, inside the bounds.
        bounds: smallest and largest value that they may have.
        setting: where the user sets the bounds.
    """
    low, high = bounds
    if not LEAST_8_BIT_SPAN <= high - low < math.inf or 0 in tuple(images.shape):
        return
    darkest, brightest = float(images.min()), float(images.max())
    if darkest >= 0 and 0 < brightest <= 1:
        warn(
            f"the images go from {darkest:.4g} to {brightest:.4g} and their bounds are {low:g} to "
            f"{high:g}: if they are in [0, 1], set {setting}=(0, 1) and give sizes in that unit, such "
            "as eps=8/255."
        )


def check_start(start: Tensor | None) -> None:
    """Refuse a start that projecting cannot bring into the threat model.

    Raises:
        InputError: a value is infinite or NaN.
    """
    if start is not None and not bool(start.isfinite().all()):
        raise InputError("start holds values that are infinite or NaN; give finite ones.")


def largest_label(labels: Tensor) -> int:
    """The largest class in a label map without void pixels.

    Raises:
        InputError: a label is negative.
    """
    if not labels.numel():
        return 0
    low, high = (int(value) for value in labels.aminmax())
    if low < 0:
        raise InputError(f"the labels hold {low}; give classes from 0, and ignore_index for void.")
    return high


def check_logits(logits: object, labels: Tensor, classes: int) -> None:
    """Refuse what is no logits (n, c, h, w) for these labels, which name `classes` classes.

    Raises:
        InputError: another type or shape, or labels beyond the classes of the model.
    """
    wanted = f"({labels.shape[0]}, classes >= 2, {', '.join(map(str, labels.shape[1:]))})"
    if isinstance(logits, Tensor) and logits.ndim == 4 and logits.shape[1] >= 2:
        if (logits.shape[0], *logits.shape[2:]) == tuple(labels.shape):
            if classes > logits.shape[1]:
                raise InputError(
                    f"the labels hold class {classes - 1} and the model has {logits.shape[1]} "
                    f"classes, counted from 0; {_void_mark(labels)}."
                )
            return
        returned = f"logits of {tuple(logits.shape)}"
    elif isinstance(logits, Tensor):
        returned = f"a tensor of {tuple(logits.shape)}"
    else:
        returned = f"a {type(logits).__name__}"
    raise InputError(
        f"the model returned {returned}, expected a tensor {wanted}; {_remedy(logits, labels)}."
    )


def _remedy(logits: object, labels: Tensor) -> str:
    """What to do about logits of another size than the labels: a different thing for classifiers."""
    if isinstance(logits, Tensor) and logits.ndim < 2:
        return "give a model that returns one logit per class"
    classifier = isinstance(logits, Tensor) and logits[:1, :1].numel() == 1
    if tuple(labels.shape[1:]) != (1, 1):
        if classifier:
            return (
                "wrap a classifier in art_segplugin.models.Classifier and give it one label per "
                "image, of shape (n, 1, 1)"
            )
        return (
            "wrap the model in art_segplugin.models.Segmenter, which finds logits and scales them "
            "to the image"
        )
    if isinstance(logits, Tensor) and not classifier:
        return (
            "give label maps of the size of the images, as one label per image is for classifiers"
        )
    return "wrap the model in art_segplugin.models.Classifier, which gives logits this shape"


def _void_mark(labels: Tensor) -> str:
    """How to say which labels are no class."""
    if tuple(labels.shape[1:]) == (1, 1):
        return "mark images without a label with a negative ignore_index"
    return "mark void pixels with ignore_index"


def check_gradients(purpose: str = "attacking") -> None:
    """Refuse inference mode, in which nothing has a gradient.

    Args:
        purpose: what needs gradients.

    Raises:
        InputError: inference mode is on.
    """
    if torch.is_inference_mode_enabled():
        raise InputError(
            f"inference mode is on, in which nothing has a gradient; leave torch.inference_mode() "
            f"before {purpose}."
        )


def check_shapes(images: Any, labels: Any, mask: Any, start: Any) -> None:
    """Refuse images, labels, mask and start, whatever was given, that do not fit together.

    Raises:
        InputError: a shape or dtype, or inference mode, in which nothing has a gradient.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        raise InputError(f"images are {described(images)}; give floats (n, ch, h, w).")
    wanted, one_each = (images.shape[0], *images.shape[2:]), (images.shape[0], 1, 1)
    check_gradients()
    fits = isinstance(labels, Tensor) and tuple(labels.shape) in (wanted, one_each)
    if not fits or labels.is_floating_point():
        raise InputError(
            f"labels are {described(labels)}; give class indices (int64) of shape {wanted} for these "
            f"images, or of shape {one_each}, one per image, for a classifier."
        )
    if mask is not None and described(mask) != f"torch.bool of shape {wanted}":
        raise InputError(f"mask is {described(mask)}; give booleans of shape {wanted}.")
    if start is not None and described(start) != described(images):
        raise InputError(
            f"start is {described(start)}; give {described(images)}, as the images are."
        )


def described(value: object) -> str:
    """What something that does not fit is, in the words of an error."""
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
