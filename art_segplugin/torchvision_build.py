"""A torchvision that was built for another torch, imported all the same.

PyPI has only CUDA builds of torchvision. Beside a CPU build of torch its operators cannot be loaded, and
its Python code stops at the first that it describes. Nothing of segmentation needs these operators, so
their schemas alone are declared; to call one raises torch's own error.
"""

import sys
from importlib import import_module
from typing import Any

import torch

_declared: list[Any] = []  # a schema lives as long as its library


def import_torchvision(module: str = "torchvision") -> Any:
    """Import torchvision, or one of its modules.

    Raises:
        ImportError: It is not installed.
        RuntimeError: It does not fit the installed torch in another way.
    """
    try:
        return import_module(module)
    except RuntimeError as error:
        if _declared or "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
    return import_module(module)
