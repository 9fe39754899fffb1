"""What named layers of a model give in a forward pass."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.errors import InputError


@contextmanager
def recorded(model: object, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """The outputs of the named layers, by name, as the forward passes of the block fill them in.

    Args:
        model: a module, or a callable whose attribute `module` is one.
        names: as `named_modules` has them; the end of such a name will do where it is unique.

    Raises:
        InputError: there is no such layer, or several, or it cannot be read.
    """
    activations: dict[str, Tensor] = {}
    with ExitStack() as stack:
        for name in names:
            layer = find_layer(model, name)
            refuse_scripted(layer, name)
            stack.callback(layer.register_forward_hook(_keeper(activations, name)).remove)
        yield activations


def find_layer(model: object, name: str) -> nn.Module:
    """The layer of that name.

    Raises:
        InputError: there is none, or several.
    """
    module = model if isinstance(model, nn.Module) else getattr(model, "module", None)
    if not isinstance(module, nn.Module):
        raise InputError(f"layer {name!r} is asked for and the model is no torch module; give one.")
    known: dict[str, nn.Module] = dict(module.named_modules())
    found = [name] if name in known else [one for one in known if one.endswith(f".{name}")]
    if len(found) != 1:
        why = f"is one of {', '.join(found[:5])}" if found else "does not exist"
        raise InputError(f"layer {name!r} {why}; choose a name of the model's named_modules().")
    return known[found[0]]


def refuse_scripted(layer: nn.Module, name: str) -> None:
    """Refuse a layer of TorchScript, which takes no hooks.

    Raises:
        InputError: it is one.
    """
    if isinstance(layer, torch.jit.ScriptModule):
        raise InputError(
            f"layer {name!r} is TorchScript, whose layers cannot be read; give the torch module that "
            "it was made from."
        )


def _keeper(activations: dict[str, Tensor], name: str) -> Any:
    def keep(layer: nn.Module, inputs: object, output: Tensor) -> None:
        activations[name] = output

    return keep
