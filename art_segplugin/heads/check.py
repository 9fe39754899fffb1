"""Whether the logits of a network are the outputs of its last layer: one forward pass tells."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import hypersphere_head
from art_segplugin.heads.last_layer import network_of

_LARGEST = 10.0
_TOLERANCE = 0.01  # relative to that; half precision rounds, and enlarging rounds again


def check_is_last(model: nn.Module, images: Tensor, layer: nn.Module | None = None) -> None:
    """Refuse a network that does more with the outputs of its last layer than resize and reshape them.

    In one forward pass, without gradient and in evaluation mode, the outputs of the layer are replaced
    by one number for each class, the same everywhere. Resizing, cropping and squeezing keep such
    constants, whatever the interpolation; an activation, a temperature, a bias, a refinement or a
    second head that is averaged in does not. What adds nothing yet, such as a refinement that starts
    at zero, cannot be seen.

    Args:
        model: A network, or a Segmenter or Classifier around one; left as it is.
        images: What it takes, (n, ch, h, w), on its device; one image is enough.
        layer: The layer; None is the hypersphere head.

    Raises:
        InputError: The logits are not the outputs of the layer, or there is no such layer, or only
            some channels of the logits are classes.
    """
    network = network_of(model)
    layer = hypersphere_head(network) if layer is None else layer
    if layer is None:
        raise InputError("the model has no hypersphere head: convert it, or give the layer.")
    axis = -3 if isinstance(layer, nn.Conv2d) else -1
    shown = next((name for name, module in network.named_modules() if module is layer), "")
    constants: list[Tensor] = []

    def replace(_: nn.Module, __: Any, outputs: Tensor) -> Tensor:
        # Neither their sum nor that of their exponentials is one that a network might remove.
        values = _LARGEST * torch.linspace(-0.4, 1.0, outputs.shape[axis], device=outputs.device)
        constants.append(values.to(outputs.dtype))
        return torch.movedim(constants[-1].expand_as(outputs.movedim(axis, -1)), -1, axis).clone()

    # Before the hooks of others, which belong to what happens to the outputs.
    handle = layer.register_forward_hook(replace, prepend=True)
    try:
        with evaluation_mode(model), torch.no_grad():
            logits = _logits(model(images))
    finally:
        handle.remove()
    if not constants:
        raise InputError(
            f"{shown or 'the layer'} is not run by the model: it is not its last layer."
        )
    if not _equal(logits, constants[-1]):
        raise InputError(
            f"the model's logits are not the outputs of {shown or 'its layer'}: something follows "
            "that changes them, or adds others to them; take that out, or name another layer."
        )


def _equal(logits: Any, values: Tensor) -> bool:
    if not isinstance(logits, Tensor) or logits.ndim < 2 or logits.shape[1] != len(values):
        return False
    wanted = values.to(logits).view(1, -1, *[1] * (logits.ndim - 2))
    return bool(((logits - wanted).abs() <= _LARGEST * _TOLERANCE).all())


def _logits(output: Any) -> Any:
    """Take the logits out of what networks without a wrapper around them return."""
    if isinstance(output, Mapping):
        return output.get("out", output.get("logits"))
    return getattr(output, "logits", output)
