"""From the short text a user types to a model: one table, which opens it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from art_segplugin.errors import InputError
from art_segplugin.files import archived_program
from art_segplugin.models import downloads, factory, hub, programs, smp, torchvision, transformers
from art_segplugin.models.checkpoint import load_checkpoint, shipped
from art_segplugin.models.segmenter import Segmenter

WEIGHT_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pt2", ".onnx", ".torchscript")
"""Files with these names are models, also where they are missing."""


@dataclass(frozen=True)
class ModelKind:
    """One way to name a model.

    Attributes:
        spec: How it is given, for help and messages.
        holds: What it is, in a few words.
        recognises: Tells from the given text whether it is of this kind.
        open: Loads it.
        needs: Package that it needs beyond those that are always installed.
        is_file: The text is the path of a file.
        runs_code: To load or to call it runs a program that somebody else may have written.
    """

    spec: str
    holds: str
    recognises: Callable[[str], bool]
    open: Callable[[str], Segmenter]
    needs: str = ""
    is_file: bool = False
    runs_code: bool = False


def _prefixed(prefix: str) -> Callable[[str], bool]:
    return lambda spec: spec.startswith(prefix) and spec != prefix


def _rest(load: Callable[[str], Segmenter]) -> Callable[[str], Segmenter]:
    """Load what follows the first colon."""
    return lambda spec: load(spec.partition(":")[2])


def _names_function(spec: str) -> bool:
    source, _, function = spec.rpartition(":")
    return bool(source and function)


MODELS = {
    "shipped": ModelKind(
        "a shipped name",
        "comes with this package",
        lambda spec: spec in shipped(),
        lambda spec: load_checkpoint(shipped()[spec]),
    ),
    "fetched": ModelKind(
        " or ".join(downloads.DOWNLOADS),
        "persons, after `art-segplugin models get NAME`",
        lambda spec: spec in downloads.DOWNLOADS,
        downloads.load,
    ),
    "torchscript": ModelKind(
        "FILE.pt",
        "TorchScript (torch.jit.save), a program: only files you trust",
        lambda spec: archived_program(Path(spec)) == "torchscript",
        programs.load_torchscript,
        is_file=True,
        runs_code=True,
    ),
    "export": ModelKind(
        "FILE.pt2",
        "torch.export.save, a program: only files you trust",
        lambda spec: archived_program(Path(spec)) == "export",
        programs.load_export,
        is_file=True,
        runs_code=True,
    ),
    "onnx": ModelKind(
        "FILE.onnx",
        "ONNX Runtime: scores, no gradient",
        lambda spec: spec.lower().endswith(".onnx") and Path(spec).is_file(),
        programs.load_onnx,
        needs="onnxruntime",
        is_file=True,
    ),
    "checkpoint": ModelKind(
        "FILE.safetensors",
        "a checkpoint of `art-segplugin train` or save_checkpoint",
        lambda spec: (
            spec.lower().endswith(WEIGHT_SUFFIXES)
            or (Path(spec).is_file() and not spec.endswith(".py"))
        ),
        load_checkpoint,
        is_file=True,
    ),
    "torchvision": ModelKind(
        "torchvision:NAME",
        "segmentation models and classifiers with their weights",
        _prefixed("torchvision:"),
        _rest(torchvision.load),
        needs="torchvision",
    ),
    "hf": ModelKind(
        "hf:FOLDER or hf:OWNER/NAME",
        "transformers: SegFormer, UperNet, BEiT, DPT, Mask2Former, OneFormer, EoMT and others",
        _prefixed("hf:"),
        _rest(transformers.load),
        needs="transformers",
    ),
    "smp": ModelKind(
        "smp:FOLDER or smp:OWNER/NAME",
        "segmentation-models-pytorch, with timm's encoders",
        _prefixed("smp:"),
        _rest(smp.load),
        needs="segmentation-models-pytorch",
    ),
    "hub": ModelKind(
        "hub:OWNER/REPO:ENTRY or hub:FOLDER:ENTRY",
        "torch.hub, which runs the code in there",
        _prefixed("hub:"),
        _rest(hub.load),
        runs_code=True,
    ),
    "function": ModelKind(
        "file.py:FUNCTION or package.module:FUNCTION",
        "your own function, which runs that code",
        _names_function,
        factory.load,
        runs_code=True,
    ),
}
"""Ways to name a model. The first that recognises what is given loads it."""


def model_kind(spec: str) -> ModelKind | None:
    """The row of `MODELS` that a text belongs to, or None."""
    return next((kind for kind in MODELS.values() if kind.recognises(spec)), None)


def load_model(spec: str) -> Segmenter:
    """Load a model by its short text.

    Args:
        spec: One of the forms of `MODELS`.

    Returns:
        The model in eval mode on the CPU.

    Raises:
        InputError: The text names nothing that can be loaded.
    """
    kind = model_kind(spec)
    if kind is not None:
        return kind.open(spec)
    if spec.endswith(".py"):
        raise InputError(f"{spec} names no function; expected {spec}:FUNCTION.")
    if spec and Path(spec).is_dir():
        raise InputError(
            f"{spec} is a folder; give hf:{spec} (transformers), smp:{spec} (segmentation-models-pytorch) "
            f"or hub:{spec}:ENTRY (torch.hub)."
        )
    raise InputError(
        f"{spec!r} is no model: expected a shipped name ({', '.join(shipped()) or 'none'}), "
        + ", ".join(kind.spec for name, kind in MODELS.items() if name != "shipped")
        + "."
    )
