import gzip
import io
import stat
import subprocess
import tarfile

import numpy as np
import pytest
import torch
from selfie_files import archive_or_skip, graph_or_skip
from tflite_files import run

from art_segplugin.errors import InputError
from art_segplugin.evaluation.model_refs import is_code, model_ref
from art_segplugin.models import downloads, load_model, read_info
from art_segplugin.models.downloads import DOWNLOADS, fetch, installed, models_folder
from art_segplugin.models.tflite import read_tflite


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive.tgz"
    path.write_bytes(archive_or_skip())
    return path


def npm(folder, monkeypatch, script):
    """Put a program called npm before all others."""
    folder.mkdir(exist_ok=True)
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def astronaut():
    return pytest.importorskip("skimage.data").astronaut() / np.float32(255)


@pytest.mark.parametrize("name", list(DOWNLOADS))
def test_the_network_is_what_tensorflows_runtime_computes(name, tmp_path):
    data = graph_or_skip(name)
    (tmp_path / "net.tflite").write_bytes(data)
    net = read_tflite(tmp_path / "net.tflite")
    size = DOWNLOADS[name].size
    assert net.image == (3, *size)
    assert sum(value.numel() for value in net.parameters()) == 106_401
    whole = torch.from_numpy(astronaut()).permute(2, 0, 1)[None]
    person = torch.nn.functional.interpolate(whole, size, mode="bilinear")
    noise = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    for image in (person, noise, person * 0.5 + noise * 0.5, person.flip(3)):
        with torch.no_grad():
            found = net(image).sigmoid()[0, 0].numpy()
        expected = run(data, image.permute(0, 2, 3, 1).contiguous().numpy())[0, ..., 0]
        assert np.abs(found - expected).max() <= 1e-3
    assert 0.4 < (run(data, person.permute(0, 2, 3, 1).contiguous().numpy()) > 0.5).mean() < 0.7


def test_the_mask_is_her_silhouette(archive):
    fetch("selfie", archive)
    model = load_model("selfie")
    image = torch.from_numpy(astronaut()).permute(2, 0, 1)[None]
    with torch.no_grad():
        mask = model(image).argmax(1)[0]
    assert mask.shape == (512, 512)
    assert mask[40:200, 170:280].float().mean() > 0.9  # head
    assert mask[320:, 60:300].float().mean() > 0.95  # suit
    assert mask[:200, 330:].float().mean() < 0.05  # rocket and wall
    assert mask[:150, :120].float().mean() < 0.05  # flag


def test_what_is_fetched_has_its_licence_and_is_found_by_name(archive, cache):
    path, new = fetch("selfie", archive)
    assert new
    assert path.is_relative_to(cache)
    assert files(cache) == ["LICENSE.txt", "SOURCE.txt", "selfie.safetensors"]
    assert "Apache License" in (path.parent / "LICENSE.txt").read_text()
    assert downloads.SHA512 in (path.parent / "SOURCE.txt").read_text()
    info = read_info(path)
    assert info.classes == ("background", "person")
    assert "images are resized to 256 x 256" in info.data
    assert installed()["selfie"] == path
    assert "small-scenes" in installed()
    assert "selfie-landscape" not in installed()
    assert model_ref("selfie").spec == "selfie"
    assert model_ref("selfie").sha256 is not None
    assert not is_code("selfie")
    before = path.stat().st_mtime_ns
    assert fetch("selfie", archive) == (path, False)
    assert path.stat().st_mtime_ns == before


def test_the_file_in_the_archive_does_as_well(tmp_path):
    file = tmp_path / "mine.tflite"
    file.write_bytes(graph_or_skip("selfie-landscape"))
    fetch("selfie-landscape", file)
    assert load_model("selfie-landscape")(torch.rand(1, 3, 90, 160)).shape == (1, 2, 90, 160)
    with pytest.raises(InputError, match=r"mine\.tflite is not the model 'selfie': its sha256"):
        fetch("selfie", file)


def test_a_damaged_copy_is_fetched_again(archive):
    path, _ = fetch("selfie", archive)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(InputError, match=r"Run `art-segplugin models get selfie` again"):
        load_model("selfie")
    assert fetch("selfie", archive) == (path, True)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("change", ["cut", "bit", "other"])
def test_an_archive_that_differs_is_refused(archive, cache, change):
    data = bytearray(archive.read_bytes())
    if change == "cut":
        data = data[: len(data) // 2]
    elif change == "bit":
        data[len(data) // 2] ^= 1
    else:
        data = bytearray(gzip.compress(b"nothing"))
    archive.write_bytes(data)
    with pytest.raises(
        InputError, match=r"archive\.tgz is not selfie_segm.*sha512 differs.*https://"
    ):
        fetch("selfie", archive)
    assert files(cache) == []


def test_what_npm_gives_is_checked(tmp_path, cache, monkeypatch):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as opened:
        opened.addfile(tarfile.TarInfo("package/selfie_segmentation.tflite"))
    (tmp_path / "false.tgz").write_bytes(made.getvalue())
    npm(
        tmp_path / "bin",
        monkeypatch,
        f'for last; do :; done; cp {tmp_path}/false.tgz "$last/x.tgz"',
    )
    with pytest.raises(
        InputError, match=r"the archive from npm is not selfie_segm.*sha512 differs"
    ):
        fetch("selfie")
    assert files(cache) == []


def test_what_npm_says_is_passed_on(tmp_path, monkeypatch):
    npm(tmp_path / "bin", monkeypatch, "echo npm error code ENOTFOUND >&2; exit 1")
    with pytest.raises(
        InputError, match=r"npm cannot download .*\(code ENOTFOUND\): download http.*--f"
    ):
        fetch("selfie")
    npm(tmp_path / "bin", monkeypatch, "exit 0")
    with pytest.raises(InputError, match="no reason given"):
        fetch("selfie")


def test_without_npm_the_address_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        InputError, match=r"no npm: download https://reg.*\.tgz and run `art-seg.*--from"
    ):
        fetch("selfie")


def test_other_names_and_files_are_one_sentence(tmp_path):
    with pytest.raises(
        InputError, match="no model 'portrait' to get; known are selfie, selfie-land"
    ):
        fetch("portrait")
    with pytest.raises(InputError, match="cannot read"):
        fetch("selfie", tmp_path / "none.tgz")
    (tmp_path / "empty.tflite").write_bytes(b"")
    with pytest.raises(InputError, match="sha256 differs"):
        fetch("selfie", tmp_path / "empty.tflite")


def test_a_model_that_was_not_fetched_says_how():
    with pytest.raises(
        InputError, match="not on this machine yet: run `art-segplugin models get selfie`"
    ):
        load_model("selfie")
    assert model_ref("selfie").sha256 is None


def test_stopping_leaves_nothing(archive, cache, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("selfie")
    assert files(cache) == []
    monkeypatch.setattr("art_segplugin.models.tensors.save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("selfie", archive)
    assert files(cache) == ["LICENSE.txt", "SOURCE.txt"]


@pytest.mark.parametrize(("variable", "below"), [("", ".cache"), ("here", ".cache"), ("/x", "")])
def test_the_folder_is_the_users_cache(monkeypatch, tmp_path, variable, below):
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = (tmp_path / below) if below else downloads.Path("/x")
    assert models_folder() == expected / "art-segplugin" / "models"
