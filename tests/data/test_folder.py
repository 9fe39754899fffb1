import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.folders import ImageFolder
from art_segplugin.data.palettes import PALETTES
from art_segplugin.errors import InputError

CAMVID = PALETTES["camvid"]


def save_picture(path, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def save_labels(path, value=3, size=(6, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, np.uint8)).save(path)


@pytest.mark.parametrize(
    "label",
    [
        "images/a.png", "images/a_label.png", "images/a_labels.png", "images/a_L.png",
        "imagesannot/a.png", "labels/a.png", "masks/a_L.png", "images/masks/a.png",
    ],
)  # fmt: skip
def test_labels_are_found(tmp_path, label):
    save_picture(tmp_path / "images" / "a.jpg")
    save_labels(tmp_path / label)
    data = ImageFolder(tmp_path / "images", CAMVID)
    assert len(data) == 1
    assert data.palette is CAMVID
    assert data[0].labels.unique().tolist() == [3]


def test_root_of_images_and_labels(tmp_path):
    save_picture(tmp_path / "images" / "a.png")
    save_labels(tmp_path / "labels" / "a.png")
    (sample,) = ImageFolder(tmp_path)
    assert sample.labels is not None


def test_pictures_without_labels_in_order(tmp_path):
    for name in ("c.webp", "b.JPG", "a.png", "d.tif", "e.bmp", "f.jpeg"):
        save_picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    samples = list(ImageFolder(tmp_path))
    assert [sample.name for sample in samples] == ["a", "b", "c", "d", "e", "f"]
    assert all(sample.labels is None for sample in samples)


def test_equal_stems_keep_their_suffix(tmp_path):
    for name in ("a.jpg", "a.bmp", "b.jpg"):
        save_picture(tmp_path / name)
    assert [sample.name for sample in ImageFolder(tmp_path)] == ["a.bmp", "a.jpg", "b"]


def test_a_single_picture_from_its_own_folder(tmp_path, monkeypatch):
    save_picture(tmp_path / "images" / "a.jpg")
    save_labels(tmp_path / "labels" / "a.png")
    monkeypatch.chdir(tmp_path / "images")
    (sample,) = ImageFolder("a.jpg")
    assert (sample.name, sample.labels is None) == ("a", False)


def test_without_a_palette_labels_are_numbers(tmp_path):
    save_picture(tmp_path / "a.jpg")
    save_labels(tmp_path / "a.png", value=200)
    data = ImageFolder(tmp_path)
    assert data.palette.classes[200] == "200"
    assert data[0].labels.unique().tolist() == [200]


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist; give a picture or a folder"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no picture; expected files ending in \.png, "):
        ImageFolder(tmp_path)
    with pytest.raises(InputError, match="scale is -1"):
        ImageFolder(tmp_path, scale=-1)


def test_bad_files_are_named_when_read(tmp_path):
    save_picture(tmp_path / "a.jpg")
    save_labels(tmp_path / "a.png", value=99)
    save_picture(tmp_path / "b.jpg")
    save_labels(tmp_path / "b.png", size=(3, 3))
    (tmp_path / "c.jpg").write_bytes(b"")
    data = ImageFolder(tmp_path, CAMVID)
    for index, message in enumerate(
        (r"a\.png holds the labels 99", r"b\.png is 3x3 pixels", r"c\.jpg cannot be read")
    ):
        with pytest.raises(InputError, match=message):
            data[index]
