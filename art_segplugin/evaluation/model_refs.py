"""Which model numbers were made with, so that they are never compared with another one's."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from art_segplugin.core.types import Images
from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256
from art_segplugin.models import Segmenter, load_model
from art_segplugin.models.downloads import installed
from art_segplugin.models.zoo import MODELS, model_kind


@dataclass(frozen=True)
class ModelRef:
    """A model by its text, and the file behind it.

    Attributes:
        spec: as `art_segplugin.models.load_model` takes it, files with their whole path.
        sha256: of the file; None for models that are no file of their own.
    """

    spec: str
    sha256: str | None = None


@dataclass(frozen=True)
class ModelPair:
    """What is attacked, and what is beside it.

    Attributes:
        a: the first model.
        b: the second; None for none.
        transfer: B is shown the images that were made against A, instead of its own attack's.
    """

    a: ModelRef
    b: ModelRef | None = None
    transfer: bool = True


def model_ref(spec: str, sha256: str | None = None) -> ModelRef:
    """What to note of a model that was loaded by `spec`.

    Args:
        spec: as `load_model` takes it.
        sha256: of its file when it was loaded, which may be another one now; None to read it now.

    Raises:
        InputError: the file is to be read and is gone.
    """
    file, rest = _file(spec)
    if file is None:
        return ModelRef(spec)
    if sha256 is None:
        if not file.is_file():
            raise InputError(f"the file of model {spec} is gone; put it back, or load another.")
        sha256 = file_sha256(file)
    return ModelRef(spec if spec in installed() else f"{file.resolve()}{rest}", sha256)


def elsewhere(ref: ModelRef, spec: str | None) -> ModelRef:
    """The same model where it is now; `ref` itself where `spec` is None."""
    if spec is None:
        return ref
    return replace(ref, spec=spec)


def open_model(
    ref: ModelRef,
    device: str,
    *,
    run_code: bool = False,
    load: Callable[[str], Segmenter] = load_model,
) -> Segmenter:
    """The model, ready to be attacked.

    Args:
        ref: which.
        device: where it shall run.
        run_code: models of own code (`file.py:function`) may be run.
        load: loads one by its spec.

    Raises:
        InputError: the model is not there, its file is another one than was noted, it is own code
            that may not be run, or it classifies whole images.
    """
    file, _ = _file(ref.spec)
    if ref.sha256 is not None and file is not None:
        if not file.is_file():
            raise InputError(
                f"model {file} is not there; say where it is with --model-a, --model-b."
            )
        if (found := file_sha256(file)) != ref.sha256:
            raise InputError(
                f"model {ref.spec} is not the one that was recorded: its sha256 begins with "
                f"{found[:12]} instead of {ref.sha256[:12]}; name the right file with --model-a or "
                "--model-b."
            )
    if is_code(ref.spec) and not run_code:
        raise InputError(
            f"model {ref.spec} is code that would be run; if you trust it, add --run-code."
        )
    model = load(ref.spec)
    if model.task != "segmentation":
        raise InputError(f"{ref.spec} gives one class an image; one a pixel is needed.")
    # As in an evaluation that only attacks: weights without gradients.
    return model.to(device).eval().requires_grad_(False)


def is_code(spec: str) -> bool:
    """Whether to load or to call the model runs a program that somebody else may have written."""
    kind = model_kind(spec)
    return kind is not None and kind.runs_code


def validate(model: Segmenter, images: Images) -> None:
    """`Segmenter.validate` without its warnings, which are for those who write models."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.validate(images)


def _file(spec: str) -> tuple[Path | None, str]:
    """The file that a spec names, and what of the spec comes after it."""
    if spec in installed():
        return installed()[spec], ""
    kind = model_kind(spec)
    if kind is not None and kind.is_file:
        return Path(spec), ""
    source, _, name = spec.rpartition(":")
    is_own = kind is MODELS["function"] and source.endswith(".py")
    return (Path(source), f":{name}") if is_own else (None, "")
