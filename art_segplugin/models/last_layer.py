"""The layer that turns features into logits: its weights by class, and where a bias can be put."""

import torch
from torch import Tensor, nn

from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter


def last_layer(model: nn.Module, classes: int) -> nn.Linear | nn.Conv2d | None:
    """The last linear layer or convolution that gives one output a class, or None.

    "Last" is in the order in which modules were registered, which is that of most networks' forward
    pass; layers of auxiliary heads (a module called "aux...") do not count. None also where a Segmenter
    takes only some channels of the logits for classes.
    """
    if isinstance(model, Segmenter) and model.channels is not None:
        return None
    found: nn.Linear | nn.Conv2d | None = None
    for name, module in model.named_modules():
        if any(part.startswith("aux") for part in name.split(".")):
            continue
        if isinstance(module, nn.Linear) and module.out_features == classes:
            found = module
        if isinstance(module, nn.Conv2d) and module.out_channels == classes:
            found = module
    return found


def class_weight_norms(model: nn.Module, classes: int) -> Tensor | None:
    """Euclidean norm of each class's weights in the last layer, float64 (c,), or None without one."""
    layer = last_layer(model, classes)
    if layer is None:
        return None
    norms: Tensor = torch.linalg.vector_norm(layer.weight.detach().cpu().double().flatten(1), dim=1)
    return norms


def add_to_logits(model: nn.Module, offsets: Tensor) -> None:
    """Add a constant to the logits of each class, for good: it goes into the last layer's bias.

    Up-sampling that averages, such as bilinear, keeps it as it is.

    Args:
        model: Changed in place.
        offsets: (c,), one number a class.

    Raises:
        InputError: The model has no last layer of that many classes.
    """
    layer = last_layer(model, len(offsets))
    if layer is None:
        raise InputError(
            f"no linear layer or convolution of the model gives {len(offsets)} outputs; "
            "add the offsets to its logits yourself."
        )
    offsets = offsets.to(layer.weight)
    if layer.bias is None:
        layer.bias = nn.Parameter(offsets)
        return
    with torch.no_grad():
        layer.bias += offsets
