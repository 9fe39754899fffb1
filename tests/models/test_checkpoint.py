import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.heads import HypersphereConv2d, hypersphere_head, to_hypersphere, to_plain
from art_segplugin.models.checkpoint import load_checkpoint, read_info, save_checkpoint, shipped
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.segmenter import Segmenter
from art_segplugin.models.small import SmallSegNet

INFO = CheckpointInfo(
    architecture="small",
    classes=("road", "sky", "car"),
    colours=((128, 64, 128), (70, 130, 180), (0, 0, 142)),
    options={"classes": 3, "width": 6},
    mean=(0.4, 0.5, 0.6),
    std=(0.2, 0.2, 0.3),
    scores={"miou": 0.5},
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return SmallSegNet(3, width=6).eval()


@pytest.fixture
def path(tmp_path, network):
    save_checkpoint(tmp_path / "net.safetensors", network, INFO)
    return tmp_path / "net.safetensors"


def test_round_trip(path, network):
    images = torch.rand(1, 3, 32, 40)
    loaded = load_checkpoint(path)
    expected = Segmenter(network, mean=INFO.mean, std=INFO.std)(images)
    assert torch.equal(loaded(images), expected)
    assert not loaded.training
    assert loaded.classes == 3
    assert loaded.info == replace(INFO, version=loaded.info.version)
    assert loaded.info.version
    assert read_info(path) == loaded.info


def test_saving_a_segmenter_saves_its_network(tmp_path, path, network):
    segmenter = Segmenter(network, mean=INFO.mean, std=INFO.std)
    save_checkpoint(tmp_path / "again.safetensors", segmenter, INFO)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("channels", [None, slice(3), slice(0, None, 2)])
def test_a_segmenter_keeps_its_wrapper(tmp_path, channels):
    torch.manual_seed(0)
    network = nn.Conv2d(3, 5 if channels else 3, 3, padding=1)
    options = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "bgr": True, "stride": 8}
    segmenter = Segmenter(network, ignore_index=7, channels=channels, **options)
    save_checkpoint(tmp_path / "net.safetensors", segmenter, INFO)
    loaded = load_checkpoint(
        tmp_path / "net.safetensors", nn.Conv2d(3, network.out_channels, 3, padding=1)
    )
    images = torch.rand(1, 3, 10, 13)
    assert torch.equal(loaded(images), segmenter(images))
    assert loaded.ignore_index == loaded.info.ignore_index == 7
    assert loaded.channels == channels
    assert (loaded.info.mean, loaded.info.std) == (options["mean"], options["std"])
    assert (loaded.info.bgr, loaded.info.stride) == (True, 8)


def test_own_architectures_bring_their_network(tmp_path):
    network = nn.Conv2d(3, 2, 1)
    info = CheckpointInfo(architecture="mine", classes=("a", "b"))
    save_checkpoint(tmp_path / "own.safetensors", network, info)
    with pytest.raises(
        InputError, match=r"architecture 'mine'; known are resnet, small, tflite: pass model="
    ):
        load_checkpoint(tmp_path / "own.safetensors")
    loaded = load_checkpoint(tmp_path / "own.safetensors", model=nn.Conv2d(3, 2, 1))
    images = torch.rand(1, 3, 4, 4)
    assert torch.equal(loaded(images), network(images))


@pytest.mark.parametrize("wrapped", [True, False])
def test_converted_networks_come_back_converted(tmp_path, network, wrapped):
    images = torch.rand(1, 3, 32, 40)
    segmenter = Segmenter(network, mean=INFO.mean, std=INFO.std)
    to_hypersphere(segmenter, 3, 12.5)
    file = tmp_path / "net.safetensors"
    save_checkpoint(file, segmenter if wrapped else network, INFO)
    assert read_info(file).hypersphere == 12.5
    assert read_info(file).hypersphere_layer == "classifier"
    loaded = load_checkpoint(file)
    assert torch.equal(loaded(images), segmenter(images))
    assert hypersphere_head(loaded).scale == 12.5
    # What it becomes is described, not what it was.
    save_checkpoint(file, to_plain(loaded), loaded.info)
    assert read_info(file).hypersphere is None


class TwoLayers(nn.Module):
    """Only the user knows that the first layer is the last one; its bias is missing, too."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 5, 1, bias=False)
        self.unused = nn.Conv2d(3, 5, 1)

    def forward(self, images):
        return self.head(images)


@pytest.mark.parametrize("channels", [None, slice(3)])
def test_the_named_layer_is_the_one_that_comes_back(tmp_path, channels):
    torch.manual_seed(0)
    network = to_hypersphere(TwoLayers(), 5, layer="head")
    segmenter = Segmenter(network, channels=channels)
    info = replace(INFO, classes=INFO.classes if channels else tuple("abcde"))
    save_checkpoint(tmp_path / "net.safetensors", segmenter, info)
    images = torch.rand(1, 3, 4, 4)
    for given in (TwoLayers(), to_hypersphere(TwoLayers(), 5, 99.0, layer="head")):
        loaded = load_checkpoint(tmp_path / "net.safetensors", given)
        assert isinstance(loaded.model.head, HypersphereConv2d)
        assert torch.equal(loaded(images), segmenter(images))


def test_a_network_that_is_nothing_but_a_head(tmp_path):
    head = HypersphereConv2d(3, 3, 1)
    save_checkpoint(tmp_path / "net.safetensors", Segmenter(head), INFO)
    loaded = load_checkpoint(tmp_path / "net.safetensors", nn.Conv2d(3, 3, 1))
    images = torch.rand(1, 3, 4, 4)
    assert torch.equal(loaded(images), head(images))


def test_refuses_a_head_that_does_not_fit(tmp_path, path, network):
    converted = to_hypersphere(SmallSegNet(3, width=6), 3)
    with pytest.raises(InputError, match="holds an ordinary network and the given one has a hyp"):
        load_checkpoint(path, converted)
    file = tmp_path / "odd.safetensors"
    save_checkpoint(file, converted, INFO)
    described = json.loads(read_info(file).to_json())
    tensors = {name: value.contiguous() for name, value in converted.state_dict().items()}
    for name, message in (("head", "not hold the weights of the layer 'head'"), ("stem.0", "stem")):
        changed = json.dumps({**described, "hypersphere_layer": name})
        save_file(tensors, file, metadata={"art_segplugin": changed})
        with pytest.raises(InputError, match=message):
            load_checkpoint(file)


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="there is no checkpoint file"):
        load_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("zipped", [True, False])
def test_never_unpickles(tmp_path, zipped):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("the pickle was run",)

    file = tmp_path / "weights.pth"
    torch.save({"weights": Bomb()}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"is a pickle.*weights_only=True"):
        load_checkpoint(file)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x10\0\0\0\0\0\0\0{broken"])
def test_refuses_other_files(tmp_path, content):
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors checkpoint"):
        load_checkpoint(file)


def test_refuses_a_cut_off_file(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="may be cut off"):
        load_checkpoint(path)


def test_refuses_an_impossible_normalisation(tmp_path, network):
    file = tmp_path / "net.safetensors"
    save_checkpoint(file, network, replace(INFO, mean=(), std=()))
    with pytest.raises(InputError, match="must have one value per channel"):
        load_checkpoint(file)


def test_refuses_weights_without_description(tmp_path, network):
    save_file({"weight": torch.zeros(3)}, tmp_path / "bare.safetensors")
    with pytest.raises(InputError, match="without the description"):
        load_checkpoint(tmp_path / "bare.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"options": {"classes": 4, "width": 6}}, "do not fit the architecture 'small'.*size mism"),
        ({"options": {"classes": 3, "depth": 6}}, "options that 'small' does not take"),
        ({"architecture": "huge"}, "architecture 'huge'"),
    ],
)
def test_refuses_descriptions_that_do_not_fit(tmp_path, network, change, message):
    described = {**json.loads(INFO.to_json()), **change}
    file = tmp_path / "net.safetensors"
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, file, metadata={"art_segplugin": json.dumps(described)})
    with pytest.raises(InputError, match=message):
        load_checkpoint(file)


def test_a_callable_has_no_weights(tmp_path):
    with pytest.raises(InputError, match="a function has no weights"):
        save_checkpoint(tmp_path / "f.safetensors", Segmenter(lambda x: x), INFO)


def test_shipped_checkpoints_are_small_and_whole():
    assert sum(file.stat().st_size for file in shipped().values()) <= 20_000_000
    images = torch.rand(1, 3, 48, 64)
    for name, file in shipped().items():
        model = load_checkpoint(file)
        assert {p.dtype for p in model.parameters()} == {torch.float32}, name
        assert model(images).isfinite().all(), name
        assert model.info.command.startswith("art-segplugin train"), name
        if "-step-" not in name:  # on the way not every one is judged
            assert model.info.scores["miou"] > 0.4, name
