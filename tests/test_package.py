import subprocess
import sys

import pytest

import art_segplugin

HEAVY = ("art", "torchattacks", "matplotlib", "PySide6", "torchvision", "transformers", "cv2")


@pytest.mark.parametrize(
    "module",
    ["art_segplugin", "art_segplugin.attacks", "art_segplugin.metrics", "art_segplugin_gui"],
)
def test_import_is_light(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_models_and_wrappers_do_not_load_torchvision():
    code = (
        "import sys, art_segplugin.models, art_segplugin.wrappers.art, "
        "art_segplugin.wrappers.torchattacks; print('torchvision' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "False", result.stdout + result.stderr


def test_public_names():
    assert art_segplugin.__all__ == ["__version__", "register", "unregister"]
    from art_segplugin import attacks

    assert {"fgsm", "pgd", "segfgsm", "segpgd"} <= set(attacks.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = art_segplugin.nothing
