import sys
import zipfile

import pytest
from PIL import Image

from art_segplugin.data.class_folder import ClassFolder
from art_segplugin.data.datasets import (
    DATASETS,
    described,
    is_classification,
    open_dataset,
)
from art_segplugin.data.digits import Digits
from art_segplugin.data.folders import ImageFiles
from art_segplugin.data.palettes import CAMVID, known_palette
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.data.torchvision import TorchvisionData
from art_segplugin.errors import InputError


def save(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                for member in ("a/1.png", "b/1.png"):
                    archive.writestr(member, b"")
        else:
            Image.new("L", (4, 3)).save(path)
    return root


@pytest.mark.parametrize(
    ("names", "split", "place"),
    [
        (["a.jpg"], "val", ""),
        (["photos/a.jpg", "labels/a.png"], "val", "photos"),
        (["images/a.jpg", "labels/a.png"], "val", ""),
        (["images/a.jpg", "masks/a.png", "other/b.jpg"], "val", ""),
        (["val/a.jpg", "train/b.jpg"], "val", ""),
        (["val/images/a.jpg", "val/labels/a.png", "train/images/b.jpg"], "train", ""),
        (["a.jpg", "labels/a.png", "train.zip"], "train", ""),
        (["val/a.jpg", "val.zip"], "val", ""),
        (["a.jpg", "cats/b.jpg", "dogs/c.jpg"], "val", ""),
    ],
)
def test_pictures_that_stay_segmentation(tmp_path, names, split, place):
    data = open_dataset(str(save(tmp_path, *names) / place), split)
    assert isinstance(data, ImageFiles)
    assert len(data) >= 1


@pytest.mark.parametrize(
    "names",
    [
        ["train/b.jpg", "test/a.jpg"],  # splits without class folders, and no "val"
        ["photos/a.jpg", "labels/a.png"],
        ["photos/a.jpg", "photosannot/a.png"],
        ["train/photos/a.jpg", "train/labels/a.png"],
        ["deep/deeper/deepest/a.jpg"],
    ],
)
def test_folders_that_hold_no_classes_keep_their_error(tmp_path, names):
    with pytest.raises(InputError, match="holds no picture"):
        open_dataset(str(save(tmp_path, *names)), "val")


@pytest.mark.parametrize(
    ("names", "split", "place"),
    [
        (["cat/1.jpg", "dog/1.jpg"], "train", ""),
        (["train/cat/1.jpg", "train/dog/1.jpg"], "train", ""),
        (["train/cat/1.jpg", "train/dog/1.jpg", "test/cat/1.jpg"], "test", ""),
        (["train/cat/1.jpg", "train/dog/1.jpg"], "train", "train"),
        (["train.zip"], "train", ""),
        (["train.zip", "test.zip"], "test", ""),
        (["set.zip"], "train", "set.zip"),
        (["train/1.jpg", "tulip/1.jpg"], "train", ""),  # classes of CIFAR-100
    ],
)
def test_class_folders(tmp_path, names, split, place):
    data = open_dataset(str(save(tmp_path, *names) / place), split)
    assert isinstance(data, ClassFolder)
    assert len(data.palette) == 2


def test_camvid_comes_first(tmp_path):
    save(tmp_path, "val/a.png", "valannot/a.png", "train.zip")
    data = open_dataset(str(tmp_path), "val")
    assert data.palette is CAMVID
    assert "recognised as CamVid" in described(data)


def test_words(tmp_path, monkeypatch):
    class Fake:
        classes, targets = ("a", "b"), (0, 1)

        def __init__(self, root, train):
            assert root == str(tmp_path)

    datasets = pytest.importorskip("torchvision.datasets")
    monkeypatch.setattr(datasets, "CIFAR10", Fake)
    assert isinstance(open_dataset(f"torchvision:CIFAR10:{tmp_path}", "test"), TorchvisionData)
    assert isinstance(open_dataset("digits", "test"), Digits)
    assert isinstance(open_dataset("scenes", "test"), SceneDataset)


def test_scenes_of_real_and_of_random_textures():
    real = open_dataset("scenes", "train", scale=0.25)
    data = open_dataset("scenes:random-textures", "train", scale=0.25, seed=3)
    assert (real.textures, data.textures) == ("real", "random")
    assert (data.split, data.seed, len(data), data.size) == ("train", 3, 500, (90, 120))
    assert len(open_dataset("scenes:random-textures", "test", count=7)) == 7
    with pytest.raises(InputError, match="give scenes or scenes:random-textures"):
        open_dataset("scenes:cartoon")


def test_count_takes_a_balanced_prefix():
    data = open_dataset("digits", "test", count=20)
    assert len(data) == 20
    assert sorted(sample.labels.item() for sample in data) == sorted([*range(10)] * 2)
    assert len(open_dataset("digits", "val", count=1000)) == 180


def test_scale_reaches_every_data_set(tmp_path):
    save(tmp_path, "cat/1.png", "dog/1.png")
    assert open_dataset(str(tmp_path), "train", scale=2)[0].image.shape == (3, 6, 8)
    assert open_dataset("digits", scale=0.5)[0].image.shape == (3, 16, 16)


def test_is_classification(tmp_path):
    assert is_classification(open_dataset("digits"))
    assert not is_classification(open_dataset("digits", count=0))
    save(tmp_path, "images/a.jpg", "labels/a.png", "bare/a.jpg")
    assert not is_classification(open_dataset(str(tmp_path / "images")))
    assert not is_classification(open_dataset(str(tmp_path / "bare")))


def test_errors_name_what_can_be_given(tmp_path):
    save(tmp_path, "a.png")
    (tmp_path / "b.zip").write_text("no zip file")
    for spec in ("nowhere", "nowhere.zip", str(tmp_path / "a.png")):
        with pytest.raises(
            InputError, match="'scenes', 'digits', torchvision:NAME:FOLDER, hf-data:NAME, a folder"
        ):
            open_dataset(spec)
    with pytest.raises(InputError, match="cannot be read as a zip file"):
        open_dataset(str(tmp_path / "b.zip"))
    (tmp_path / "VOC.tar").touch()
    with pytest.raises(InputError, match=r"VOC\.tar' is an archive; unpack it and give the folder"):
        open_dataset(str(tmp_path / "VOC.tar"))
    with pytest.raises(InputError, match="split is 'dev'"):
        open_dataset("digits", "dev")


def test_known_palettes():
    assert known_palette("camvid") is CAMVID
    assert known_palette(None) is None
    with pytest.raises(InputError, match="palette 'x' is unknown"):
        known_palette("x")


def test_leaves_out_the_first_images():
    for spec in ("digits", "scenes"):
        all_of_them = open_dataset(spec, "val", count=5, size=(24, 32))
        rest = open_dataset(spec, "val", count=2, skip=3, size=(24, 32))
        assert [sample.name for sample in rest] == [all_of_them[i].name for i in (3, 4)]
    assert len(open_dataset("digits", "val", skip=10**6)) == 0
    assert len(open_dataset("digits", "val", skip=4)) == len(open_dataset("digits", "val")) - 4


def test_the_table_names_every_kind_in_the_error():
    with pytest.raises(InputError) as error:
        open_dataset("nowhere")
    assert all(kind.spec in str(error.value) and kind.holds for kind in DATASETS.values())


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match="data 'digits' needs scikit-learn"):
        open_dataset("digits")


def test_part_of_a_data_set_ends_like_a_list():
    data = open_dataset("digits", "val", count=2, skip=1)
    with pytest.raises(IndexError):
        data[2]
    with pytest.raises(IndexError):
        data[-1]
