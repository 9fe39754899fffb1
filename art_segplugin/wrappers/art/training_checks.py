"""What adversarial trainers refuse before they begin: sizes, keywords, images and labels."""

import math
import warnings
from collections.abc import Collection
from numbers import Real
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Data, check_array, check_images
from art_segplugin.wrappers.art.segmenter_mixin import SegmenterMixin
from art_segplugin.wrappers.art.sizes import pixel_bounds

_OF_ART = frozenset({"verbose", "training_mode", "drop_last", "batch_size"})
"""Keywords that ART's own code passes to a `fit`; they may be without effect."""

_LEAST_SHARE = 1 / 1000
"""Of the range of the images; a smaller radius was meant in another unit."""


def usual_step(eps: Any, eps_step: float | None, parts: float) -> float:
    """Return the length of a step: that given, or the radius over `parts`.

    Raises:
        InputError: The radius is no number.
    """
    return checked_size("eps", eps) / parts if eps_step is None else eps_step


def checked_size(name: str, value: Any) -> float:
    """Return a radius or step size as a float.

    Raises:
        InputError: It is no finite number.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value)):
        raise InputError(
            f"{name} is {value!r}; give one finite number in the unit of the images, such as 8/255 "
            "for images in [0, 1]."
        )
    return float(value)


def check_radius(eps: float, clip_values: Any) -> None:
    """Refuse a radius beyond the range of the images; warn of one that is far too small for it.

    Raises:
        InputError: It is larger than the range.
    """
    low, high = pixel_bounds(clip_values)
    span = high - low
    if eps > span:
        raise InputError(
            f"eps is {eps:g}, more than the whole range of the images, clip_values {low:g} to "
            f"{high:g}; give it in the unit of the images, such as {8 / 255 * span:.3g}."
        )
    # Without bounds any radius can be meant, and in [0, 1] there is no other unit to mistake it for.
    if 0 < eps < _LEAST_SHARE * span < math.inf and span != 1:
        warnings.warn(
            f"eps is {eps:.3g}, less than a thousandth of the range of the images, clip_values "
            f"{low:g} to {high:g}; it is in their unit: did you mean {eps * span:.3g}?",
            stacklevel=2,
        )


def check_half(half: Any) -> None:
    """Refuse what is no bool.

    Raises:
        InputError: It is none.
    """
    if not isinstance(half, bool):
        raise InputError(f"half is {half!r}; give True or False.")


def check_halves(half: bool, batch_size: int) -> None:
    """Refuse batches of which no half can be attacked.

    Raises:
        InputError: Half is to be attacked, of one image.
    """
    if half and batch_size < 2:
        raise InputError(
            "half leaves every other image of a batch alone, and there is 1 image a batch, which "
            "would never be attacked; give a batch_size of at least 2, or half=False."
        )


def refuse_unknown(keywords: Collection[str]) -> None:
    """Refuse keywords that neither a trainer nor ART's own code knows.

    Raises:
        TypeError: One of them is of this kind.
    """
    unknown = sorted(set(keywords) - _OF_ART)
    if unknown:
        raise TypeError(f"there is no argument {unknown[0]!r} here; look for a typing error.")


def check_pair(estimator: Any, x: Data, y: Data) -> None:
    """Refuse what are no images of the estimator with one label (or map) each.

    Raises:
        InputError: No arrays, no images, as many labels as there are not images, or images that do
            not fit the estimator's `input_shape`: in their channels, of classifiers in their size.
    """
    check_images(x, channels_first=estimator.channels_first)
    check_array("y", y)
    if len(x) == 0:
        raise InputError("x holds no images; give at least one.")
    if len(x) != len(y):
        raise InputError(
            f"there are labels for {len(y)} images and {len(x)} images; give one each."
        )
    given, wanted = tuple(x.shape[1:]), tuple(estimator.input_shape)
    # Segmenters take all sizes, and the processors of Hugging Face models make them alike.
    if isinstance(estimator, SegmenterMixin) or getattr(estimator, "processor", None) is not None:
        channels = slice(0, 1) if estimator.channels_first else slice(2, 3)
        fits = given[channels] == wanted[channels]
    else:
        fits = given == wanted
    if not fits:
        raise InputError(
            f"each image has shape {given} and the estimator's input_shape is {wanted}; give images "
            "of that shape, or an estimator of another input_shape and channels_first."
        )


def all_void(y: Data, ignore_index: int) -> bool:
    """Whether there is nothing to learn from labels: class indices that are all void."""
    return len(y) > 0 and bool((y == ignore_index).all())


def refuse_mixed(y: Any) -> None:
    """Refuse probabilities as labels, such as mixing and smoothing defences make.

    Raises:
        InputError: They are (n, c) and hold others than 0 and 1.
    """
    if y.ndim == 2 and y.shape[1] > 1 and bool(((y != 0) & (y != 1)).any()):
        raise InputError(
            "the labels are probabilities; adversarial training needs one class each: leave out "
            "defences that mix or smooth labels."
        )
