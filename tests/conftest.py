import contextlib
import importlib
import signal
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

# Shapes and dtypes in signatures are checked while the tests run.
install_import_hook(["art_segplugin.core", "art_segplugin.attacks"], "typecheck.checked")

# A shell that runs the tests in the background lets them ignore Ctrl-C, and what they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
# Tests that use torchvision by themselves import it where it was built for another torch, too. That the
# product does so without this is tested in processes of their own (test_torchvision_build.py).
with contextlib.suppress(ImportError):
    importlib.import_module("art_segplugin.torchvision_build").import_torchvision()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
        if item.get_closest_marker("data") and not DATA.is_dir():
            item.add_marker(pytest.mark.skip(reason=f"{DATA} is not there"))


@pytest.fixture
def data_folder():
    return DATA
