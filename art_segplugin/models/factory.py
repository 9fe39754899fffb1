"""Models of the user's own code: ``path/module.py:function`` or ``package.module:function``.

This runs that code, with all it may do: give only code you trust.
"""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models.optional import one_line
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.torchvision_build import import_torchvision


def load(spec: str) -> Segmenter:
    """Call a function of the user that returns a model.

    The function returns a module that takes RGB images (n, 3, h, w) in [0, 1], or one within a
    `Segmenter`, which says what else the network needs::

        from art_segplugin.models import Segmenter

        def build():
            net = MyNet()
            net.load_state_dict(torch.load("net.pth", weights_only=True))
            return Segmenter(
                net,
                mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),  # of images in [0, 1]
                bgr=True,                # channels in the order of OpenCV
                stride=32,               # pad height and width to multiples of 32
                channels=slice(0, 19),   # of 20 output channels, 19 are classes
                output=lambda result: result["masks"],  # where the logits (n, c, h, w) are
            )

    All but the network are optional. A `Classifier` takes the same arguments.

    Args:
        spec: File or module, a colon, and the name of a function without required arguments, or of a
            module that is there already.

    Returns:
        The model in eval mode.

    Raises:
        InputError: There is no such file, module or function, it needs arguments, raises an error, or
            returns something else.
    """
    source, _, name = spec.rpartition(":")
    if source.endswith(".py") and not Path(source).is_file():
        raise InputError(f"there is no Python file {source}.")
    return built(spec, lambda: _call(_module(source), source, name))


def built(spec: str, build: Callable[[], Any]) -> Segmenter:
    """Run somebody's code that gives a model, and wrap the model.

    Args:
        spec: What the user typed, for messages.
        build: The code.

    Raises:
        InputError: The code raises an error, or gives no module.
    """
    try:
        model = _with_torchvision(build)
    except InputError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{spec} raised {type(error).__name__}: {one_line(error)} "
            f"({Path(place.filename).name}, line {place.lineno})."
        ) from error
    if not isinstance(model, nn.Module):
        raise InputError(
            f"{spec} returned a {type(model).__name__}; expected a torch module or a Segmenter."
        )
    return Segmenter.wrap(model).eval()


def _with_torchvision(build: Callable[[], Any]) -> Any:
    try:
        return build()
    except Exception as error:
        cause: BaseException | None = error  # transformers hides it behind its own
        while cause and "torchvision::nms does not exist" not in str(cause):
            cause = cause.__cause__
        if cause is None:
            raise
    import_torchvision()
    return build()


def _call(module: ModuleType, source: str, name: str) -> Any:
    function = getattr(module, name, None)
    if isinstance(function, nn.Module):
        return function
    if not callable(function):
        raise InputError(f"{source} has no function {name!r}.")
    needed = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise InputError(
            f"{source}:{name} needs {', '.join(needed)}; expected a function without required "
            "arguments: give them defaults, or write a function that calls it with them."
        )
    return function()


def _module(source: str) -> ModuleType:
    if not source.endswith(".py"):
        _search(Path.cwd())
        try:
            return import_module(source)
        except ModuleNotFoundError as error:
            raise InputError(f"the module {source!r} cannot be imported: {error}.") from error
    path = Path(source)
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
