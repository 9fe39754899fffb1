import contextlib
import importlib.util
import signal
import sys
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

# Shapes and dtypes in signatures are checked while the tests run.
install_import_hook(["art_segplugin.core", "art_segplugin.attacks"], "typecheck.checked")

# A shell that runs the tests in the background lets them ignore Ctrl-C, and what they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
_kept_alive = []


def _torchvision_on_cpu_torch():
    """Let the CUDA-built torchvision of PyPI import on a CPU build of torch: declare two operators."""
    if importlib.util.find_spec("torchvision") is None or torch.version.cuda is not None:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in [k for k in sys.modules if k.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        _kept_alive.append(library)
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        with contextlib.suppress(RuntimeError):
            importlib.import_module("torchvision")


_torchvision_on_cpu_torch()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
        if item.get_closest_marker("data") and not DATA.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"{DATA} is not there"))


@pytest.fixture
def data_folder():
    return DATA
