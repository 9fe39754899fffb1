import json
import pickle
import sys
import warnings
import zipfile

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import load_model, programs
from art_segplugin.models.zoo import MODELS, model_kind


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Tanh()).eval()


def _torchscript(net, file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.freeze(torch.jit.script(net)), str(file))


def _export(net, file, example, dynamic=None):
    program = torch.export.export(net, (example,), dynamic_shapes=dynamic)
    torch.export.save(program, str(file))


def _gradient(model, images):
    images = images.clone().requires_grad_()
    return torch.autograd.grad(model(images).square().sum(), images)[0]


@pytest.mark.parametrize("name", ["net.pt", "net.torchscript", "net.pth"])
def test_torchscript_is_recognised_by_its_content(net, tmp_path, name):
    _torchscript(net, tmp_path / name)
    spec = str(tmp_path / name)
    assert model_kind(spec) is MODELS["torchscript"]
    model = load_model(spec)
    images = torch.rand(2, 3, 8, 12)
    torch.testing.assert_close(model(images), net(images))
    torch.testing.assert_close(_gradient(model, images), _gradient(net, images))
    # what an evaluation does to a model; a frozen program has no parameters
    assert not model.to("cpu").eval().requires_grad_(False).training
    assert model.validate(images).classes == 4


@pytest.mark.parametrize("example", [(2, 3, 16, 24), (1, 3, 16, 24)])
def test_an_export_of_one_shape_takes_all(net, tmp_path, example):
    _export(net, tmp_path / "net.pt2", torch.rand(example))
    with pytest.warns(UserWarning, match="takes images of 16x24 only: others are resized"):
        model = load_model(str(tmp_path / "net.pt2"))
    images = torch.rand(3, 3, 16, 24)
    torch.testing.assert_close(model(images), net(images))
    torch.testing.assert_close(_gradient(model, images), _gradient(net, images))

    def by_hand(images):
        small = F.interpolate(images, (16, 24), mode="bilinear", antialias=True)
        return F.interpolate(net(small), images.shape[-2:], mode="bilinear")

    images = torch.rand(3, 3, 40, 30)
    torch.testing.assert_close(model(images), by_hand(images))
    torch.testing.assert_close(_gradient(model, images), _gradient(by_hand, images))
    assert not model.train().eval().training  # its one mode is never asked for another


def test_an_export_with_dynamic_sizes_takes_images_as_they_are(net, tmp_path, recwarn):
    sides = {0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")}
    _export(net, tmp_path / "net.pt2", torch.rand(2, 3, 16, 24), (sides,))
    model = load_model(str(tmp_path / "net.pt2"))
    assert not [w for w in recwarn if w.category is UserWarning]
    images = torch.rand(3, 3, 9, 13)
    torch.testing.assert_close(model(images), net(images))


def test_exports_of_something_else_are_named(tmp_path):
    class Two(nn.Module):
        def forward(self, images, scale):
            return images * scale

    program = torch.export.export(Two(), (torch.rand(1, 3, 8, 8), torch.rand(1)))
    torch.export.save(program, str(tmp_path / "two.pt2"))
    with pytest.raises(
        InputError, match=r"takes 2 inputs.*expected one, images .*file\.py:function"
    ):
        load_model(str(tmp_path / "two.pt2"))
    _export(nn.Conv2d(4, 2, 1), tmp_path / "four.pt2", torch.rand(1, 4, 8, 8))
    with pytest.raises(InputError, match=r"images of 4 channels .*expected 3"):
        load_model(str(tmp_path / "four.pt2"))


class _Bomb:
    def __reduce__(self):
        return print, ("harmed",)


@pytest.mark.parametrize("part", ["data/sample_inputs/model.pt", "data/constants/opaque_obj_0"])
def test_nothing_in_an_export_is_unpickled(net, tmp_path, capsys, part):
    _export(net, tmp_path / "good.pt2", torch.rand(1, 3, 8, 8))
    with (
        zipfile.ZipFile(tmp_path / "good.pt2") as good,
        zipfile.ZipFile(tmp_path / "bad.pt2", "w") as bad,
    ):
        for member in good.namelist():
            content = good.read(member)
            if member.endswith("model_constants_config.json"):
                config = json.loads(content)
                config["config"]["x"] = {
                    "path_name": "opaque_obj_0",
                    "is_param": False,
                    "use_pickle": True,
                    "tensor_meta": None,
                }
                content = json.dumps(config).encode()
            if not member.endswith(part):
                bad.writestr(f"bad/{member.partition('/')[2]}", content)
        bad.writestr(f"bad/{part}", pickle.dumps(_Bomb()))
    with pytest.raises(InputError, match=r"bad\.pt2 (holds pickled objects|cannot be read)"):
        load_model(str(tmp_path / "bad.pt2"))
    assert "harmed" not in capsys.readouterr().out


def test_a_pickle_is_still_refused_with_the_way_out(net, tmp_path):
    torch.save(net, tmp_path / "net.pt")
    with pytest.raises(InputError, match=r"is a pickle \(torch\.save\).*file\.py:function"):
        load_model(str(tmp_path / "net.pt"))


@pytest.mark.parametrize("suffix", [".pt", ".pt2"])
def test_broken_archives_are_one_sentence(net, tmp_path, suffix):
    marker = "constants.pkl" if suffix == ".pt" else "archive_format"
    with zipfile.ZipFile(tmp_path / f"net{suffix}", "w") as archive:
        archive.writestr(f"net/{marker}", "pt2")
    with pytest.raises(InputError, match=r"cannot be read (as TorchScript|by torch\.export\.load)"):
        load_model(str(tmp_path / f"net{suffix}"))


class TestOnnx:
    @pytest.fixture(autouse=True)
    def _here(self):
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnx")

    def _write(self, net, file, shape=(1, 3, 16, 24), axes=None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net,
                (torch.rand(shape),),
                str(file),
                dynamo=False,
                input_names=["images"],
                dynamic_axes={"images": axes} if axes else None,
            )
        return str(file)

    def test_scores_are_those_of_the_network(self, net, tmp_path):
        spec = self._write(net, tmp_path / "net.onnx", axes={0: "n", 2: "h", 3: "w"})
        model = load_model(spec)
        images = torch.rand(3, 3, 10, 14)
        torch.testing.assert_close(model(images), net(images), atol=1e-5, rtol=1e-5)
        assert model.validate(images).classes == 4
        assert model(images.double()).dtype == torch.float64

    def test_one_shape_takes_all(self, net, tmp_path):
        spec = self._write(net, tmp_path / "net.onnx")
        with pytest.warns(UserWarning, match="takes images of 16x24 only"):
            model = load_model(spec)
        images = torch.rand(3, 3, 16, 24)
        torch.testing.assert_close(model(images), net(images), atol=1e-5, rtol=1e-5)
        assert model(torch.rand(2, 3, 32, 32)).shape == (2, 4, 32, 32)

    def test_a_gradient_is_refused_in_one_sentence(self, net, tmp_path):
        model = load_model(self._write(net, tmp_path / "net.onnx", axes={0: "n", 2: "h", 3: "w"}))
        with pytest.raises(
            InputError, match="scores and no gradient, so that attacks by gradients"
        ):
            model(torch.rand(1, 3, 16, 24, requires_grad=True))

    def test_what_it_cannot_use_is_named(self, tmp_path):
        spec = self._write(nn.Linear(4, 2), tmp_path / "flat.onnx", (1, 4))
        with pytest.raises(InputError, match=r"tensor\(float\) \[1, 4\]; expected one .*of images"):
            load_model(spec)
        (tmp_path / "broken.onnx").write_bytes(b"not a protobuf")
        with pytest.raises(InputError, match=r"ONNX Runtime cannot read .*broken\.onnx"):
            load_model(str(tmp_path / "broken.onnx"))

    def test_a_missing_package_is_named(self, net, tmp_path, monkeypatch):
        spec = self._write(net, tmp_path / "net.onnx")
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(InputError, match=r"needs onnxruntime .*pip install onnxruntime"):
            load_model(spec)


def test_the_switch_of_torch_is_put_back(monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")
    with programs._weights_only():
        assert programs.os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"
    assert programs.os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "0"
