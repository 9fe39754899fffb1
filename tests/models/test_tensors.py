import os

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models.tensors import write_safetensors, write_torch


def test_every_memory_layout_and_shared_weights(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 3, 2), nn.Conv2d(3, 3, 2))
    network[1].weight = network[0].weight
    network.to(memory_format=torch.channels_last)
    state = network.state_dict() | {"turned": torch.rand(2, 3).T}
    write_safetensors(tmp_path / "net.safetensors", state)
    loaded = load_file(tmp_path / "net.safetensors")
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


@pytest.mark.parametrize("write", [write_safetensors, write_torch])
def test_a_full_disk_keeps_the_old_file(tmp_path, write):
    resource = pytest.importorskip("resource")
    path = tmp_path / "weights"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"cannot write .*weights"):
            write(path, {"weight": torch.rand(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["weights"]


@pytest.mark.parametrize("write", [write_safetensors, write_torch])
def test_a_folder_that_is_a_file_is_named(tmp_path, write):
    (tmp_path / "runs").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*runs/weights"):
        write(tmp_path / "runs" / "weights", {"weight": torch.rand(2)})
