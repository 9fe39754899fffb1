"""From any form in which ART hands labels over to one label map."""

import torch
from torch import Tensor

from art_segplugin.core.types import Labels
from art_segplugin.errors import InputError
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
    indices = labels.long()
    if labels.is_floating_point() and not torch.equal(indices.to(labels.dtype), labels):
        raise InputError("the labels hold values that are no whole numbers; give class indices.")
    strange = ((indices < 0) | (indices >= nb_classes)) & (indices != ignore_index)
    if strange.any():
        raise InputError(
            f"the labels hold {int(indices[strange][0])}; expected 0 to {nb_classes - 1}, or "
            f"{ignore_index} for void: check nb_classes and ignore_index of the estimator."
        )
    return indices
