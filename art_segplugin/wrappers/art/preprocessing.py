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
from art_segplugin.wrappers.art.arrays import to_array, to_tensor

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


def preprocessed(estimator: Any, x: Tensor) -> Tensor:
    """What the model gets for raw `x`, differentiable in `x`.

    Operations in PyTorch are differentiated by autograd. All others, and those that bring their own
    `estimate_forward`, get the gradient that ART estimates for them (BPDA, arXiv:1802.00420).

    Args:
        estimator: a `PyTorchEstimator`.
        x: raw images in the layout of the estimator.
    """
    operations = estimator.preprocessing_operations
    if not operations:
        return x
    if all(_differentiable(operation) for operation in operations):
        result: Tensor = estimator._apply_preprocessing(x, None, fit=False, no_grad=False)[0]
        return result
    bridged: Tensor = _EstimatedGradient.apply(x, estimator)  # type: ignore[no-untyped-call]
    return bridged


def _differentiable(operation: Preprocessor) -> bool:
    return (
        isinstance(operation, PreprocessorPyTorch)
        and type(operation).estimate_forward is PreprocessorPyTorch.estimate_forward
    )


class _EstimatedGradient(torch.autograd.Function):
    """Forward through arrays; backward through ART's estimate of the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, estimator: Any) -> Tensor:
        ctx.save_for_backward(x)
        ctx.estimator = estimator
        # A copy, because nothing keeps a defence from working in place.
        result, _ = estimator._apply_preprocessing(to_array(x).copy(), None, fit=False)
        return to_tensor(result, x.device).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        with torch.enable_grad():  # off in here, and ART's estimates may use autograd
            estimated = ctx.estimator._apply_preprocessing_gradient(to_array(x), to_array(gradient))
        return to_tensor(estimated, x.device).to(x.dtype), None
