"""Import model zoos only when they are asked for."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.torchvision_build import import_torchvision

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_IMPORT_TORCHVISION = ("transformers", "timm", "segmentation_models_pytorch", "torchvision")
"""These import it themselves, some of them where it is installed only."""


def import_zoo(module: str, install: str = "'art-segplugin[models]'") -> Any:
    """Import an optional package or one of its modules.

    Args:
        module: Its name.
        install: What pip is to install where it is missing.

    Raises:
        InputError: It is not installed, or does not fit the installed torch.
    """
    package = module.partition(".")[0]
    try:
        if package in _IMPORT_TORCHVISION:
            with suppress(ModuleNotFoundError):
                import_torchvision()
        return import_module(module)
    except ImportError as error:
        raise InputError(f"this model needs {package} ({error}): pip install {install}.") from error
    except RuntimeError as error:
        raise InputError(
            f"torchvision cannot be imported ({error}): install the torchvision that was built for "
            "this torch, from the same index (cpu or cuda)."
        ) from error


def one_line(error: Exception, length: int = 300) -> str:
    """The message of a library in one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= length else text[: length - 3] + "..."


def download_hint(name: str) -> str:
    """What to do about a model of the Hugging Face hub that cannot be had; "" for a folder."""
    if Path(name).is_dir():
        return ""
    folder = import_module("huggingface_hub.constants").HF_HUB_CACHE
    return (
        f" Downloads are kept in {folder}: fetch it once with a connection (HF_HUB_OFFLINE=1 then asks "
        "for none), or give a folder."
    )
