import pickle
import struct
import sys
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.data import torchvision as ours
from art_segplugin.data.torchvision import SOURCES, TorchvisionData, open_torchvision
from art_segplugin.errors import InputError

datasets = pytest.importorskip("torchvision.datasets")
transforms = pytest.importorskip("torchvision.transforms")


def save_idx(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.astype(np.uint8).tobytes())


@pytest.fixture
def mnist(tmp_path):
    """Files in the layout of MNIST: 24 training images of each digit, one digit after the other."""
    rng = np.random.default_rng(0)
    images, labels = {}, {}
    for part, each in (("train", 24), ("t10k", 3)):
        images[part] = rng.integers(0, 256, (10 * each, 28, 28))
        labels[part] = np.repeat(np.arange(10), each)
        for folder in ("MNIST", "FashionMNIST", "KMNIST"):
            raw = tmp_path / folder / "raw"
            save_idx(raw / f"{part}-images-idx3-ubyte", images[part])
            save_idx(raw / f"{part}-labels-idx1-ubyte", labels[part])
    return tmp_path, images, labels


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_idx_files(mnist, name):
    folder, images, labels = mnist
    parts = {split: TorchvisionData(name, folder, split) for split in ("train", "val", "test")}
    assert [len(part) for part in parts.values()] == [220, 20, 30]
    for part in parts.values():
        assert Counter(number for number, _ in part.positions[:20]) == dict.fromkeys(range(10), 2)
    both = [p for split in ("train", "val") for _, p in parts[split].positions]
    assert sorted(both) == list(range(240))
    assert [p for _, p in parts["val"].positions] == [
        24 * digit + rank for rank in (9, 19) for digit in range(10)
    ]
    for split, source in (("val", "train"), ("test", "t10k")):
        number, position = parts[split].positions[13]
        sample = parts[split][13]
        assert sample.labels.tolist() == [[labels[source][position]]] == [[number]]
        grey = torch.tensor(images[source][position] / 255, dtype=torch.float32)
        torch.testing.assert_close(sample.image, grey.expand(3, 28, 28))


def test_names_are_fit_for_files(mnist):
    data = TorchvisionData("FashionMNIST", mnist[0])
    assert data.palette.classes[0] == "T-shirt/top"
    assert data[0].name == "T-shirt-top-00000"
    assert TorchvisionData("MNIST", mnist[0])[1].name == "1-one-00024"


def test_scale_and_pickle(mnist):
    data = pickle.loads(pickle.dumps(TorchvisionData("MNIST", mnist[0], "test", scale=0.5)))
    assert data[0].image.shape == (3, 14, 14)
    with pytest.raises(IndexError):
        data[30]


def save_svhn(folder):
    scipy_io = pytest.importorskip("scipy.io")
    rng = np.random.default_rng(0)
    labels = np.arange(1, 11).repeat(2)  # the files say 10 where they mean 0
    pictures = rng.integers(0, 256, (32, 32, 3, 20)).astype(np.uint8)
    for part in ("train", "test"):
        scipy_io.savemat(folder / f"{part}_32x32.mat", {"X": pictures, "y": labels[:, None]})
    return pictures, labels % 10


def save_stl10(folder):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (20, 96, 96, 3)).astype(np.uint8)
    labels = np.arange(10).repeat(2)
    binary = folder / "stl10_binary"
    binary.mkdir()
    for part in ("train", "test"):
        # planes are stored column by column, classes from 1
        (binary / f"{part}_X.bin").write_bytes(pictures.transpose(0, 3, 2, 1).tobytes())
        (binary / f"{part}_y.bin").write_bytes((labels + 1).astype(np.uint8).tobytes())
    (binary / "class_names.txt").write_text("\n".join(f"class{n}" for n in range(10)))
    (binary / "fold_indices.txt").touch()
    return pictures.transpose(1, 2, 3, 0), labels


@pytest.mark.parametrize(("name", "save"), [("SVHN", save_svhn), ("STL10", save_stl10)])
def test_own_layouts(tmp_path, monkeypatch, name, save):
    pictures, labels = save(tmp_path)
    monkeypatch.setattr(getattr(datasets, name), "_check_integrity", lambda self: True)
    data = TorchvisionData(name, tmp_path, "test")
    assert len(data) == 20
    assert data.palette.classes[3] == ("3" if name == "SVHN" else "class3")
    assert [number for number, _ in data.positions] == [*range(10), *range(10)]
    for index in (0, 11):
        number, position = data.positions[index]
        assert labels[position] == number
        expected = torch.tensor(pictures[..., position] / 255, dtype=torch.float32)
        torch.testing.assert_close(data[index].image, expected.permute(2, 0, 1))


class FakeCifar:
    def __init__(self, root, train=True):
        rng = np.random.default_rng(int(train))
        self.classes = ["apple", "train"]
        self.targets = [0, 1] * (50 if train else 10)
        self.data = rng.integers(0, 256, (len(self.targets), 32, 32, 3)).astype(np.uint8)

    def __getitem__(self, index):
        return Image.fromarray(self.data[index]), self.targets[index]


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar(tmp_path, monkeypatch, name):
    monkeypatch.setattr(datasets, name, FakeCifar)
    lengths = [len(TorchvisionData(name, tmp_path, split)) for split in ("train", "val", "test")]
    assert lengths == [90, 10, 20]
    data = TorchvisionData(name, tmp_path, "test")
    assert data.palette.classes == ("apple", "train")
    expected = torch.tensor(FakeCifar("", train=False).data[3] / 255, dtype=torch.float32)
    torch.testing.assert_close(data[3].image, expected.permute(2, 0, 1))


class FakeImageNet:
    sizes = ((300, 500), (641, 257), (224, 224), (100, 90))

    def __init__(self, root, split="train"):
        self.split = split
        self.classes = [("crane",), ("crane",), ("maillot",), ("maillot", "tank suit")]
        self.targets = [0, 1, 2, 3]

    def __getitem__(self, index):
        if self.split == "train":
            raise OSError("image file is truncated")
        width, height = self.sizes[index]
        values = np.random.default_rng(index).integers(0, 256, (height, width, 3))
        return Image.fromarray(values.astype(np.uint8)), self.targets[index]


def test_imagenet_is_seen_through_the_usual_view(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "ImageNet", FakeImageNet)
    data = TorchvisionData("ImageNet", tmp_path, "val")
    assert data.palette.classes == ("crane (0)", "crane (1)", "maillot", "maillot, tank suit")
    view = transforms.Compose(
        [transforms.Resize(256), transforms.CenterCrop(224), transforms.PILToTensor()]
    )
    for index, sample in enumerate(data):
        expected = view(FakeImageNet("", "val")[index][0])
        assert torch.equal((sample.image * 255).round().byte(), expected)
    with pytest.raises(InputError, match="ImageNet has no 'test' images; it has train and val"):
        TorchvisionData("ImageNet", tmp_path, "test")
    assert len(TorchvisionData("ImageNet", tmp_path, "train")) == 4
    with pytest.raises(InputError, match=r"image 0 of ImageNet cannot be read .*truncated"):
        TorchvisionData("ImageNet", tmp_path, "train")[0]


@pytest.mark.parametrize("name", list(SOURCES))
def test_missing_files_are_said_with_the_remedy(tmp_path, name):
    with pytest.raises(InputError, match=f"no usable files of {name} in") as caught:
        TorchvisionData(name, tmp_path)
    message = str(caught.value)
    if name == "ImageNet":
        assert "put ILSVRC2012_devkit_t12.tar.gz and ILSVRC2012_img_train.tar" in message
        return
    # the remedy is Python that torchvision understands: run it up to the download
    code = message.partition("in Python: ")[2]
    assert "download=True" in code
    seen = {}
    original = getattr(datasets, name)
    try:
        setattr(datasets, name, lambda *args, **options: seen.update(options, root=args[0]))
        exec(code)
    finally:
        setattr(datasets, name, original)
    assert seen.pop("root") == str(tmp_path)
    assert seen.pop("download")
    assert seen == SOURCES[name].splits["train"]


def test_files_without_images_are_refused(tmp_path):
    for part in ("train", "t10k"):
        save_idx(tmp_path / f"MNIST/raw/{part}-images-idx3-ubyte", np.zeros((2, 28, 28)))
        save_idx(tmp_path / f"MNIST/raw/{part}-labels-idx1-ubyte", np.arange(2))
    with pytest.raises(InputError, match=r"MNIST in .* holds no 'val' images"):
        TorchvisionData("MNIST", tmp_path, "val")


def test_specs(mnist):
    folder, _, _ = mnist
    with_colon = folder.rename(folder.with_name("d:data"))
    assert len(open_torchvision(f"torchvision:MNIST:{with_colon}", "test")) == 30
    for spec in ("torchvision:", "torchvision:MNIST", "torchvision:MNIST:"):
        with pytest.raises(InputError, match="give torchvision:NAME:FOLDER"):
            open_torchvision(spec)
    with pytest.raises(InputError, match="'mnist' is unknown; choose from MNIST, FashionMNIST"):
        open_torchvision(f"torchvision:mnist:{with_colon}")
    with pytest.raises(InputError, match="split is 'dev'"):
        open_torchvision(f"torchvision:MNIST:{with_colon}", "dev")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("no module"), r"needs torchvision .*pip install 'art-segplugin\[models\]'"),
        (RuntimeError("operator nms does not exist"), "cannot be imported .*built for this torch"),
    ],
)
def test_torchvision_that_does_not_import(tmp_path, monkeypatch, error, said):
    def refuse(_):
        raise error

    monkeypatch.setattr(ours, "import_torchvision", refuse)
    with pytest.raises(InputError, match=said):
        TorchvisionData("MNIST", tmp_path)


def test_scipy_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.SVHN, "_check_integrity", lambda self: True)
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(InputError, match=r"SVHN needs a package that is missing .*scipy"):
        TorchvisionData("SVHN", tmp_path)
