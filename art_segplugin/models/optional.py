"""Import model zoos only when they are asked for."""

from importlib import import_module
from typing import Any

from art_segplugin.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def import_zoo(module: str) -> Any:
    """Import an optional package or one of its modules.

    Raises:
        InputError: It is not installed, or does not fit the installed torch.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"this model needs {package} ({error}): pip install 'art-segplugin[models]'."
        ) from error
    except RuntimeError as error:
        # A torchvision built for another torch fails on import with an unknown operator.
        raise InputError(
            f"{package} cannot be imported ({error}): install the torchvision that was built for "
            "this torch, from the same index (cpu or cuda)."
        ) from error
