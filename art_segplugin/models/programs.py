"""Networks in files that hold the whole computation: TorchScript, torch.export and ONNX.

Such a file says nothing about normalisation, channel order or class names: images are given in [0, 1] as
RGB. For anything else, load the file in a function of your own that returns a Segmenter and give
``file.py:function``.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from art_segplugin.errors import InputError, warn
from art_segplugin.files import archived
from art_segplugin.models.fixed_shape import FixedShape
from art_segplugin.models.optional import import_zoo, one_line
from art_segplugin.models.segmenter import Segmenter

OWN_FUNCTION = "give file.py:function, a function of yours that returns the model"

_NO_GRAPH = ("/opaque_obj_", "/custom_obj_", "/aotinductor/")
"""Parts of an archive of torch.export that are neither a graph nor tensors."""


def load_torchscript(file: str) -> Segmenter:
    """Load what ``torch.jit.save`` wrote. Gradients pass through it.

    Nothing is unpickled into Python, but the file is a program that may do whatever TorchScript can:
    give only files you trust.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit, to its users
            module = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(
            f"{file} cannot be read as TorchScript ({one_line(error)}): write it again with torch.jit.save."
        ) from error
    return Segmenter(module).eval()


def load_export(file: str) -> Segmenter:
    """Load what ``torch.export.save`` wrote. Gradients pass through it.

    Sizes that were not exported as dynamic stay as they were in the example: see `FixedShape`. Tensors
    are read with ``weights_only``; a file with pickled objects is refused. What is left is still a
    program: give only files you trust.

    Raises:
        InputError: The file cannot be read, or the program takes something other than one batch of
            images.
    """
    if any(part in name for name in archived(Path(file)) for part in _NO_GRAPH):
        raise InputError(
            f"{file} holds pickled objects or machine code, which are not loaded: {OWN_FUNCTION}."
        )
    try:
        with _weights_only():
            program = torch.export.load(file)
        module = program.module()
    except Exception as error:  # a broken archive raises whatever its parts raise
        raise InputError(
            f"{file} cannot be read by torch.export.load ({one_line(error)}): export it again with "
            f"this version of torch, {torch.__version__}."
        ) from error
    named = set(program.graph_signature.user_inputs)
    inputs = [node.meta["val"] for node in program.graph.nodes if node.name in named]
    shapes = [tuple(given.shape) for given in inputs if isinstance(given, Tensor)]
    if len(inputs) != 1 or len(shapes) != 1 or len(shapes[0]) != 4:
        raise InputError(
            f"{file} takes {len(inputs)} inputs, tensors of {shapes}; expected one, images (n, channels, "
            f"height, width): {OWN_FUNCTION}."
        )
    fixed: list[int | None] = [side if isinstance(side, int) else None for side in shapes[0]]
    return _segmenter(file, _Exported(module), fixed)


def load_onnx(file: str) -> Segmenter:
    """Load an ONNX file into ONNX Runtime: scores without a gradient.

    Nothing in the file is run beyond ONNX's operators.

    Raises:
        InputError: onnxruntime is missing, the file cannot be read, or the network takes something
            other than one batch of floating-point images.
    """
    return _segmenter(file, *_onnx_session(file))


class _Exported(nn.Module):
    """An exported program; it has one mode, and refuses to be asked for another."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> "_Exported":
        self.training = mode
        return self

    def forward(self, images: Tensor) -> Any:
        return self.program(images)


class OnnxNetwork(nn.Module):
    """A network that runs in ONNX Runtime.

    Args:
        name: The file, for messages.
        session: An ``onnxruntime.InferenceSession``.
        dtype: Precision of its images.
    """

    scores_only = True  # which `Segmenter.validate` does not ask for more then

    def __init__(self, name: str, session: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.name = name
        self.session = session
        self.dtype = dtype

    def forward(self, images: Tensor) -> Any:
        """Return a tensor on the device of the images, or a mapping of several by their names.

        Raises:
            InputError: A gradient is asked for.
        """
        if torch.is_grad_enabled() and images.requires_grad:
            raise InputError(
                f"{self.name} runs in ONNX Runtime, which gives scores and no gradient, so that attacks "
                "by gradients cannot be made against it: give the torch network that it was exported "
                "from (file.py:function), attack the scores with square_attack of "
                "art_segplugin.wrappers.art, or score images as they are (evaluate --attack none)."
            )
        given = {self.session.get_inputs()[0].name: images.detach().cpu().to(self.dtype).numpy()}
        try:
            arrays = self.session.run(None, given)
        except Exception as error:  # onnxruntime's errors have no common class
            raise InputError(
                f"{self.name} cannot take images {tuple(images.shape)}: {one_line(error)}"
            ) from error
        names = [output.name for output in self.session.get_outputs()]
        tensors = {
            # Integers are class maps, which pixel_logits names as such.
            name: torch.from_numpy(array).to(images.device)
            for name, array in zip(names, arrays, strict=True)
        }
        floats = {
            name: tensor.to(images.dtype) if tensor.is_floating_point() else tensor
            for name, tensor in tensors.items()
        }
        return floats if len(floats) > 1 else floats[names[0]]


_ONNX_FLOATS = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}


def _onnx_session(file: str) -> tuple[OnnxNetwork, list[int | None]]:
    """The network and the sides of its images that are fixed."""
    onnxruntime = import_zoo("onnxruntime", "onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors are raised, with the same text
    try:
        session = onnxruntime.InferenceSession(
            file, options, providers=onnxruntime.get_available_providers()
        )
    except Exception as error:  # onnxruntime's errors have no common class
        raise InputError(f"ONNX Runtime cannot read {file}: {one_line(error)}") from error
    given = [(tuple(each.shape), each.type) for each in session.get_inputs()]
    shape, kind = given[0] if len(given) == 1 else ((), "")
    if len(shape) != 4 or kind not in _ONNX_FLOATS:
        raise InputError(
            f"{file} takes {', '.join(f'{kind} {list(shape)}' for shape, kind in given)}; expected one "
            f"floating-point tensor of images [n, channels, height, width]: {OWN_FUNCTION}."
        )
    fixed = [side if isinstance(side, int) else None for side in shape]
    return OnnxNetwork(file, session, _ONNX_FLOATS[kind]), fixed


def _segmenter(file: str, network: nn.Module, fixed: list[int | None]) -> Segmenter:
    """Wrap a network whose batch, channels, height and width are fixed where they are numbers."""
    batch, channels, height, width = fixed
    if channels not in (None, 3):
        raise InputError(
            f"{file} takes images of {channels} channels on the second axis; expected 3 (RGB, n x 3 x "
            f"height x width): {OWN_FUNCTION}."
        )
    size = None if height is None or width is None else (height, width)
    if size is None and (height, width) != (None, None):
        raise InputError(
            f"{file} fixes one side of the images ({height} x {width}) and leaves the other free: export "
            "it with both fixed or both dynamic."
        )
    if size is not None:
        warn(
            f"{file} takes images of {size[0]}x{size[1]} only: others are resized to that inside the "
            "model, and its logits enlarged back."
        )
    if size is None and batch is None:
        return Segmenter(network).eval()
    return Segmenter(FixedShape(network, size, batch)).eval()


@contextmanager
def _weights_only() -> Iterator[None]:
    """torch.export.load unpickles where tensors alone do not do; torch's own switch forbids it."""
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before
