"""Adversarial robustness of semantic segmentation: for ART, for torchattacks, on its own."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from art_segplugin.moved import install

if TYPE_CHECKING:
    from art_segplugin.wrappers.art.registration import register, unregister

install()

__version__ = "0.1.0"
__all__ = ["__version__", "register", "unregister"]


def __getattr__(name: str) -> Any:
    """Load ART only when registration is asked for: its import takes seconds."""
    if name in ("register", "unregister"):
        return getattr(import_module("art_segplugin.wrappers.art.registration"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
