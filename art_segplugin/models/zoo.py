"""From the short text a user types to a model."""

from collections.abc import Callable, Mapping
from pathlib import Path

from art_segplugin.errors import InputError
from art_segplugin.models import factory, smp, torchvision, transformers
from art_segplugin.models.checkpoint import load_checkpoint, shipped
from art_segplugin.models.segmenter import Segmenter

ZOOS: Mapping[str, Callable[[str], Segmenter]] = {
    "torchvision": torchvision.load,
    "hf": transformers.load,
    "smp": smp.load,
}
"""Prefix of a spec to the loader of what follows the colon."""

WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def load_model(spec: str) -> Segmenter:
    """Load a model by its short text.

    Args:
        spec: Name of a shipped checkpoint; path of a checkpoint of this package;
            ``torchvision:NAME``; ``hf:NAME`` or ``hf:FOLDER``; ``smp:NAME`` or ``smp:FOLDER``; or
            ``file.py:function`` / ``package.module:function``, which runs that code.

    Returns:
        The model in eval mode on the CPU.

    Raises:
        InputError: The text names nothing that can be loaded.
    """
    if spec in shipped():
        return load_checkpoint(shipped()[spec])
    if Path(spec).is_file() or spec.endswith(WEIGHT_SUFFIXES):
        return load_checkpoint(spec)
    scheme, colon, rest = spec.partition(":")
    if colon and rest and scheme in ZOOS:
        return ZOOS[scheme](rest)
    if colon and rest:
        return factory.load(spec)
    names = ", ".join(shipped()) or "none"
    raise InputError(
        f"{spec!r} is no model: expected a shipped name ({names}), a checkpoint file, "
        "torchvision:NAME, hf:NAME, smp:FOLDER or file.py:function."
    )
