"""Opt-in aliases: our classes under the names where users of ART and torchattacks look for them.

Neither library has a registry. Nothing of theirs is changed or replaced; pickles name the real
modules, so they open without `register`.
"""

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from art_segplugin.wrappers.art import attacks, segmentation, trainers
from art_segplugin.wrappers.art.hypersphere import PyTorchHypersphereClassifier

_lock = threading.RLock()


@dataclass(frozen=True)
class _Alias:
    """One name in somebody else's module."""

    owner: ModuleType
    name: str
    value: Any

    @property
    def path(self) -> str:
        return f"{self.owner.__name__}.{self.name}"

    @property
    def is_module(self) -> bool:
        return isinstance(self.value, ModuleType)

    def outcome(self) -> str:
        """What adding it means: "added", "already" (it is ours) or "conflict" (it is another's)."""
        there = getattr(self.owner, self.name, None)
        if there is None and self.is_module:
            there = sys.modules.get(self.path) or importlib.util.find_spec(self.path)
        if there is None:
            return "added"
        return "already" if _identity(there) == _identity(self.value) else "conflict"

    def add(self) -> None:
        setattr(self.owner, self.name, self.value)
        if self.is_module:
            sys.modules[self.path] = self.value
        exported = getattr(self.owner, "__all__", None)
        if exported is not None and self.name not in exported:
            exported.append(self.name)

    def remove(self) -> None:
        vars(self.owner).pop(self.name, None)
        if self.is_module:
            sys.modules.pop(self.path, None)
        exported = getattr(self.owner, "__all__", [])
        if self.name in exported:
            exported.remove(self.name)


def register(
    art: bool = True, torchattacks: bool | str = "auto", on_conflict: str = "skip"
) -> dict[str, str]:
    """Make attacks, estimators and trainers importable from ART's and torchattacks' own modules.

    For instance `from art.attacks.evasion import SegPGD`, `from art.estimators.segmentation import
    PyTorchSegmenter`, `from art.defences.trainer import AdversarialTrainerSegPGDPyTorch` and
    `torchattacks.SegPGD`. May be called again at any time.

    Args:
        art: add the names to ART.
        torchattacks: add the names to torchattacks; "auto" for where it is installed.
        on_conflict: "skip" leaves a name alone that somebody else (such as a later ART) has taken;
            "raise" then adds nothing at all.

    Returns:
        The outcome by full name: "added", "already" or "conflict"; and "not installed" under
        "torchattacks".

    Raises:
        ValueError: another value of an argument.
        ImportError: `torchattacks=True` and it is not installed.
        RuntimeError: a name is taken and `on_conflict` is "raise".
    """
    if on_conflict not in ("skip", "raise"):
        raise ValueError(f"on_conflict is {on_conflict!r}; give 'skip' or 'raise'.")
    if torchattacks not in (True, False, "auto"):
        raise ValueError(f"torchattacks is {torchattacks!r}; give True, False or 'auto'.")
    missing = torchattacks == "auto" and importlib.util.find_spec("torchattacks") is None
    with _lock:
        aliases = [
            *(_art_aliases() if art else ()),
            *(_torchattacks_aliases() if torchattacks and not missing else ()),
        ]
        report = {alias.path: alias.outcome() for alias in aliases}
        taken = [path for path, state in report.items() if state == "conflict"]
        if taken and on_conflict == "raise":
            raise RuntimeError(f"{', '.join(taken)} is taken by somebody else; nothing was added.")
        for alias in aliases:
            if report[alias.path] != "conflict":
                alias.add()
    return report | ({"torchattacks": "not installed"} if missing else {})


def unregister() -> list[str]:
    """Take away the names that `register` added, and only those that are still ours.

    Returns:
        The full names that were removed.
    """
    with _lock:
        aliases = list(_art_aliases())
        if sys.modules.get("torchattacks") is not None:  # None blocks its import
            aliases += _torchattacks_aliases()
        ours = [alias for alias in aliases if alias.outcome() == "already"]
        for alias in ours:
            alias.remove()
    return [alias.path for alias in ours]


def _art_aliases() -> Iterator[_Alias]:
    # Looked up each time: whoever reloads a module of ART may call register() again.
    theirs = importlib.import_module("art.attacks.evasion")
    for name, attack in attacks.CLASSES.items():
        yield _Alias(theirs, name, attack)
    # A module and no package, so that nobody can import its parts a second time under another name.
    yield _Alias(importlib.import_module("art.estimators"), "segmentation", segmentation)
    theirs = importlib.import_module("art.estimators.classification")
    yield _Alias(theirs, PyTorchHypersphereClassifier.__name__, PyTorchHypersphereClassifier)
    theirs = importlib.import_module("art.defences.trainer")
    for trainer in trainers.ALL:
        yield _Alias(theirs, trainer.__name__, trainer)


def _torchattacks_aliases() -> Iterator[_Alias]:
    from art_segplugin.wrappers import torchattacks as face

    theirs = sys.modules["torchattacks"]
    for name in face.__all__:
        value = getattr(face, name)
        attack = isinstance(value, type) and issubclass(value, theirs.attack.Attack)
        if attack and value is not face.SegAttackMixin:
            yield _Alias(theirs, name, value)


def _identity(value: Any) -> tuple[Any, Any]:
    """The same before and after a module of ours is reloaded."""
    if isinstance(value, ModuleType):
        return ("module", value.__spec__ and value.__spec__.name)
    return (getattr(value, "__module__", None), getattr(value, "__qualname__", None))
