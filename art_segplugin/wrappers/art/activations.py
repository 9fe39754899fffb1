"""Read what a layer inside a model returns."""

import threading
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from art_segplugin.errors import InputError


def leaf_layers(model: nn.Module) -> list[str]:
    """Names of the modules without children, in the order in which the model holds them."""
    return [name for name, module in model.named_modules() if not any(module.children())]


def layer_name(model: nn.Module, layer: int | str) -> str:
    """The name of a layer given by name, or by its place (also from the end) in `leaf_layers`.

    Raises:
        InputError: there is no such layer.
    """
    if isinstance(layer, str):
        if layer in dict(model.named_modules()):
            return layer
        raise InputError(f"layer {layer!r} is unknown; choose from estimator.layer_names.")
    names = leaf_layers(model)
    if not -len(names) <= layer < len(names):
        raise InputError(f"layer is {layer}; the model has layers 0 to {len(names) - 1}.")
    return names[layer]


def activation(model: nn.Module, layer: str, forward: Callable[[], Any]) -> Tensor:
    """What `layer` returns while `forward` runs, with its graph; of several calls the last.

    The hook is taken off again whatever happens, and hears nothing of other threads.

    Raises:
        InputError: the layer was not used, or does not return a tensor.
    """
    outputs: list[Any] = []
    thread = threading.get_ident()

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            outputs.append(output)

    handle = model.get_submodule(layer).register_forward_hook(keep)
    try:
        forward()
    finally:
        handle.remove()
    if not outputs or not isinstance(outputs[-1], Tensor):
        found = type(outputs[-1]).__name__ if outputs else "nothing"
        raise InputError(f"layer {layer!r} returned {found}; choose one that returns a tensor.")
    return outputs[-1]
