import importlib
import inspect
import sys

import pytest
from torchattacks.attack import Attack

import art_segplugin.wrappers.torchattacks as face
from art_segplugin.attacks import ATTACKS


def test_without_torchattacks_the_command_is_named(monkeypatch):
    for name in [n for n in sys.modules if n.startswith(face.__name__)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    with pytest.raises(ImportError, match="pip install --no-deps torchattacks"):
        importlib.import_module(face.__name__)


def test_public_names():
    assert face.__all__ == sorted(face.__all__)
    attacks = [
        name
        for name in face.__all__
        if inspect.isclass(getattr(face, name)) and issubclass(getattr(face, name), Attack)
    ]
    ours = [spec.class_name for spec in ATTACKS.values() if spec.class_name]
    assert {"SegFGSM", "SegPGD", "SegmentationAPGD", "TemperaturePGD"} <= set(ours)
    assert attacks == sorted(["SegAttackMixin", "SegMultiAttack", *ours])
