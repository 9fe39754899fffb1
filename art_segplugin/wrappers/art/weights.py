"""Weights of an estimator's model: into a file, out of a file, and back to their start."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models.tensors import write_safetensors


def save_weights(model: nn.Module, path: Path) -> None:
    """Write parameters and buffers as safetensors, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    write_safetensors(path, model.state_dict())


def load_weights(model: nn.Module, path: Path) -> None:
    """Read parameters and buffers; nothing is changed unless all of them fit.

    Raises:
        InputError: the file is missing, no safetensors file, or of another architecture.
    """
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as safetensors ({error}); give a file made by save()."
        ) from error
    there = {name: value.shape for name, value in state.items()}
    wanted = {name: value.shape for name, value in model.state_dict().items()}
    if there != wanted:
        names = sorted(n for n in there | wanted if there.get(n) != wanted.get(n))
        raise InputError(
            f"{path} holds the weights of another architecture: {len(names)} of them differ from the "
            f"model's, such as {names[0]}."
        )
    model.load_state_dict(state)


def reset_weights(model: nn.Module) -> None:
    """Draw all weights anew, by each module's `reset_parameters`; gradients are dropped.

    A module comes after those inside it, whose weights it may start in its own way.

    Raises:
        InputError: a module has weights of its own and no `reset_parameters`: it would silently keep
            what it learnt. Nothing has been changed then.
    """
    resets = []
    for name, module in model.named_modules():
        reset = getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))
        if reset is not None:
            resets.append(reset)
        elif any(True for _ in module.parameters(recurse=False)):
            raise InputError(
                f"{type(module).__name__} ({name or 'the model'}) has weights and no "
                "reset_parameters(); give it this method, or build a new model instead."
            )
    for reset in reversed(resets):
        reset()
    for parameter in model.parameters():
        parameter.grad = None
