import importlib
import importlib.util
import pickle
import subprocess
import sys
import threading

import art.attacks.evasion
import art.estimators
import numpy as np
import pytest
import torch
from torch import nn

import art_segplugin
from art_segplugin.attacks import ATTACKS
from art_segplugin.wrappers.art import (
    AdversarialTrainerHEPGDPyTorch,
    PyTorchHypersphereClassifier,
    PyTorchHypersphereSegmenter,
    PyTorchSegmenter,
    SegmenterMixin,
    SegPGD,
    register,
    unregister,
)

ART_NAMES = {
    "art.attacks.evasion.SegFGSM",
    "art.attacks.evasion.SegPGD",
    "art.attacks.evasion.SegmentationPGD",
    "art.attacks.evasion.TemperaturePGD",
    "art.estimators.segmentation",
    "art.estimators.classification.PyTorchHypersphereClassifier",
    "art.defences.trainer.AdversarialTrainerSegmentationPyTorch",
    "art.defences.trainer.AdversarialTrainerSegPGDPyTorch",
    "art.defences.trainer.AdversarialTrainerHEPGDPyTorch",
    "art.defences.trainer.AdversarialTrainerHEALPPyTorch",
    "art.defences.trainer.AdversarialTrainerHETRADESPyTorch",
    "art.defences.trainer.AdversarialTrainerHEFreePyTorch",
    "art.defences.trainer.AdversarialTrainerHEFastPyTorch",
    *(f"art.attacks.evasion.{spec.class_name}" for spec in ATTACKS.values() if spec.class_name),
}
HAS_TORCHATTACKS = importlib.util.find_spec("torchattacks") is not None
needs_torchattacks = pytest.mark.skipif(
    not HAS_TORCHATTACKS, reason="torchattacks is not installed"
)


@pytest.fixture(autouse=True)
def _clean():
    unregister()
    yield
    unregister()


def test_register_then_import_as_from_art():
    report = register(torchattacks=False)
    assert report == dict.fromkeys(ART_NAMES, "added")
    names = {}
    exec("from art.attacks.evasion import *", names)
    assert names["SegPGD"] is SegPGD
    exec("from art.estimators.segmentation import PyTorchSegmenter, SegmenterMixin", names)
    assert names["PyTorchSegmenter"] is PyTorchSegmenter
    assert names["SegmenterMixin"] is SegmenterMixin
    exec("from art.estimators.segmentation import PyTorchHypersphereSegmenter", names)
    assert names["PyTorchHypersphereSegmenter"] is PyTorchHypersphereSegmenter
    exec("from art.estimators.classification import PyTorchHypersphereClassifier", names)
    assert names["PyTorchHypersphereClassifier"] is PyTorchHypersphereClassifier
    exec("from art.defences.trainer import *", names)
    assert names["AdversarialTrainerHEPGDPyTorch"] is AdversarialTrainerHEPGDPyTorch


def test_the_alias_is_the_real_module():
    register(torchattacks=False)
    module = importlib.import_module("art.estimators.segmentation")
    assert module is sys.modules["art_segplugin.wrappers.art.segmentation"]
    assert importlib.util.find_spec("art.estimators.segmentation") is module.__spec__
    assert PyTorchSegmenter.__module__ == "art_segplugin.wrappers.art.estimator"
    assert SegPGD.__module__ == "art_segplugin.wrappers.art.attacks"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("art.estimators.segmentation.labels")


def test_twice_is_once():
    first = register(torchattacks=False)
    assert register(torchattacks=False) == dict.fromkeys(first, "already")


def test_unregister_leaves_no_trace():
    before = set(vars(art.attacks.evasion)), set(vars(art.estimators))
    register(torchattacks=False)
    assert set(unregister()) >= ART_NAMES
    assert (set(vars(art.attacks.evasion)), set(vars(art.estimators))) == before
    assert "art.estimators.segmentation" not in sys.modules
    assert unregister() == []


def test_importing_registers_nothing():
    assert not hasattr(art.attacks.evasion, "SegPGD")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("art.estimators.segmentation")


def test_a_name_that_is_taken_is_left_alone(monkeypatch):
    theirs = type("SegPGD", (), {})
    monkeypatch.setattr(art.attacks.evasion, "SegPGD", theirs, raising=False)
    report = register(torchattacks=False)
    assert report["art.attacks.evasion.SegPGD"] == "conflict"
    assert report["art.attacks.evasion.SegFGSM"] == "added"
    assert art.attacks.evasion.SegPGD is theirs
    assert "art.attacks.evasion.SegPGD" not in unregister()
    assert art.attacks.evasion.SegPGD is theirs


def test_a_conflict_can_raise_and_then_nothing_is_added(monkeypatch):
    monkeypatch.setattr(art.attacks.evasion, "SegPGD", object(), raising=False)
    with pytest.raises(RuntimeError, match=r"art\.attacks\.evasion\.SegPGD is taken"):
        register(torchattacks=False, on_conflict="raise")
    assert not hasattr(art.attacks.evasion, "SegFGSM")
    assert not hasattr(art.estimators, "segmentation")


def test_a_segmentation_package_of_a_later_art_wins(monkeypatch, tmp_path):
    """It is found on the path of art.estimators although nobody has imported it yet."""
    (tmp_path / "segmentation").mkdir()
    (tmp_path / "segmentation" / "__init__.py").write_text("THEIRS = True")
    monkeypatch.setattr(art.estimators, "__path__", [*art.estimators.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    assert register(torchattacks=False)["art.estimators.segmentation"] == "conflict"
    theirs = importlib.import_module("art.estimators.segmentation")
    assert theirs.THEIRS
    assert register(torchattacks=False)["art.estimators.segmentation"] == "conflict"
    unregister()
    assert sys.modules.pop("art.estimators.segmentation") is theirs
    del art.estimators.segmentation


def test_a_reload_of_art_keeps_the_names():
    register(torchattacks=False)
    importlib.reload(art.attacks.evasion)
    assert art.attacks.evasion.SegPGD is SegPGD
    assert set(register(torchattacks=False).values()) == {"already"}


def test_a_new_version_of_our_own_class_takes_its_place():
    register(torchattacks=False)
    old = type("SegPGD", (), {"__module__": SegPGD.__module__})
    art.attacks.evasion.SegPGD = old
    assert register(torchattacks=False)["art.attacks.evasion.SegPGD"] == "already"
    assert art.attacks.evasion.SegPGD is SegPGD


def test_many_threads_add_once():
    reports = []
    threads = [
        threading.Thread(target=lambda: reports.append(register(torchattacks=False)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    added = [report["art.attacks.evasion.SegPGD"] for report in reports]
    assert sorted(added) == ["added"] + ["already"] * 7


def test_pickles_open_in_a_process_that_never_registered(tmp_path):
    register(torchattacks=False)
    estimator = PyTorchSegmenter(
        nn.Conv2d(3, 2, 1).eval(), input_shape=(3, 4, 4), nb_classes=2, device_type="cpu"
    )
    attack = art.attacks.evasion.SegPGD(estimator, max_iter=2, num_random_init=0, verbose=False)
    x = np.random.default_rng(0).random((1, 3, 4, 4), dtype=np.float32)
    (tmp_path / "attack").write_bytes(pickle.dumps((attack, x, attack.generate(x))))
    code = (
        "import pickle, sys, numpy as np\n"
        "attack, x, expected = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert np.array_equal(attack.generate(x), expected)\n"
        "import art.attacks.evasion; assert not hasattr(art.attacks.evasion, 'SegPGD')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "attack")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_package_offers_both_functions():
    assert art_segplugin.register is register
    assert art_segplugin.unregister is unregister


@pytest.mark.parametrize("options", [{"on_conflict": "overwrite"}, {"torchattacks": "yes"}])
def test_other_arguments_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options.values()))):
        register(**options)


def test_torchattacks_that_is_not_installed(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "torchattacks" else find_spec(name),
    )
    assert register(art=False) == {"torchattacks": "not installed"}
    monkeypatch.setitem(sys.modules, "art_segplugin.wrappers.torchattacks", None)
    monkeypatch.delattr(art_segplugin.wrappers, "torchattacks", raising=False)
    with pytest.raises(ImportError):
        register(art=False, torchattacks=True)


@needs_torchattacks
def test_torchattacks_names():
    import torchattacks

    from art_segplugin.wrappers import torchattacks as face

    exported = list(torchattacks.__all__)
    report = register(art=False)
    assert {"torchattacks.SegPGD", "torchattacks.SegFGSM", "torchattacks.SegMultiAttack"} <= set(
        report
    )
    assert set(report.values()) == {"added"}
    assert torchattacks.SegPGD is face.SegPGD
    names = {}
    exec("from torchattacks import *", names)
    assert names["SegPGD"] is face.SegPGD
    register(art=False)
    assert torchattacks.__all__.count("SegPGD") == 1
    assert set(unregister()) == set(report)
    assert torchattacks.__all__ == exported
    assert not hasattr(torchattacks, "SegPGD")


@needs_torchattacks
def test_a_name_that_torchattacks_has_is_left_alone(monkeypatch):
    import torchattacks

    monkeypatch.setattr(torchattacks, "SegPGD", torch.nn.Identity, raising=False)
    assert register(art=False)["torchattacks.SegPGD"] == "conflict"
    assert torchattacks.SegPGD is torch.nn.Identity


def test_a_blocked_torchattacks_is_not_in_the_way(monkeypatch):
    register(torchattacks=False)
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    assert set(unregister()) == ART_NAMES
    assert register(art=False) == {"torchattacks": "not installed"}


def test_a_star_import_gives_our_names_only():
    register(torchattacks=False)
    names = {}
    exec("from art.estimators.segmentation import *", names)
    estimators = {"PyTorchHypersphereSegmenter", "PyTorchSegmenter", "SegmenterMixin"}
    assert set(names) - {"__builtins__"} == estimators


@needs_torchattacks
def test_only_attacks_go_into_torchattacks():
    names = {"SegMultiAttack", *(spec.class_name for spec in ATTACKS.values() if spec.class_name)}
    assert set(register(art=False)) == {f"torchattacks.{name}" for name in names}
