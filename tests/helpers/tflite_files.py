"""TFLite files made by hand, and what TensorFlow's own runtime computes of them."""

import struct

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
flatbuffers = pytest.importorskip("flatbuffers")

SAME, VALID = 0, 1
TYPES = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}


class Graph:
    """A graph to be written; the image is tensor 0, shapes are (1, height, width, channels)."""

    def __init__(self, shape):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs = [self._tensor(shape)]
        self.last = 0

    def add(self, name, inputs, shape, options=None, custom=None):
        """Add an operator; arrays among its inputs are constants. Returns its result's tensor."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name, schema.BuiltinOperator.CUSTOM)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        if code.builtinCode == schema.BuiltinOperator.CUSTOM:
            code.customCode = name
        code.version = 3 if name == "RESIZE_BILINEAR" else 1
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs = [self._input(one) for one in inputs]
        self.last = self._tensor(shape)
        operator.outputs = [self.last]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(
                schema.BuiltinOptions, type(options).__name__.removesuffix("T")
            )
        if custom is not None:
            operator.customOptions = list(custom)
        self.graph.operators.append(operator)
        return self.last

    def bytes(self):
        """The file."""
        self.graph.outputs = [self.last]
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(0)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _input(self, one):
        return one if isinstance(one, int) else self._tensor(one.shape, one)

    def _tensor(self, shape, values=None):
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.type = TYPES["float32" if values is None else str(values.dtype)]
        tensor.buffer = 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1


def options(name, **values):
    """The options of an operator, by the name of their table."""
    made = getattr(schema, f"{name}OptionsT")()
    for key, value in values.items():
        assert hasattr(made, key), key
        setattr(made, key, value)
    return made


def run(data, image):
    """The result (n, h, w, c) of TensorFlow's runtime for an image (1, h, w, c)."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image.astype(np.float32))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def small_graph(size=(8, 6)):
    """Every kind of layer once, with one output channel and a sigmoid at the end."""
    height, width = size
    graph = Graph((1, height, width, 3))
    half = (1, height // 2, width // 2, 4)
    conv = options("Conv2D", strideH=2, strideW=2, padding=SAME)
    first = graph.add("CONV_2D", [0, values(4, 3, 3, 3), values(4)], half, conv)
    first = graph.add("HARD_SWISH", [first], half)
    pool = options(
        "Pool2D", filterHeight=half[1], filterWidth=half[2], strideH=1, strideW=1, padding=VALID
    )
    mean = graph.add("AVERAGE_POOL_2D", [first], (1, 1, 1, 4), pool)
    gate = graph.add("LOGISTIC", [mean], (1, 1, 1, 4))
    gated = graph.add("MUL", [first, gate], half, options("Mul"))
    both = graph.add("ADD", [gated, first], half, options("Add"))
    wide = (1, height, width, 4)
    resize = options("ResizeBilinear", halfPixelCenters=True)
    large = graph.add("RESIZE_BILINEAR", [both, np.array(size, np.int32)], wide, resize)
    custom = struct.pack("<3i", 1, 1, 1)
    weights = values(1, 2, 2, 4, seed=5), values(1, seed=6)
    last = graph.add(
        "Convolution2DTransposeBias", [large, *weights], (1, height, width, 1), custom=custom
    )
    graph.add("LOGISTIC", [last], (1, height, width, 1))
    return graph
