"""Tensors in files that are never half-written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from art_segplugin.errors import InputError
from art_segplugin.files import replacing


def write_safetensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, such as a ``state_dict()``, in the safetensors format.

    Args:
        path: File to write.
        tensors: Tensors on any device, in any memory layout; they may share memory (tied weights),
            each is then written out.
        metadata: Text that goes into the header of the file.

    Raises:
        InputError: The file cannot be written, for instance on a full disk.
    """
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    with replacing(Path(path)) as beside:
        try:
            save_file(copies, beside, metadata=dict(metadata or {}))
        except SafetensorError as error:  # its writer reports a full disk in this way
            raise InputError(f"cannot write {path}: {error}.") from error


def write_torch(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values in the format of ``torch.save``.

    Raises:
        InputError: The file cannot be written, for instance on a full disk.
    """
    with replacing(path) as beside:
        try:
            torch.save(content, beside)
        except RuntimeError as error:  # torch's writer does not say why it stopped
            raise InputError(f"cannot write all of {path}; is the disk full?") from error
