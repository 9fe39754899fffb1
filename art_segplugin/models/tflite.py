"""TFLite graphs as torch networks: float32, differentiable, rebuilt from plain values.

A file is read once with the package ``tflite``; what it holds (`Node`) is plain numbers and text, which a
checkpoint of ours carries in its description. Nothing in either file is run.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from art_segplugin.errors import InputError
from art_segplugin.models.optional import import_zoo

if TYPE_CHECKING:  # it would add a sixth of a second to the start of the app
    from pydantic import TypeAdapter

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "": lambda values: values,
    "relu": F.relu,
    "relu6": F.relu6,
    "hard swish": F.hardswish,
    "sigmoid": torch.sigmoid,
}
"""What a node may do to its result."""

_LARGEST = 2**26
"""Numbers that one result may have for one image; a damaged file would ask for all memory."""


@dataclass(frozen=True)
class Node:
    """One operator of a graph; pairs are (vertical, horizontal).

    Attributes:
        kind: Name in `KINDS`.
        inputs: What it takes: 0 is the image, k the result of the k-th node.
        activation: Name in `ACTIVATIONS`.
        weight: Shape of its weights; empty for none.
        groups: Groups of channels of a convolution.
        stride: Of a convolution or pooling.
        dilation: Of a convolution.
        same: Zeros are added so that the size is divided by the stride and rounded up.
        size: Height and width of the window of a pooling, or of what a resizing gives.
        align_corners: The corner pixels keep their values when resizing.
        half_pixel: Pixels have their centres at half coordinates when resizing.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    kind: str
    inputs: tuple[int, ...]
    activation: str = ""
    weight: tuple[int, ...] = ()
    groups: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same: bool = False
    size: tuple[int, int] = (1, 1)
    align_corners: bool = False
    half_pixel: bool = False


class TFLiteNet(nn.Module):
    """A graph: images of any size in, one result of the graph's own size out.

    Images of another size are resized (bilinear, without antialiasing, aspect not kept), which the
    gradient goes through.

    Args:
        image: Channels, height and width that the graph takes.
        nodes: Its operators in order, each as the fields of a `Node`; the last one gives the result.

    Raises:
        InputError: The nodes are no graph that can be run on such an image.
    """

    def __init__(self, image: Sequence[int], nodes: Sequence[Mapping[str, Any]]) -> None:
        from pydantic import ValidationError

        super().__init__()
        try:
            self.image, self.nodes = _graph().validate_python((image, nodes))
            if not self.nodes:
                raise ValueError("it has no nodes")
            self.layers = nn.ModuleList(map(_Layer, self.nodes))
            self._last_use = {
                index: number for number, node in enumerate(self.nodes) for index in node.inputs
            }
            self.shapes()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"the graph cannot be built: {where}: {first['msg']}.") from error
        except (
            IndexError,
            KeyError,
            RuntimeError,
            TypeError,
            ValueError,
            ArithmeticError,
        ) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"the graph cannot be built ({reason}).") from error

    @property
    def options(self) -> dict[str, Any]:
        """What builds this network again, as JSON can hold it."""
        defaults = {one.name: one.default for one in fields(Node)}
        nodes = [
            {name: value for name, value in asdict(node).items() if value != defaults[name]}
            for node in self.nodes
        ]
        return {"image": list(self.image), "nodes": nodes}

    def forward(self, images: Tensor) -> Tensor:
        """Return the result (n, channels, height, width) for images (n, channels, any, any)."""
        size = self.image[1:]
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bilinear", align_corners=False)
        results = {0: images}
        for number, (node, layer) in enumerate(zip(self.nodes, self.layers, strict=True)):
            results[number + 1] = layer(*(results[index] for index in node.inputs))
            for index in node.inputs:
                if self._last_use[index] == number:
                    results.pop(index, None)
        return results[len(self.nodes)]

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shape (channels, height, width) of each node's result, without computing it."""
        found = []

        def note(layer: Any, _: Any, result: Tensor) -> None:
            if result.numel() > _LARGEST or result.ndim != 4:
                raise ValueError(f"{layer.node.kind} gives a result of shape {list(result.shape)}")
            found.append(tuple(result.shape[1:]))

        hooks = [layer.register_forward_hook(note) for layer in self.layers]
        empty = {name: value.to("meta") for name, value in self.state_dict().items()}
        try:
            with torch.no_grad():
                functional_call(self, empty, (torch.empty(1, *self.image, device="meta"),))
        finally:
            for hook in hooks:
                hook.remove()
        return found


class _Layer(nn.Module):
    """One node with its weights: a module of its own, so that hooks find it."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        if ("convolution" in node.kind) != (len(node.weight) == 4):
            raise ValueError(f"{node.kind} with weights of shape {list(node.weight)}")
        self.node = node
        self._compute = KINDS[node.kind]
        self._activate = ACTIVATIONS[node.activation]
        if node.weight:
            channels = node.weight[1] if node.kind == "transposed convolution" else node.weight[0]
            self.weight = nn.Parameter(torch.empty(node.weight))
            self.bias = nn.Parameter(torch.empty(channels))

    def forward(self, *values: Tensor) -> Tensor:
        return self._activate(self._compute(self, *values))


def _convolution(layer: _Layer, values: Tensor) -> Tensor:
    node = layer.node
    window = tuple(
        (length - 1) * step + 1
        for length, step in zip(layer.weight.shape[2:], node.dilation, strict=True)
    )
    padded, zeros = _pad(values, window, node)
    return F.conv2d(
        padded, layer.weight, layer.bias, node.stride, zeros, node.dilation, node.groups
    )


def _transposed_convolution(layer: _Layer, values: Tensor) -> Tensor:
    # "SAME": the result has the size times the stride. What is too much is cut off both sides, the
    # smaller half first, and what is too little is filled with the bias behind.
    if values.shape[1] != layer.weight.shape[0]:  # without numbers torch does not look at it
        raise ValueError(f"{values.shape[1]} channels for weights of {layer.weight.shape[0]}")
    stride, window = layer.node.stride, layer.weight.shape[2:]
    missing = [max(step - length, 0) for step, length in zip(stride, window, strict=True)]
    full = F.conv_transpose2d(values, layer.weight, layer.bias, stride, output_padding=missing)
    height, width = (size * step for size, step in zip(values.shape[2:], stride, strict=True))
    top, left = (full.shape[2] - height) // 2, (full.shape[3] - width) // 2
    return full[:, :, top : top + height, left : left + width]


def _average(layer: _Layer, values: Tensor) -> Tensor:
    # Padding does not count: the mean is over the pixels that are there.
    node = layer.node
    padded, zeros = _pad(values, node.size, node)
    pooled = F.avg_pool2d(padded, node.size, node.stride, zeros)
    if not node.same:
        return pooled
    there, zeros = _pad(torch.ones_like(values[:1, :1]), node.size, node)
    return pooled / F.avg_pool2d(there, node.size, node.stride, zeros)


def _resize(layer: _Layer, values: Tensor) -> Tensor:
    node = layer.node
    if node.align_corners or node.half_pixel:
        return F.interpolate(values, node.size, mode="bilinear", align_corners=node.align_corners)
    # The older rule, which torch does not have: pixel i of the result lies at i * in / out.
    rows, columns = (
        _interpolation(before, after, values)
        for before, after in zip(values.shape[2:], node.size, strict=True)
    )
    return rows @ values @ columns.T


def _interpolation(before: int, after: int, like: Tensor) -> Tensor:
    """The matrix (after, before) that interpolates linearly."""
    places = torch.arange(after, dtype=like.dtype, device=like.device) * (before / after)
    distance = places[:, None] - torch.arange(before, dtype=like.dtype, device=like.device)
    distance[:, -1] = distance[:, -1].clamp_max(0)  # beyond the last pixel there is only that one
    return (1 - distance.abs()).clamp_min(0)


def _pad(values: Tensor, window: Sequence[int], node: Node) -> tuple[Tensor, tuple[int, int]]:
    """Zeros around an image as "SAME" wants them; those that both sides have alike are returned.

    The window starts at each multiple of the stride; where the number of zeros is odd, there is one
    more behind (torch's "same" knows no stride).
    """
    if not node.same:
        return values, (0, 0)
    top, left = (
        max((-(-size // step) - 1) * step + length - size, 0)
        for size, step, length in zip(values.shape[2:], node.stride, window, strict=True)
    )
    if top % 2 == left % 2 == 0:
        return values, (top // 2, left // 2)
    return F.pad(values, (left // 2, left - left // 2, top // 2, top - top // 2)), (0, 0)


KINDS: Mapping[str, Callable[..., Tensor]] = {
    "convolution": _convolution,
    "transposed convolution": _transposed_convolution,
    "average": _average,
    "mean": lambda _, values: values.mean((2, 3), keepdim=True),
    "resize": _resize,
    "add": lambda _, one, other: one + other,
    "multiply": lambda _, one, other: one * other,
    "activation": lambda _, values: values,
}
"""What the operators compute, by their name in a `Node`."""


@cache
def _graph() -> "TypeAdapter[tuple[tuple[int, int, int], list[Node]]]":
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[tuple[int, int, int], list[Node]])


def read_tflite(path: str | Path) -> TFLiteNet:
    """Read a TFLite file of float32 or float16 weights.

    A sigmoid at the end is left out, so that the network returns logits. Known are the operators of
    MediaPipe's selfie segmentation (`READERS`).

    Args:
        path: File to read.

    Returns:
        The network in eval mode; it takes what the file's graph takes, usually images in [0, 1] or
        [-1, 1], of any size.

    Raises:
        InputError: The file is missing or damaged, is no TFLite file, is quantised, or has an operator
            that is not known; its name is given. Or the package ``tflite`` is not installed.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from error
    if data[4:8] != b"TFL3":
        raise InputError(f"{path} is no TFLite file: it does not have the mark TFL3.")
    schema = import_zoo("tflite")
    try:
        return _Reader(schema, data).net().eval()
    except InputError as error:
        raise InputError(f"{path} cannot be used: {error}") from error
    except (
        ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError,
        ValueError, struct.error,
    ) as error:  # fmt: skip
        raise InputError(f"{path} is damaged or cut off ({error}).") from error


class _Reader:
    """Goes through the operators of a file and makes nodes of them.

    Args:
        schema: The package ``tflite``.
        data: Contents of the file.
    """

    def __init__(self, schema: Any, data: bytes) -> None:
        self.schema = schema
        self.model = schema.Model.GetRootAsModel(data, 0)
        if self.model.SubgraphsLength() != 1:
            raise InputError(f"it has {self.model.SubgraphsLength()} graphs; expected one.")
        self.graph = self.model.Subgraphs(0)
        if self.graph.InputsLength() != 1 or self.graph.OutputsLength() != 1:
            raise InputError(
                f"it has {self.graph.InputsLength()} inputs and {self.graph.OutputsLength()} "
                "outputs; expected one of each."
            )
        self.places = {self.graph.Inputs(0): 0}
        self.constants: dict[int, np.ndarray[Any, Any]] = {}
        self.nodes: list[dict[str, Any]] = []
        self.declared: list[tuple[int, ...]] = []
        self.weights: dict[str, Tensor] = {}

    def net(self) -> TFLiteNet:
        """The network with its weights."""
        for index in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(index)
            name = self._name(operator)
            if name not in READERS:
                raise InputError(
                    f"its operator {index} is {name}, which is not known; known are "
                    f"{', '.join(sorted(READERS))}."
                )
            inputs = [operator.Inputs(place) for place in range(operator.InputsLength())]
            READERS[name](self, operator, inputs, operator.Outputs(0))
        if self.places.get(self.graph.Outputs(0)) != len(self.nodes) or not self.nodes:
            raise InputError("its output is not the result of its last operator.")
        if self.nodes[-1] | {"inputs": ()} == {
            "kind": "activation", "inputs": (), "activation": "sigmoid",
        }:  # fmt: skip
            self._leave_out_sigmoid()
        _, height, width, channels = self.shape(self.graph.Inputs(0))
        net = TFLiteNet((channels, height, width), self.nodes)
        for node, found, declared in zip(self.nodes, net.shapes(), self.declared, strict=True):
            if (*found[1:], found[0]) != declared[1:]:
                raise InputError(f"its {node['kind']} gives {found} and declares {declared[1:]}.")
        net.load_state_dict(self.weights)
        return net

    def add(self, output: int, kind: str, inputs: Sequence[int], **values: Any) -> None:
        """Add a node that takes the tensors `inputs` and gives the tensor `output`."""
        for tensor in inputs:
            if tensor not in self.places:
                raise InputError(f"its operator {kind} takes a constant where only results may be.")
        self.nodes.append(
            {"kind": kind, "inputs": tuple(self.places[one] for one in inputs), **values}
        )
        self.declared.append(self.shape(output))
        self.places[output] = len(self.nodes)

    def add_weights(self, weight: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> None:
        """Give the last node its weights in torch's layout."""
        self.nodes[-1]["weight"] = weight.shape
        prefix = f"layers.{len(self.nodes) - 1}"
        self.weights[f"{prefix}.weight"] = torch.tensor(np.ascontiguousarray(weight))
        self.weights[f"{prefix}.bias"] = torch.tensor(bias)

    def constant(self, tensor: int) -> np.ndarray[Any, Any]:
        """The values of a tensor that the file holds; float16 becomes float32."""
        if tensor in self.constants:
            return self.constants[tensor]
        one = self.graph.Tensors(tensor)
        kinds = self.schema.TensorType
        types = {kinds.FLOAT32: "<f4", kinds.FLOAT16: "<f2", kinds.INT32: "<i4"}
        data = self.model.Buffers(one.Buffer()).DataAsNumpy()
        if not isinstance(data, np.ndarray):
            raise InputError("it has weights that are computed, which is not supported.")
        if one.Type() not in types or one.Sparsity() is not None:
            raise InputError("its weights are quantised or sparse; expected float32 or float16.")
        values = data.view(types[one.Type()]).reshape(self.shape(tensor))
        return values if values.dtype.kind == "i" else values.astype(np.float32)

    def bias(self, inputs: Sequence[int], channels: int) -> np.ndarray[Any, Any]:
        """The third input of a convolution, or zeros."""
        if len(inputs) < 3 or inputs[2] < 0:
            return np.zeros(channels, np.float32)
        return self.constant(inputs[2])

    def shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor as it is declared."""
        one = self.graph.Tensors(tensor)
        return tuple(int(one.Shape(axis)) for axis in range(one.ShapeLength()))

    def options(self, operator: Any, name: str) -> Any:
        """The options of an operator, by the name of their table in the schema."""
        table = operator.BuiltinOptions()
        found = getattr(self.schema, name)()
        if table is None:
            raise InputError(f"an operator lacks its {name}.")
        found.Init(table.Bytes, table.Pos)
        return found

    def activation(self, options: Any) -> str:
        """The activation that is fused into an operator."""
        kinds = self.schema.ActivationFunctionType
        known = {kinds.NONE: "", kinds.RELU: "relu", kinds.RELU6: "relu6"}
        code = options.FusedActivationFunction()
        if code not in known:
            raise InputError(f"an operator has the fused activation {code}, which is not known.")
        return known[code]

    def window(self, options: Any) -> dict[str, Any]:
        """Stride, padding and activation of a convolution or pooling."""
        return {
            "stride": (options.StrideH(), options.StrideW()),
            "same": options.Padding() == self.schema.Padding.SAME,
            "activation": self.activation(options),
        }

    def _name(self, operator: Any) -> str:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        if code.CustomCode():
            return str(code.CustomCode().decode("utf-8", "replace"))
        # Older files have the code in the one field, newer ones in the other or in both.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return str(self.schema.BUILTIN_OPCODE2NAME.get(number, f"number {number}"))

    def _leave_out_sigmoid(self) -> None:
        last = self.nodes.pop()
        self.declared.pop()
        if last["inputs"] != (len(self.nodes),):
            raise InputError("its output is not the sigmoid of the operator before.")


def _read_constant(reader: _Reader, _: Any, inputs: Sequence[int], output: int) -> None:
    reader.constants[output] = reader.constant(inputs[0])


def _read_convolution(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    options = reader.options(operator, "Conv2DOptions")
    weight = reader.constant(inputs[1]).transpose(0, 3, 1, 2)  # out, height, width, in
    channels = reader.shape(inputs[0])[3]
    reader.add(
        output,
        "convolution",
        inputs[:1],
        groups=channels // weight.shape[1],
        dilation=(options.DilationHFactor(), options.DilationWFactor()),
        **reader.window(options),
    )
    reader.add_weights(weight, reader.bias(inputs, len(weight)))


def _read_depthwise(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    options = reader.options(operator, "DepthwiseConv2DOptions")
    weight = reader.constant(inputs[1]).transpose(3, 0, 1, 2)  # 1, height, width, in * multiplier
    reader.add(
        output,
        "convolution",
        inputs[:1],
        groups=reader.shape(inputs[0])[3],
        dilation=(options.DilationHFactor(), options.DilationWFactor()),
        **reader.window(options),
    )
    reader.add_weights(weight, reader.bias(inputs, len(weight)))


def _read_transposed(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    # MediaPipe's TfLiteTransposeConvParams: padding (1 is SAME), horizontal and vertical stride.
    custom = bytes(operator.CustomOptions(i) for i in range(operator.CustomOptionsLength()))
    padding, horizontal, vertical = struct.unpack("<3i", custom)
    if padding != 1:
        raise InputError(f"its Convolution2DTransposeBias has padding {padding}; expected 1, SAME.")
    weight = reader.constant(inputs[1]).transpose(3, 0, 1, 2)  # out, height, width, in
    reader.add(output, "transposed convolution", inputs[:1], stride=(vertical, horizontal))
    reader.add_weights(weight, reader.bias(inputs, weight.shape[1]))


def _read_average(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    options = reader.options(operator, "Pool2DOptions")
    size = (options.FilterHeight(), options.FilterWidth())
    reader.add(output, "average", inputs, size=size, **reader.window(options))


def _read_mean(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    axes = sorted(int(axis) % 4 for axis in reader.constant(inputs[1]).reshape(-1))
    if axes != [1, 2] or not reader.options(operator, "ReducerOptions").KeepDims():
        raise InputError(f"its MEAN is over the axes {axes}; expected height and width, kept.")
    reader.add(output, "mean", inputs[:1])


def _read_resize(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
    options = reader.options(operator, "ResizeBilinearOptions")
    height, width = map(int, reader.constant(inputs[1]))
    reader.add(
        output,
        "resize",
        inputs[:1],
        size=(height, width),
        align_corners=bool(options.AlignCorners()),
        half_pixel=bool(options.HalfPixelCenters()),
    )


def _read_pair(kind: str, table: str) -> Callable[[_Reader, Any, Sequence[int], int], None]:
    def read(reader: _Reader, operator: Any, inputs: Sequence[int], output: int) -> None:
        activation = reader.activation(reader.options(operator, table))
        reader.add(output, kind, inputs, activation=activation)

    return read


def _read_activation(name: str) -> Callable[[_Reader, Any, Sequence[int], int], None]:
    def read(reader: _Reader, _: Any, inputs: Sequence[int], output: int) -> None:
        reader.add(output, "activation", inputs, activation=name)

    return read


READERS: Mapping[str, Callable[[_Reader, Any, Sequence[int], int], None]] = {
    "ADD": _read_pair("add", "AddOptions"),
    "AVERAGE_POOL_2D": _read_average,
    "CONV_2D": _read_convolution,
    "Convolution2DTransposeBias": _read_transposed,
    "DEPTHWISE_CONV_2D": _read_depthwise,
    "DEQUANTIZE": _read_constant,
    "HARD_SWISH": _read_activation("hard swish"),
    "LOGISTIC": _read_activation("sigmoid"),
    "MEAN": _read_mean,
    "MUL": _read_pair("multiply", "MulOptions"),
    "RELU": _read_activation("relu"),
    "RELU6": _read_activation("relu6"),
    "RESIZE_BILINEAR": _read_resize,
}
"""How each operator is read, by its name in the file."""
