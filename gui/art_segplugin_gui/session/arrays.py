"""From tensors to the arrays that the window draws."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.evaluation.summary import to_uint8
from art_segplugin.metrics import count, iou_per_class, mean_iou, mis_ratio
from art_segplugin_gui.session.frames import ClassMap, Picture, PixelMap, Scores, Side

DELTA_GAIN = 10
ROWS = 24
"""Of a picture, whose logits are read together."""


@dataclass(frozen=True, eq=False)
class Adversarial:
    """An adversarial image as the window holds it.

    Attributes:
        image: as 8 bits, RGB (h, w, 3).
        exact: float32 (3, h, w) in [0, 1].
        delta: ten times the perturbation around middle grey, RGB.
    """

    image: Picture
    exact: NDArray[np.float32]
    delta: Picture

    @classmethod
    def of(cls, x_adv: Tensor, x: Tensor) -> Self:
        """From an adversarial image and the clean one, both (1, 3, h, w)."""
        # Row by row, as a QImage takes it: else the window's thread would have to copy it.
        image = np.ascontiguousarray(to_uint8(x_adv[0]))
        return cls(image, _exact(x_adv), _delta(x_adv, x))


def side(
    logits: Tensor,
    reference: Tensor,
    ignore_index: int,
    image: Picture | Adversarial,
    weights: Tensor | None = None,
    distance: Tensor | None = None,
    reference_map: ClassMap | None = None,
) -> Side:
    """All that the window shows of one prediction.

    Args:
        logits: (1, c, h, w).
        reference: (1, h, w) int64.
        ignore_index: label of void pixels.
        image: what the model was shown: the clean picture, or an adversarial image.
        weights: (1, h, w) of the next step.
        distance: size of the perturbation (1,).
        reference_map: the reference as the window holds it, where that was made before.
    """
    prediction, confidence = _classes_and_confidence(logits)
    adversarial = image if isinstance(image, Adversarial) else None
    return Side(
        image=image.image if isinstance(image, Adversarial) else image,
        prediction=_bytes(prediction),
        confidence=_bytes(confidence),
        reference=class_map(reference, ignore_index) if reference_map is None else reference_map,
        scores=scores(prediction, reference, logits.shape[1], ignore_index),
        exact=None if adversarial is None else adversarial.exact,
        delta=None if adversarial is None else adversarial.delta,
        weights=None if weights is None else _weights(weights),
        distance=0.0 if distance is None else float(distance),
    )


def _classes_and_confidence(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Predicted classes and 255 times their probability, uint8 (1, h, w) each.

    On a CPU one memory layout makes the arg max seven times faster, the other one the softmax, and
    rows at a time keep their copies out of the way of the kernel: together a tenth of an attack step.
    """
    classes, shares = [], []
    for rows in logits.split(ROWS if logits.device.type == "cpu" else logits.shape[2], dim=2):  # type: ignore[no-untyped-call]
        classes.append(rows.contiguous(memory_format=torch.channels_last).argmax(1))
        largest = rows.float().contiguous().softmax(1).amax(1)
        shares.append(largest.mul_(255).round_().to(torch.uint8))
    return torch.cat(classes, 1).to(torch.uint8), torch.cat(shares, 1)


def scores(prediction: Tensor, reference: Tensor, classes: int, ignore_index: int) -> Scores:
    """The library's figures of one class map (1, h, w) against another."""
    counts = count(prediction, reference, classes, ignore_index).cpu()
    return Scores(
        counts.numpy(), mean_iou(counts), mis_ratio(counts), iou_per_class(counts).numpy()
    )


def class_map(labels: Tensor, ignore_index: int) -> ClassMap:
    """Labels (1, h, w) as the window holds them: uint8, 255 for void."""
    return _bytes(labels.masked_fill(labels == ignore_index, 255))


def _bytes(values: Tensor) -> PixelMap:
    mapped: NDArray[np.uint8] = values[0].to(torch.uint8).cpu().numpy()
    return mapped


def _exact(image: Tensor) -> NDArray[np.float32]:
    # The attack may go on in place: what is shown must not change.
    values: NDArray[np.float32] = image[0].float().clone().cpu().numpy()
    return values


def _delta(image: Tensor, x: Tensor) -> Picture:
    scaled = (image - x)[0].mul(DELTA_GAIN * 255).add_(127.5).clamp_(0, 255)
    picture: Picture = scaled.to(torch.uint8).movedim(0, -1).contiguous().cpu().numpy()
    return picture


def _weights(weights: Tensor) -> PixelMap:
    largest = weights.amax().clamp(min=torch.finfo(weights.dtype).tiny)
    return _bytes(weights / largest * 255)
