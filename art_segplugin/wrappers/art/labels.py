"""From any form in which ART hands labels over to class indices."""

import torch
from torch import Tensor

from art_segplugin.core.types import Labels
from art_segplugin.core.void import binary_doubt
from art_segplugin.errors import InputError, warn
from art_segplugin.wrappers.art.arrays import Data, to_tensor


def label_map(y: Data, like: Tensor, *, nb_classes: int, ignore_index: int) -> Labels:
    """Class indices (n, h, w), int64, on the device of `like`.

    Args:
        y: (n, h, w) or (n, 1, h, w) class indices, in which `ignore_index` marks void pixels; or
            (n, nb_classes, h, w) one-hot labels or logits, of which the largest counts (they cannot
            say void).
        like: images (n, ch, h, w) or logits (n, c, h, w) that the labels belong to.
        nb_classes: number of classes.
        ignore_index: label of void pixels.

    Raises:
        InputError: another shape, values that are no whole numbers, or no classes.
    """
    labels = to_tensor(y, like.device)
    n, height, width = len(like), *like.shape[-2:]
    if labels.shape == (n, 1, height, width):
        labels = labels.squeeze(1)
    elif labels.shape == (n, nb_classes, height, width):
        return labels.argmax(1)
    elif labels.shape != (n, height, width):
        raise InputError(
            f"the labels have shape {tuple(labels.shape)}; give class indices {(n, height, width)} "
            f"or {(n, 1, height, width)}, or one-hot labels or logits "
            f"{(n, nb_classes, height, width)} for these images."
        )
    indices = _whole(labels)
    strange = ((indices < 0) | (indices >= nb_classes)) & (indices != ignore_index)
    if strange.any():
        found = int(indices[strange][0])
        remedy = "check nb_classes and ignore_index of the estimator"
        if nb_classes == 2 and found == 255:
            remedy = "divide a mask of 0 and 255 by 255"
        raise InputError(
            f"the labels hold {found}; expected 0 to {nb_classes - 1}, or {ignore_index} for void: "
            f"{remedy}."
        )
    return indices


def image_labels(y: Data, images: Tensor, *, nb_classes: int) -> Labels:
    """Class indices (n, 1, 1), int64, on the device of the images, from a classifier's labels.

    Args:
        y: (n,) or (n, 1) class indices; or (n, nb_classes) one-hot labels, probabilities or logits,
            of which the largest counts.
        images: (n, ch, h, w).
        nb_classes: number of classes.

    Raises:
        InputError: another shape, values that are no whole numbers, or no classes.
    """
    labels, n = to_tensor(y, images.device), len(images)
    if labels.shape == (n, nb_classes):
        return labels.argmax(1).view(n, 1, 1)
    if labels.shape not in ((n,), (n, 1)):
        raise InputError(
            f"the labels have shape {tuple(labels.shape)}; give class indices {(n,)}, or one-hot "
            f"labels or logits {(n, nb_classes)}, for these images."
        )
    indices = _whole(labels)
    strange = (indices < 0) | (indices >= nb_classes)
    if strange.any():
        raise InputError(
            f"the labels hold {int(indices[strange][0])}; expected 0 to {nb_classes - 1}: check "
            "nb_classes of the estimator."
        )
    return indices.view(n, 1, 1)


def all_void(y: Data, ignore_index: int) -> bool:
    """Whether there is nothing to learn from labels: class indices that are all void."""
    return len(y) > 0 and bool((y == ignore_index).all())


def warn_of_void(y: Data, *, nb_classes: int, ignore_index: int) -> None:
    """Warn where void pixels may be the object of a binary mask, or all pixels are void.

    Args:
        y: labels as `label_map` takes them; one-hot labels have no void.
        nb_classes: number of classes.
        ignore_index: label of void pixels.
    """
    if y.ndim == 3 or (y.ndim == 4 and y.shape[1] == 1):
        remedy = None if isinstance(y, Tensor) else f"pass np.where(y == {ignore_index}, 1, y)"
        labels = to_tensor(y, torch.device("cpu"))
        doubt = binary_doubt(labels, ignore_index, nb_classes, remedy)
        if doubt:
            warn(doubt)


def _whole(labels: Tensor) -> Tensor:
    indices = labels.long()
    if labels.is_floating_point() and not torch.equal(indices.to(labels.dtype), labels):
        raise InputError("the labels hold values that are no whole numbers; give class indices.")
    return indices
