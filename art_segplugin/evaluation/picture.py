"""One model on one picture as it is: what an attack on it starts from."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images, Labels, Logits
from art_segplugin.errors import InputError
from art_segplugin.models.outputs import check_outputs
from art_segplugin.models.segmenter import Segmenter

VOID = 255
"""Void in label maps of 8 bits, whatever the model calls it."""


@dataclass(frozen=True, eq=False)
class CleanPicture:
    """A picture, a model's logits for it, and what counts as right.

    Attributes:
        model: the model, whose number of classes is known.
        x: the picture as a batch, float32 (1, 3, h, w) in [0, 1].
        logits: the model's for it, (1, c, h, w).
        reference: what counts as right, int64 (1, h, w), the model's `ignore_index` for void.
        labelled: the reference is the labels, else the model's prediction.
        warning: one sentence on why the labels were not used; empty where they were, or are none.
    """

    model: Segmenter
    x: Images
    logits: Logits
    reference: Labels
    labelled: bool
    warning: str = ""


def clean_picture(
    model: Segmenter,
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8] | None,
    name: str = "the picture",
) -> CleanPicture:
    """Predict for a picture.

    Args:
        model: in evaluation mode, on the device to use, validated.
        image: RGB, uint8 (h, w, 3).
        labels: true classes, uint8 (h, w), 255 for void; None where there are none. Labels that are
            no classes of the model are not used, and the result says so.
        name: of the picture, for that sentence.

    Raises:
        InputError: the model does not take the picture, or gives NaN.
    """
    device = next(iter(model.buffers())).device
    x = image_batch(image, device)
    logits = finite_logits(model, x)
    truth, warning = label_batch(labels, model.ignore_index, device), ""
    if truth is not None:
        try:
            model.check_labels(truth)
        except InputError as error:
            truth, warning = None, f"The labels of {name} are not used: {error}"
    reference = logits.argmax(1) if truth is None else truth
    return CleanPicture(model, x, logits, reference, truth is not None, warning)


def image_batch(image: NDArray[np.uint8], device: torch.device) -> Images:
    """A picture, uint8 (h, w, 3), as a batch, float32 (1, 3, h, w) in [0, 1]."""
    pixels = torch.tensor(image, device=device)  # a copy: NumPy's may be read-only
    return pixels.movedim(-1, 0).unsqueeze(0).float().div_(255).contiguous()


def label_batch(
    labels: NDArray[np.uint8] | None, ignore_index: int, device: torch.device
) -> Labels | None:
    """Labels, uint8 (h, w) with 255 for void, as int64 (1, h, w) with `ignore_index` for void."""
    if labels is None:
        return None
    wide = torch.tensor(labels, device=device).long().unsqueeze(0)
    return wide.masked_fill(wide == VOID, ignore_index)


def finite_logits(model: Segmenter, images: Images) -> Logits:
    """Logits (1, c, h, w) without a graph.

    Raises:
        InputError: they are not finite.
    """
    with torch.no_grad(), evaluation_mode(model):
        logits: Tensor = model(images)
    if not bool(logits.sum().isfinite()):  # a tenth of the time that looking at each value takes
        check_outputs(logits)  # says it, where it is not the sum alone
    return logits
