"""The saved state of a run, from which it goes on as if nothing had happened."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from art_segplugin.attacks import NamedAttack
from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.tensors import write_torch
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.optimisation import Optimisation
from art_segplugin.training.options import TrainingOptions

# These change how fast a run is, how often it saves and when it ends, not what it computes.
_HARMLESS = ("save_every", "keep_every", "patience", "workers", "cache_bytes")
# What the network answers depends on these too, and the shapes of its weights do not show them.
_OF_THE_MODEL = ("architecture", "mean", "std", "bgr", "channels", "stride")
_SHOWN = 60  # characters of a value in a message
# What looking for our own content in another program's raises.
_FOREIGN = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: Steps done.
        best: Best validation scores so far, None before the first: the score that chooses, then the
            one that breaks ties.
        waited: Validations since the best one.
    """

    step: int = 0
    best: tuple[float, ...] | None = None
    waited: int = 0

    def judged(self, scores: Mapping[str, float]) -> "Progress":
        """Return where it stands after a validation, whose last score chooses."""
        score = tuple(scores.values())[::-1]
        if self.best is None or score > self.best:
            return replace(self, best=score, waited=0)
        return replace(self, waited=self.waited + 1)

    def out_of_patience(self, patience: int) -> bool:
        """Return whether the run should stop; a patience of 0 never ends."""
        return 0 < patience <= self.waited


def describe_run(
    options: TrainingOptions,
    objective: str,
    withstand: NamedAttack | None,
    world: int,
    model: nn.Module,
    info: CheckpointInfo,
    training: SampleCache,
    validation: SampleCache,
) -> dict[str, Any]:
    """Return everything that must be equal for a run to be resumed, as JSON gives it back."""
    settings = {name: value for name, value in asdict(options).items() if name not in _HARMLESS}
    run = {
        **settings,
        "objective": objective,
        "withstand": withstand and [withstand.name, withstand.described()],
        "processes": world,
        **{name: getattr(info, name) for name in _OF_THE_MODEL},
        "architecture options": dict(info.options),
        "hypersphere": _describe_head(model),
        "training data": _describe_data(training),
        "validation data": _describe_data(validation),
    }
    return dict(json.loads(json.dumps(run)))


def save_state(
    path: Path, run: dict[str, Any], progress: Progress, state: Mapping[str, Any]
) -> None:
    """Write the state of `Optimisation`; the file is never half-written.

    Raises:
        InputError: The file cannot be written.
    """
    standing = {
        "run": json.dumps(run),
        "step": progress.step,
        "best": None if progress.best is None else list(progress.best),
        "waited": progress.waited,
    }
    write_torch(path, {**standing, **state})


def load_state(path: Path, run: dict[str, Any], optimisation: Optimisation) -> Progress:
    """Put a saved state into what it was taken from.

    Raises:
        InputError: The file cannot be read, or belongs to a run with other options or data.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved_run = dict(json.loads(state["run"]))
        best = state["best"] and tuple(map(float, state["best"]))
        progress = Progress(int(state["step"]), best, int(state["waited"]))
    except (*_FOREIGN, OSError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f"the training state {path} cannot be read: delete it to start again."
        ) from error
    if changed := [name for name in run if saved_run.get(name) != run[name]]:
        differences = [f"{name} {_unlike(saved_run.get(name), run[name])}" for name in changed]
        raise InputError(
            f"{path.parent} holds a run with {'; '.join(differences)}: resume it with its own "
            "options, or choose another directory."
        )
    try:
        optimisation.restore(state)
    except _FOREIGN as error:
        raise InputError(f"{path} holds the weights of another model than this run's.") from error
    return progress


def _describe_data(samples: SampleCache) -> str:
    # Some samples tell apart seeds, sizes and folders without reading everything.
    digest = hashlib.sha256()
    for index in (0, len(samples) // 2, len(samples) - 1):
        for tensor in samples[index]:
            digest.update(tensor.numpy().tobytes())
    palette = samples.dataset.palette
    return f"{len(samples)} samples of {palette.name} ({digest.hexdigest()[:12]})"


def _describe_head(model: nn.Module) -> list[Any] | None:
    head = hypersphere_head(model)
    names = [name for name, module in model.named_modules() if module is head]
    return None if head is None else [names[0], head.scale]


def _unlike(saved: Any, wanted: Any) -> str:
    """Return both values; of long ones the place where they begin to differ."""
    texts = [repr(saved), repr(wanted)]
    pairs = enumerate(zip(*texts, strict=False))
    differ = next((place for place, (one, other) in pairs if one != other), 0)
    first = max(0, differ - _SHOWN // 2)
    return ", not ".join(_clipped(text, first) for text in texts)


def _clipped(text: str, first: int) -> str:
    if len(text) <= _SHOWN:
        return text
    before, after = ("..." if first else ""), ("..." if first + _SHOWN < len(text) else "")
    return f"{before}{text[first : first + _SHOWN]}{after}"
