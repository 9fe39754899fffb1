"""Models of the user's own code: ``path/module.py:function`` or ``package.module:function``.

This runs that code, with all it may do: give only code you trust.
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models.segmenter import Segmenter


def load(spec: str) -> Segmenter:
    """Call a function of the user that returns a model.

    Args:
        spec: File or module, a colon, and the name of a function without required arguments. It
            returns a Segmenter, or a module that takes images in [0, 1].

    Returns:
        The model in eval mode.

    Raises:
        InputError: There is no such file, module or function, or it returns something else.
    """
    source, _, name = spec.rpartition(":")
    factory = _function(_module(source), source, name)
    model = factory()
    if not isinstance(model, nn.Module):
        raise InputError(f"{spec} returned a {type(model).__name__}; expected a torch module.")
    return Segmenter.wrap(model).eval()


def _module(source: str) -> ModuleType:
    if not source.endswith(".py"):
        _search(Path.cwd())
        try:
            return import_module(source)
        except ModuleNotFoundError as error:
            raise InputError(f"the module {source!r} cannot be imported: {error}.") from error
    path = Path(source)
    if not path.is_file():
        raise InputError(f"there is no Python file {source}.")
    _search(path.resolve().parent)
    # A prefix keeps a file called torch.py from hiding the package of that name.
    specification = importlib.util.spec_from_file_location(f"art_segplugin_user_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up by name
    specification.loader.exec_module(module)
    return module


def _search(folder: Path) -> None:
    """Let the user's code import its neighbours, as ``python file.py`` would."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _function(module: ModuleType, source: str, name: str) -> Callable[[], Any]:
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{source} has no function {name!r}.")
    return function  # type: ignore[no-any-return]
