"""Hooks on the layers of a model: name them, read or replace what they return, call in between."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.core.layers import refuse_scripted
from art_segplugin.errors import InputError


def leaf_layers(model: nn.Module) -> list[str]:
    """Names of the modules without children, in the order in which the model holds them."""
    return [name for name, module in model.named_modules() if next(module.children(), None) is None]


def layer_name(model: nn.Module, layer: int | str) -> str:
    """The name of a layer given by name, or by its index (also from the end) in `leaf_layers`.

    Raises:
        InputError: There is no such layer.
    """
    names = leaf_layers(model)
    if isinstance(layer, str):
        if layer in dict(model.named_modules()):
            return layer
        raise InputError(f"layer {layer!r} is unknown; choose one such as {', '.join(names[-3:])}.")
    if not -len(names) <= layer < len(names):
        raise InputError(f"layer is {layer}; the model has layers 0 to {len(names) - 1}.")
    return names[layer]


@contextmanager
def on_output(
    layer: nn.Module, function: Callable[[Any], Any], *, before_others: bool = False
) -> Iterator[None]:
    """Call a function with every output of a layer, in whatever thread it runs.

    Args:
        layer: The layer; its hook is removed whatever happens.
        function: What it returns replaces the output, unless that is None.
        before_others: Call it before the hooks that the layer has already.
    """
    handle = layer.register_forward_hook(
        lambda _module, _inputs, output: function(output), prepend=before_others
    )
    try:
        yield
    finally:
        handle.remove()


def activation(model: nn.Module, layer: str, forward: Callable[[], Any]) -> Tensor:
    """What `layer` returns while `forward` runs, with its graph; of several calls the last.

    Forward passes of other threads are not seen.

    Raises:
        InputError: The layer was not used, does not return a tensor, or is TorchScript.
    """
    refuse_scripted(model.get_submodule(layer), layer)
    outputs: list[Any] = []
    thread = threading.get_ident()

    def keep(output: Any) -> None:
        if threading.get_ident() == thread:
            outputs.append(output)

    with on_output(model.get_submodule(layer), keep):
        forward()
    if not outputs or not isinstance(outputs[-1], Tensor):
        found = type(outputs[-1]).__name__ if outputs else "nothing"
        raise InputError(f"layer {layer!r} returned {found}; choose one that returns a tensor.")
    return outputs[-1]


class BetweenLayers:
    """Hooks that call a function between any two layers, in forward and in backward passes.

    They cost a few microseconds each. An exception that the function raises ends the pass.

    Args:
        model: Hooks are put into all modules without children. TorchScript takes none: it counts as
            one layer, that of the module which holds it.
        function: What they call.
    """

    def __init__(self, model: nn.Module, function: Callable[[], None]) -> None:
        self._function = function
        self._handles = []
        for module in model.modules():
            layers = (one for one in module.children() if not _scripted(one))
            if next(layers, None) is None and not _scripted(module):
                self._handles.append(module.register_forward_pre_hook(self._before))
                self._handles.append(module.register_forward_hook(self._after))

    def remove(self) -> None:
        """Take the hooks out: the model may live on elsewhere."""
        for handle in self._handles:
            handle.remove()

    def _before(self, module: nn.Module, inputs: Any) -> None:
        self._function()

    def _after(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(self._in_backward)  # type: ignore[no-untyped-call]

    def _in_backward(self, gradient: Tensor) -> None:
        self._function()


def _scripted(module: nn.Module) -> bool:
    return isinstance(module, torch.jit.ScriptModule)
