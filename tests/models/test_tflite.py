import json
import struct

import numpy as np
import pytest
import torch
from tflite_files import SAME, VALID, Graph, options, run, small_graph, values

from art_segplugin.errors import InputError
from art_segplugin.models import (
    CheckpointInfo,
    Segmenter,
    load_checkpoint,
    load_model,
    save_checkpoint,
)
from art_segplugin.models.tflite import TFLiteNet, read_tflite


def read(tmp_path, graph):
    path = tmp_path / "net.tflite"
    path.write_bytes(graph.bytes())
    return read_tflite(path)


def computed(net, image):
    with torch.no_grad():
        return net(torch.from_numpy(image).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()


def is_equal(tmp_path, graph, image):
    """What the network and TensorFlow's runtime compute is the same, and has the same shape."""
    expected = run(graph.bytes(), image)
    found = computed(read(tmp_path, graph), image)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    assert np.abs(expected).max() > 1e-3
    return expected


def out(size, window, stride, padding, dilation=1):
    window = (window - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - window) // stride + 1


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(("height", "width"), [(9, 12), (8, 7)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("window", [(3, 3), (2, 5), (1, 1)])
def test_convolutions_pad_as_tensorflow_does(tmp_path, height, width, stride, window, padding):
    image = values(1, height, width, 3)
    rows, columns = (
        out(size, length, step, padding)
        for size, length, step in zip((height, width), window, stride, strict=True)
    )
    graph = Graph(image.shape)
    chosen = options("Conv2D", strideH=stride[0], strideW=stride[1], padding=padding)
    weights = values(4, *window, 3, seed=1), values(4, seed=2)
    hidden = graph.add("CONV_2D", [0, *weights], (1, rows, columns, 4), chosen)
    depthwise = options(
        "DepthwiseConv2D", strideH=1, strideW=1, padding=SAME, depthMultiplier=2,
        fusedActivationFunction=1,
    )  # fmt: skip
    weights = values(1, 3, 2, 8, seed=3), values(8, seed=4)
    graph.add("DEPTHWISE_CONV_2D", [hidden, *weights], (1, rows, columns, 8), depthwise)
    is_equal(tmp_path, graph, image)


@pytest.mark.parametrize("dilation", [2, 3])
def test_convolutions_with_holes(tmp_path, dilation):
    image = values(1, 11, 10, 2)
    graph = Graph(image.shape)
    chosen = options(
        "Conv2D", strideH=1, strideW=1, padding=SAME, dilationHFactor=dilation, dilationWFactor=2
    )
    graph.add("CONV_2D", [0, values(3, 3, 2, 2, seed=1), values(3)], (1, 11, 10, 3), chosen)
    is_equal(tmp_path, graph, image)


@pytest.mark.parametrize(
    ("window", "stride"), [((2, 2), (2, 2)), ((3, 3), (2, 2)), ((4, 3), (2, 3))]
)
def test_transposed_convolution_with_bias(tmp_path, window, stride):
    image = values(1, 5, 4, 3)
    graph = Graph(image.shape)
    shape = (1, 5 * stride[0], 4 * stride[1], 2)
    custom = struct.pack("<3i", 1, stride[1], stride[0])
    weights = values(2, *window, 3, seed=1), values(2, seed=2)
    graph.add("Convolution2DTransposeBias", [0, *weights], shape, custom=custom)
    is_equal(tmp_path, graph, image)


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize(("window", "stride"), [(3, 2), (2, 1), (4, 3)])
def test_average_pooling_counts_pixels_that_are_there(tmp_path, window, stride, padding):
    image = values(1, 9, 8, 3) + 5
    graph = Graph(image.shape)
    chosen = options(
        "Pool2D", filterHeight=window, filterWidth=window, strideH=stride, strideW=stride,
        padding=padding,
    )  # fmt: skip
    rows, columns = (out(size, window, stride, padding) for size in (9, 8))
    graph.add("AVERAGE_POOL_2D", [0], (1, rows, columns, 3), chosen)
    is_equal(tmp_path, graph, image)


@pytest.mark.parametrize("size", [(10, 14), (3, 5), (9, 3), (1, 1)])
@pytest.mark.parametrize("rule", ["half_pixel", "align_corners", "neither"])
def test_resizing_by_each_rule(tmp_path, size, rule):
    image = values(1, 5, 7, 2)
    graph = Graph(image.shape)
    chosen = options(
        "ResizeBilinear",
        alignCorners=rule == "align_corners",
        halfPixelCenters=rule == "half_pixel",
    )
    graph.add("RESIZE_BILINEAR", [0, np.array(size, np.int32)], (1, *size, 2), chosen)
    is_equal(tmp_path, graph, image)


def test_the_other_operators(tmp_path):
    image = 4 * values(1, 6, 5, 4)
    graph = Graph(image.shape)
    small = (1, 1, 1, 4)
    switched = graph.add("HARD_SWISH", [0], image.shape)
    clipped = graph.add("RELU6", [switched], image.shape)
    axes, keep = np.array([2, 1], np.int32), options("Reducer", keepDims=True)
    mean = graph.add("MEAN", [clipped, axes], small, keep)
    gate = graph.add("LOGISTIC", [mean], small)
    gated = graph.add("MUL", [switched, gate], image.shape, options("Mul"))
    positive = graph.add("RELU", [gated], image.shape)
    fused = options("Add", fusedActivationFunction=3)
    graph.add("ADD", [positive, switched], image.shape, fused)
    is_equal(tmp_path, graph, image)


def test_half_precision_weights_become_float32(tmp_path):
    image = values(1, 4, 4, 3)
    graph = Graph(image.shape)
    half = values(2, 1, 1, 3, seed=1).astype(np.float16)
    weight = graph.add("DEQUANTIZE", [half], half.shape)
    graph.add(
        "CONV_2D", [0, weight, values(2)], (1, 4, 4, 2), options("Conv2D", strideH=1, strideW=1)
    )
    net = read(tmp_path, graph)
    assert {value.dtype for value in net.state_dict().values()} == {torch.float32}
    expected = image @ half.astype(np.float32)[:, 0, 0].T + values(2)
    np.testing.assert_allclose(computed(net, image), expected, atol=1e-5)


def test_the_last_sigmoid_is_left_out(tmp_path):
    graph, image = small_graph(), values(1, 8, 6, 3)
    logits = computed(read(tmp_path, graph), image)
    expected = run(graph.bytes(), image)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), expected, atol=1e-5)
    assert logits.min() < 0 < logits.max()


def test_the_gradient_is_that_of_finite_differences(tmp_path):
    net = read(tmp_path, small_graph()).double()
    torch.manual_seed(0)
    for size in ((8, 6), (11, 15)):  # its own size, and one that is resized
        image = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(net, (image,))


def test_images_of_other_sizes_are_resized_and_the_logits_enlarged(tmp_path):
    net = read(tmp_path, small_graph())
    model = Segmenter(net, classes=2)
    images = torch.rand(2, 3, 30, 40)
    logits = model(images)
    assert logits.shape == (2, 2, 30, 40)
    assert not logits[:, 0].any()
    resized = torch.nn.functional.interpolate(images, (8, 6), mode="bilinear")
    own = net(resized)
    enlarged = torch.nn.functional.interpolate(own, (30, 40), mode="bilinear")
    assert torch.equal(logits[:, 1:], enlarged)


def test_a_batch_is_its_images(tmp_path):
    net, images = read(tmp_path, small_graph()), torch.rand(3, 3, 8, 6)
    single = torch.cat([net(image[None]) for image in images])
    assert torch.allclose(net(images), single, atol=1e-6)


def test_a_checkpoint_builds_the_graph_again(tmp_path):
    net = read(tmp_path, small_graph())
    info = CheckpointInfo("tflite", ("background", "person"), options=net.options)
    save_checkpoint(tmp_path / "net.safetensors", Segmenter.from_info(net, info), info)
    images = torch.rand(1, 3, 20, 20)
    loaded = load_checkpoint(tmp_path / "net.safetensors")
    assert torch.equal(loaded(images)[:, 1], Segmenter(net)(images)[:, 1])
    assert loaded.info.options == json.loads(json.dumps(net.options))


def test_a_graph_given_as_a_model_is_told_how_to_be_one(tmp_path):
    (tmp_path / "net.tflite").write_bytes(small_graph().bytes())
    with pytest.raises(
        InputError, match=r"TFLite graph, which does not say.*Segmenter\(read_tflite"
    ):
        load_model(str(tmp_path / "net.tflite"))


def test_an_unknown_operator_is_named(tmp_path):
    graph = Graph((1, 4, 4, 3))
    graph.add("SPACE_TO_DEPTH", [0], (1, 2, 2, 12), options("SpaceToDepth", blockSize=2))
    with pytest.raises(
        InputError, match=r"net\.tflite cannot be used: its operator 0 is SPACE_TO_D"
    ):
        read(tmp_path, graph)
    graph = Graph((1, 4, 4, 3))
    graph.add("Strange2D", [0], (1, 4, 4, 3), custom=b"1")
    with pytest.raises(InputError, match="is Strange2D, which is not known; known are ADD, "):
        read(tmp_path, graph)


def test_quantised_weights_are_refused(tmp_path):
    graph = Graph((1, 4, 4, 3))
    weight = np.ones((2, 1, 1, 3), np.int8)
    chosen = options("Conv2D", strideH=1, strideW=1)
    graph.add("CONV_2D", [0, weight, values(2)], (1, 4, 4, 2), chosen)
    with pytest.raises(InputError, match="quantised or sparse; expected float32 or float16"):
        read(tmp_path, graph)


def refused_axes(graph):
    chosen = options("Reducer", keepDims=True)
    graph.add("MEAN", [0, np.array([3], np.int32)], (1, 4, 4, 1), chosen)


def refused_activation(graph):
    graph.add("ADD", [0, 0], (1, 4, 4, 3), options("Add", fusedActivationFunction=2))


def refused_constant(graph):
    graph.add("ADD", [0, values(1, 1, 1, 3)], (1, 4, 4, 3), options("Add"))


def refused_padding(graph):
    weights = values(1, 2, 2, 3), values(1)
    custom = struct.pack("<3i", 2, 1, 1)
    graph.add("Convolution2DTransposeBias", [0, *weights], (1, 5, 5, 1), custom=custom)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (refused_axes, r"its MEAN is over the axes \[3\]"),
        (refused_activation, "fused activation 2"),
        (refused_constant, "takes a constant"),
        (refused_padding, "padding 2; expected 1"),
        (lambda graph: None, "not the result of its last operator"),
    ],
)
def test_what_is_not_supported_is_said(tmp_path, build, message):
    graph = Graph((1, 4, 4, 3))
    build(graph)
    with pytest.raises(InputError, match=message):
        read(tmp_path, graph)


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 something else", b"\x10\0\0\0TFL3", b"\xff" * 4 + b"TFL3"]
)
def test_other_files_are_one_sentence(tmp_path, data):
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"net\.tflite (is no TFLite file|is damaged|cannot be used)"
    ):
        read_tflite(path)
    with pytest.raises(InputError, match="cannot read"):
        read_tflite(tmp_path / "none.tflite")


NODE = {"kind": "activation", "inputs": (0,), "activation": "relu"}


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        [NODE | {"kind": "exec"}],
        [NODE | {"activation": "eval"}],
        [NODE | {"inputs": (1,)}],
        [NODE | {"inputs": (0, 0)}],
        [NODE | {"more": 1}],
        [NODE | {"inputs": "0"}],
        [{"kind": "resize", "inputs": (0,), "size": (10**6, 10**6), "half_pixel": True}],
        [{"kind": "resize", "inputs": (0,), "size": (0, 1)}],
        [{"kind": "average", "inputs": (0,), "size": (9, 9)}],
        [{"kind": "average", "inputs": (0,), "size": (2, 2), "stride": (0, 1), "same": True}],
        [{"kind": "convolution", "inputs": (0,), "weight": (2, 2, 1, 1)}],
        [{"kind": "convolution", "inputs": (0,), "weight": (10**9, 10**9, 9, 9)}],
        [{"kind": "convolution", "inputs": (0,)}],
        "text",
        [7],
    ],
)
def test_nodes_that_fit_nothing_are_one_sentence(nodes):
    with pytest.raises(InputError, match=r"the graph cannot be built"):
        TFLiteNet((3, 4, 4), nodes)
