"""Weights of an estimator's model: into a file, out of a file, and back to their start."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn
from torch.optim import Optimizer

from art_segplugin.errors import InputError
from art_segplugin.heads.hypersphere import hypersphere_head
from art_segplugin.models.tensors import write_safetensors

_SCALE = "hypersphere_scale"
"""Name of the scale in the metadata of a file."""


def save_weights(model: nn.Module, path: Path) -> None:
    """Write parameters and buffers as safetensors, whole or not at all; and the scale of cosines.

    Raises:
        InputError: the file cannot be written.
    """
    head = hypersphere_head(model)
    metadata = {} if head is None else {_SCALE: repr(head.scale)}
    write_safetensors(path, model.state_dict(), metadata)


def load_weights(model: nn.Module, path: Path) -> None:
    """Read parameters and buffers; nothing is changed unless all of them fit.

    Raises:
        InputError: the file is missing, no safetensors file, or of another architecture or scale.
    """
    try:
        state = load_file(path)
        with safe_open(path, "pt") as file:
            scale = (file.metadata() or {}).get(_SCALE)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as safetensors ({error}); give a file made by save()."
        ) from error
    _check_fits(model, state, path)
    head = hypersphere_head(model)
    own = None if head is None else repr(head.scale)
    if scale is not None and scale != own:
        raise InputError(
            f"{path} holds weights for cosines of scale {scale} and the model's scale is {own}; build "
            f"a hypersphere estimator with scale={scale} and load them there."
        )
    model.load_state_dict(state)


def load_art_files(model: nn.Module, optimizer: Optimizer | None, path: Path) -> None:
    """Read what ART's `PyTorchClassifier.save` wrote; nothing is changed unless the weights fit.

    An optimizer with other groups of weights is left as it is, with a warning.

    Args:
        model: The model, without ART's wrapper.
        optimizer: None where its state is not to be read.
        path: Without the suffixes .model and .optimizer; the file of the latter may be missing.

    Raises:
        InputError: a file is missing, unreadable, or of another architecture.
    """
    state = _tensors(path.with_name(f"{path.name}.model"))
    _check_fits(model, state, path)
    remembered = path.with_name(f"{path.name}.optimizer")
    if optimizer is not None and remembered.exists():
        memory = _tensors(remembered)
        try:
            optimizer.load_state_dict(memory)
        except (ValueError, KeyError) as error:
            # As of a model whose last layer had a bias still when the optimizer was made.
            warnings.warn(
                f"{remembered} is of another optimizer ({error}): the weights are read, and the "
                "optimizer begins anew.",
                stacklevel=3,
            )
    model.load_state_dict(state)


def _tensors(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many kinds
        raise InputError(
            f"{path} cannot be read as weights ({type(error).__name__}); give a name as given to save()."
        ) from error
    if not isinstance(state, dict):
        raise InputError(f"{path} holds no weights; give a name as given to save().")
    return state


def _check_fits(model: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    there = {name: getattr(value, "shape", None) for name, value in state.items()}
    wanted = {name: value.shape for name, value in model.state_dict().items()}
    if there != wanted:
        names = sorted(n for n in there | wanted if there.get(n) != wanted.get(n))
        raise InputError(
            f"{path} holds the weights of another architecture: {len(names)} of them differ from the "
            f"model's, such as {names[0]}."
        )


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
