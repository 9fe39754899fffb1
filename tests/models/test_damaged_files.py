"""Whatever is done to a model's file, it is loaded and runs, or one sentence says why not."""

import copy
import json
import warnings
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from tflite_files import small_graph

from art_segplugin.errors import InputError
from art_segplugin.models import CheckpointInfo, Segmenter, SmallSegNet, load_checkpoint
from art_segplugin.models.tflite import read_tflite

FUZZ = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
GRAPH = small_graph().bytes()
IMAGES = torch.rand(1, 3, 33, 33, generator=torch.Generator().manual_seed(0))


@cache
def originals(folder):
    """A small checkpoint of each kind: its description and tensors; and the TFLite file of one."""
    (folder / "net.tflite").write_bytes(GRAPH)
    graph = read_tflite(folder / "net.tflite")
    small = SmallSegNet(2, width=6)
    described = {
        "tflite": (graph, CheckpointInfo("tflite", ("a", "b"), options=graph.options)),
        "small": (small, CheckpointInfo("small", ("a", "b"), options={"classes": 2, "width": 6})),
    }
    colours = [[1, 2, 3], [250, 0, 9]]
    return {
        kind: (
            json.loads(info.to_json()) | {"colours": colours},
            {name: value.contiguous() for name, value in network.state_dict().items()},
        )
        for kind, (network, info) in described.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def runs_or_says_why(load, path):
    try:
        model = load(path)
        model = model if isinstance(model, Segmenter) else Segmenter(model)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model(IMAGES)
    except InputError as error:
        return str(error)
    return ""


def damaged(draw, data, most=None):
    """A file with a few bytes changed, put in or taken out, or cut off."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        if not data:
            break
        place = draw(st.integers(0, min(len(data), most or len(data)) - 1))
        how = draw(st.sampled_from(["bit", "byte", "number", "insert", "remove", "cut"]))
        if how == "bit":
            data[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "byte":
            data[place] = draw(st.integers(0, 255))
        elif how == "number":
            data[place : place + 4] = draw(
                st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)])
            ).to_bytes(4, "little", signed=True)
        elif how == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif how == "remove":
            del data[place : place + draw(st.integers(1, 8))]
        else:
            del data[place:]
    return bytes(data)


@FUZZ
@given(st.data())
def test_a_damaged_tflite_file(folder, data):
    path = folder / "damaged.tflite"
    path.write_bytes(damaged(data.draw, GRAPH))
    assert "\n" not in runs_or_says_why(read_tflite, path)


@FUZZ
@given(st.data())
@pytest.mark.parametrize("kind", ["tflite", "small"])
def test_a_damaged_checkpoint(folder, kind, data):
    description, tensors = originals(folder)[kind]
    whole = save(tensors, {"art_segplugin": json.dumps(description)})
    path = folder / "damaged.safetensors"
    path.write_bytes(damaged(data.draw, whole, 3000))
    assert "\n" not in runs_or_says_why(load_checkpoint, path)


STRANGE = st.one_of(
    st.sampled_from([None, True, 0, -1, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf")]),
    st.sampled_from(
        ["", "a", [], {}, [[]], [1, 2, 3], [None, None, None], [float("inf")] * 3, {"a": 1}]
    ),
    st.integers(-10, 300),
    st.text(max_size=5),
)


def places(value, path=()):
    """The way to each value in a description."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@FUZZ
@given(st.data())
@pytest.mark.parametrize("kind", ["tflite", "small"])
def test_a_description_with_strange_values(folder, kind, data):
    description, tensors = originals(folder)[kind]
    description = copy.deepcopy(description)
    *way, last = data.draw(st.sampled_from(list(places(description))))
    holder = description
    for key in way:
        holder = holder[key]
    how = data.draw(st.sampled_from(["replace", "replace", "remove", "add"]))
    if how == "remove":
        del holder[last]
    elif how == "add" and isinstance(holder, dict):
        holder["new"] = data.draw(STRANGE)
    elif how == "add":
        holder.insert(last, data.draw(STRANGE))
    else:
        holder[last] = data.draw(STRANGE)
    path = folder / "strange.safetensors"
    path.write_bytes(save(tensors, {"art_segplugin": json.dumps(description)}))
    assert "\n" not in runs_or_says_why(load_checkpoint, path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colours": [[1, 2, 3], [0, 256, 0]]}, r"a colour is \[0, 256, 0\]; expected 0 to 255"),
        ({"colours": [[float("inf")] * 3]}, "infinity"),
        ({"stride": 10**30}, "stride is 1000000.* expected 1 to 4096"),
        ({"ignore_index": 2**40}, "ignore_index is"),
        ({"task": "detection"}, "task is 'detection'"),
        ({"classes": "ab"}, "classes is 'ab'"),
        ({"scores": {"miou": "high"}}, "high"),
        ({"options": {"classes": float("nan"), "width": 6}}, "options that 'small' does not take"),
        ({"options": {"classes": 10**15, "width": 6}}, "options that 'small' does not take"),
    ],
)
def test_values_out_of_range_are_named(folder, changes, message):
    description, tensors = originals(folder)["small"]
    path = folder / "range.safetensors"
    path.write_bytes(save(tensors, {"art_segplugin": json.dumps(description | changes)}))
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


def test_nesting_without_end_is_one_sentence(folder):
    path = folder / "deep.safetensors"
    text = "[" * 100_000
    path.write_bytes(save(originals(folder)["small"][1], {"art_segplugin": text}))
    with pytest.raises(InputError, match="description of the model cannot be read"):
        load_checkpoint(path)


def test_a_graph_whose_channels_do_not_fit_is_refused(folder):
    description, tensors = copy.deepcopy(originals(folder)["tflite"])
    *_, last = description["options"]["nodes"]
    last["inputs"] = [0]  # the image, of 3 channels, for a transposed convolution of 4
    path = folder / "channels.safetensors"
    path.write_bytes(save(tensors, {"art_segplugin": json.dumps(description)}))
    with pytest.raises(InputError, match=r"cannot be used: the graph cannot be built \(3 channels"):
        load_checkpoint(path)


def test_whole_files_are_loaded(folder):
    for kind, (description, tensors) in originals(folder).items():
        path = folder / f"{kind}.safetensors"
        path.write_bytes(save(tensors, {"art_segplugin": json.dumps(description)}))
        assert runs_or_says_why(load_checkpoint, path) == ""
    assert runs_or_says_why(read_tflite, folder / "net.tflite") == ""
