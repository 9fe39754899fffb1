"""From tensors to the arrays that the window draws."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from art_segplugin.evaluation.pipeline import ANY_WRONG, Clean, Goal, to_uint8
from art_segplugin.evaluation.scores import scores_from, target_scores
from art_segplugin.metrics import count
from art_segplugin_gui.session.frames import VOID, ClassMap, Picture, PixelMap, Prediction

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
    clean: Clean,
    logits: Tensor,
    image: Picture | Adversarial,
    weights: Tensor | None = None,
    distance: Tensor | None = None,
    reference_map: ClassMap | None = None,
    goal: Goal = ANY_WRONG,
) -> Prediction:
    """All that the window shows of one prediction.

    Args:
        clean: the picture, and what counts as right.
        logits: (1, c, h, w).
        image: what the model was shown: the clean picture, or an adversarial image.
        weights: (1, h, w) of the next step.
        distance: size of the perturbation (1,).
        reference_map: the reference as the window holds it, where that was made before.
        goal: of the attack that made the image.
    """
    prediction, confidence = _classes_and_confidence(logits)
    counts = count(prediction, clean.reference, logits.shape[1], clean.model.ignore_index)
    size = 0.0 if distance is None else float(distance)
    adversarial = image if isinstance(image, Adversarial) else None
    target = None
    if goal.targeted:
        target = target_scores(goal, clean.prediction, prediction, clean.valid)
    return Prediction(
        image=image.image if isinstance(image, Adversarial) else image,
        prediction=_bytes(prediction),
        confidence=_bytes(confidence),
        reference=_class_map(clean) if reference_map is None else reference_map,
        scores=scores_from(counts, size, labelled=clean.labelled, target=target),
        exact=None if adversarial is None else adversarial.exact,
        delta=None if adversarial is None else adversarial.delta,
        weights=None if weights is None else _weights(weights),
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


def _class_map(clean: Clean) -> ClassMap:
    """What counts as right, as the window holds it: uint8 (h, w), 255 for void."""
    reference = clean.reference
    return _bytes(reference.masked_fill(reference == clean.model.ignore_index, VOID))


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
