"""Weights and their description in one safetensors file."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from art_segplugin.errors import InputError
from art_segplugin.heads import hypersphere_head, to_hypersphere
from art_segplugin.models.classifier import Classifier
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.resnet import SmallResNet
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.models.small import SmallSegNet
from art_segplugin.models.tensors import write_safetensors
from art_segplugin.models.tflite import TFLiteNet

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    "small": SmallSegNet,
    "resnet": SmallResNet,
    "tflite": TFLiteNet,
}
"""Architectures that a checkpoint may name; each is called with the options in the description."""

_KEY = "art_segplugin"
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def save_checkpoint(path: str | Path, model: nn.Module, info: CheckpointInfo) -> None:
    """Write a model's weights with their description; the file is never half-written.

    Args:
        path: File to write, usually ``*.safetensors``.
        model: The network itself, or the Segmenter around it, whose normalisation, channels, stride
            and ignore_index then replace those of ``info``. A Segmenter's ``output`` is a function
            and not written.
        info: Its description; the package version is filled in where it is empty, and a hypersphere
            head is described as it is found in the network.

    Raises:
        InputError: The file cannot be written.
    """
    network = _network(model)
    if isinstance(model, Segmenter):
        info = model.describe(info)
    scale, layer = _head(network)
    described = replace(
        info,
        version=info.version or _package_version(),
        hypersphere=scale,
        hypersphere_layer=layer,
    )
    write_safetensors(path, network.state_dict(), {_KEY: described.to_json()})


def load_checkpoint(path: str | Path, model: nn.Module | None = None) -> Segmenter:
    """Read a checkpoint written by `save_checkpoint`.

    Nothing in the file is run: safetensors holds numbers and text only.

    Args:
        path: File to read.
        model: Network to put the weights into, for architectures that this package does not know. It
            is converted to hypersphere embedding where the checkpoint's was.

    Returns:
        The model in eval mode on the CPU, with the description as ``.info``.

    Raises:
        InputError: The file is missing, is not such a checkpoint, names an unknown architecture, or
            its weights do not fit.
    """
    path = Path(path)
    info, tensors = _read(path)
    if model is None:
        model = _build(path, info)
    model = _with_head(path, model, info, tensors)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise InputError(
            f"the weights in {path} do not fit the architecture {info.architecture!r}: {detail}"
        ) from error
    wrapper = Classifier if info.task == Classifier.task else Segmenter
    return wrapper.from_info(model, info)


def read_info(path: str | Path) -> CheckpointInfo:
    """Return the description in a checkpoint without building its model.

    Raises:
        InputError: The file is missing or not such a checkpoint.
    """
    return _read(Path(path))[0]


def shipped() -> dict[str, Path]:
    """Return the checkpoints that come with the package: name to file."""
    folder = Path(__file__).parent / "weights"
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def _read(path: Path) -> tuple[CheckpointInfo, dict[str, Tensor]]:
    if not path.is_file():
        raise InputError(f"there is no checkpoint file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(_unreadable(path, error)) from error
    if _KEY not in metadata:
        raise InputError(
            f"{path} is a safetensors file without the description that this package writes: "
            "build the model yourself and wrap it in Segmenter, or save it with save_checkpoint."
        )
    return CheckpointInfo.from_json(metadata[_KEY]), tensors


def _unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_PICKLE_STARTS):
        return (
            f"{path} is a pickle (torch.save), which could run any code and is not loaded: read it "
            "with torch.load(path, weights_only=True) into your network, in a function that you give as "
            "file.py:function, or write it again with art_segplugin.models.save_checkpoint."
        )
    if start.endswith(b"TFL3"):
        return (
            f"{path} is a TFLite graph, which does not say what values it takes: give FILE.py:model of "
            "a file with `def model(): return Segmenter(read_tflite(...), mean=..., std=...)`, from "
            "art_segplugin.models and art_segplugin.models.tflite."
        )
    return f"{path} is not a readable safetensors checkpoint ({error}): it may be cut off."


def _build(path: Path, info: CheckpointInfo) -> nn.Module:
    if info.architecture not in ARCHITECTURES:
        raise InputError(
            f"{path} holds the architecture {info.architecture!r}; known are "
            f"{', '.join(sorted(ARCHITECTURES))}: pass model=... to load_checkpoint."
        )
    try:
        return ARCHITECTURES[info.architecture](**info.options)
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    except (ArithmeticError, MemoryError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} holds options that {info.architecture!r} does not take ({reason})."
        ) from error


def _head(network: nn.Module) -> tuple[float | None, str]:
    """Scale and name of the hypersphere head of a network; None and "" without one."""
    head = hypersphere_head(network)
    if head is None:
        return None, ""
    return head.scale, next(name for name, module in network.named_modules() if module is head)


def _with_head(
    path: Path, model: nn.Module, info: CheckpointInfo, tensors: Mapping[str, Tensor]
) -> nn.Module:
    """Give the network the kind of last layer that the checkpoint's has."""
    head, name = hypersphere_head(model), info.hypersphere_layer
    if info.hypersphere is None:
        if head is not None:
            raise InputError(
                f"{path} holds an ordinary network and the given one has a hypersphere head: pass "
                "one as it was before to_hypersphere."
            )
        return model
    if head is not None:
        head.scale = info.hypersphere
        return model
    weight = tensors.get(f"{name}.weight" if name else "weight")
    if weight is None:
        raise InputError(f"{path} does not hold the weights of the layer {name!r} it describes.")
    return to_hypersphere(model, len(weight), info.hypersphere, name)


def _network(model: nn.Module) -> nn.Module:
    inner = model.model if isinstance(model, Segmenter) else model
    if not isinstance(inner, nn.Module):
        raise InputError(f"a {type(inner).__name__} has no weights to save; expected a module.")
    return inner


def _package_version() -> str:
    try:
        return version("art-segplugin")
    except PackageNotFoundError:  # a source tree that was not installed
        return "unknown"
