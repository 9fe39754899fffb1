"""ART's preprocessing as one differentiable function, and the defences that cannot be part of it."""

from typing import Any

import torch
from art.defences.postprocessor import ClassLabels, Postprocessor, ReverseSigmoid
from art.defences.preprocessor import (
    CutMix,
    CutMixPyTorch,
    CutMixTensorFlowV2,
    LabelSmoothing,
    Mixup,
    MixupPyTorch,
    MixupTensorFlowV2,
    Preprocessor,
    ThermometerEncoding,
)
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Data, to_array, to_tensor

_MIXES = "mixes labels as one vector per image, which a label map is not"
_REFUSED: dict[type, str] = {
    LabelSmoothing: "smooths labels as one vector per image, and would corrupt label maps silently",
    **dict.fromkeys(
        (CutMix, CutMixPyTorch, CutMixTensorFlowV2, Mixup, MixupPyTorch, MixupTensorFlowV2), _MIXES
    ),
    ThermometerEncoding: "changes the number of channels that the model takes",
    ClassLabels: "returns one class per image instead of one per pixel",
    ReverseSigmoid: "expects one probability vector per image and returns garbage for logits",
}


def refuse_unsuitable(defences: list[Preprocessor | Postprocessor]) -> None:
    """Refuse the defences of ART that are silently wrong on label maps.

    Raises:
        InputError: one of them is given; the sentence says why it cannot work.
    """
    for defence in defences:
        for kind, reason in _REFUSED.items():
            if isinstance(defence, kind):
                raise InputError(
                    f"{type(defence).__name__} cannot defend a segmentation model: it {reason}."
                )


def preprocessed(operations: list[Preprocessor], x: Tensor) -> Tensor:
    """What the model gets for raw `x`, differentiable in `x`.

    Operations in PyTorch are differentiated by autograd. All others, and those that bring their own
    `estimate_forward`, get the gradient that ART estimates for them (BPDA, arXiv:1802.00420).

    Args:
        operations: `preprocessing_operations` of an estimator; those that are not to be applied to
            what is predicted are left out.
        x: raw images in the layout of the estimator.
    """
    for operation in operations:
        if not operation.apply_predict:
            continue
        if _differentiable(operation):
            x, _ = operation.forward(x, None)
        else:
            x = _EstimatedGradient.apply(x, operation)  # type: ignore[no-untyped-call]
    return x


@torch.no_grad()
def preprocessed_for_training(
    operations: list[Preprocessor], x: Data, y: Data, device: torch.device
) -> tuple[Data, Data]:
    """Images and labels as the training step takes them; some defences add images.

    Args:
        operations: as in `preprocessed`; those that are not to be applied in training are left out.
        x: raw images in the layout of the estimator; they are not changed.
        y: their labels.
        device: where operations in PyTorch work.
    """
    for operation in operations:
        if not operation.apply_fit:
            continue
        if isinstance(operation, PreprocessorPyTorch):
            x, y = operation.forward(to_tensor(x, device), to_tensor(y, device))
        else:
            # Copies, because nothing keeps a defence from working in place.
            x, y = operation(to_array(x).copy(), to_array(y).copy())
    return x, y


def _differentiable(operation: Preprocessor) -> bool:
    return (
        isinstance(operation, PreprocessorPyTorch)
        and type(operation).estimate_forward is PreprocessorPyTorch.estimate_forward
    )


class _EstimatedGradient(torch.autograd.Function):
    """Forward through arrays; backward through ART's estimate of the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operation: Preprocessor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.operation = operation
        # A copy, because nothing keeps a defence from working in place.
        result, _ = operation(to_array(x).copy())
        return to_tensor(result, x.device).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():  # off in here, and ART's estimates may use autograd
            estimated = ctx.operation.estimate_gradient(to_array(x), to_array(gradient))
        return to_tensor(estimated, x.device).to(x.dtype), None
