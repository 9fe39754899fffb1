import pickle
import shutil
import tempfile
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from art_segplugin.data.class_folder import ClassFolder
from art_segplugin.errors import InputError


def picture(value=0, size=(4, 3), kind="png"):
    stream = BytesIO()
    Image.new("RGB", size, (value, 0, 255)).save(stream, kind)
    return stream.getvalue()


def save(root, members):
    """Write members, name -> bytes, into a folder or a zip file."""
    if root.suffix == ".zip":
        root.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(root, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return root
    for name, data in members.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def pets(cats=20, dogs=20, prefix=""):
    members = {f"{prefix}dog/{n:02d}.png": picture(100 + n) for n in range(dogs)}
    return members | {f"{prefix}cat/{n:02d}.png": picture(n) for n in range(cats)}


@pytest.mark.parametrize(
    ("root", "prefix"),
    [
        ("pets", ""), ("pets", "train/"), ("pets.zip", ""), ("pets.zip", "train/"),
        ("pets.zip", "pets/"), ("pets.zip", "pets/train/"), ("pets/train.zip", ""),
        ("pets/train.zip", "train/"),
    ],
)  # fmt: skip
def test_layouts(tmp_path, root, prefix):
    made = save(tmp_path / root, pets(prefix=prefix))
    place = made.parent if made.name == "train.zip" else made
    train, val = ClassFolder(place, "train"), ClassFolder(place, "val")
    assert (len(train), len(val)) == (36, 4)
    assert [sample.name for sample in val] == ["cat-09", "dog-09", "cat-19", "dog-19"]
    assert train.palette.classes == ("cat", "dog")
    assert train.palette.name == "pets"
    sample = train[3]
    assert sample.name == "dog-01"
    assert torch.equal(sample.labels, torch.tensor([[1]]))
    assert sample.image.shape == (3, 3, 4)
    assert sample.image.dtype == torch.float32
    expected = torch.tensor([101 / 255, 0, 1])
    torch.testing.assert_close(sample.image, expected[:, None, None].expand(3, 3, 4))


def test_splits_of_their_own_are_whole(tmp_path):
    members = pets(10, 10, "train/") | pets(3, 2, "val/")
    save(tmp_path, members)
    save(tmp_path / "test.zip", pets(1, 4))
    lengths = {split: len(ClassFolder(tmp_path, split)) for split in ("train", "val", "test")}
    assert lengths == {"train": 20, "val": 5, "test": 5}
    inside = save(tmp_path / "all.zip", members)
    assert [len(ClassFolder(inside, split)) for split in ("train", "val")] == [20, 5]
    with pytest.raises(InputError, match="no 'test' images; it has train and val"):
        ClassFolder(inside, "test")


def test_classes_are_those_of_the_training_images(tmp_path):
    save(tmp_path / "train", {f"{name}/1.png": picture() for name in "abc"})
    save(tmp_path / "val", {f"{name}/1.png": picture() for name in "bc"})
    data = ClassFolder(tmp_path, "val")
    assert data.palette.classes == ("a", "b", "c")
    assert [sample.labels.item() for sample in data] == [1, 2]
    save(tmp_path / "val", {"d/1.png": picture()})
    with pytest.raises(InputError, match="has the class 'd', which the training images do not"):
        ClassFolder(tmp_path, "val")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 25), min_size=2, max_size=4), st.booleans())
def test_train_and_val_share_nothing_and_miss_nothing(counts, zipped):
    members = {
        f"c{number}/{n:02d}.png": b"" for number, count in enumerate(counts) for n in range(count)
    }
    with tempfile.TemporaryDirectory() as folder:
        root = save(Path(folder) / ("a.zip" if zipped else "a"), members)
        found = {name for _, name in ClassFolder(root, "train").pictures}
        if max(counts) >= 10:
            held_out = [name for _, name in ClassFolder(root, "val").pictures]
            assert not found & set(held_out)
            assert len(held_out) == sum(count // 10 for count in counts)
            found |= set(held_out)
        else:
            with pytest.raises(InputError, match="too few pictures"):
                ClassFolder(root, "val")
    assert found == set(members)


def test_first_images_are_balanced(tmp_path):
    data = ClassFolder(save(tmp_path / "a", pets(11, 30)), "train")
    assert Counter(number for number, _ in data.pictures[:14]) == {0: 7, 1: 7}
    assert Counter(number for number, _ in data.pictures) == {0: 10, 1: 27}


def test_sizes_stay_and_scale_is_a_factor(tmp_path):
    members = {"a/1.png": picture(size=(8, 6)), "b/1.jpg": picture(size=(4, 10), kind="jpeg")}
    root = save(tmp_path / "a", members)
    assert [tuple(s.image.shape[1:]) for s in ClassFolder(root)] == [(6, 8), (10, 4)]
    assert [tuple(s.image.shape[1:]) for s in ClassFolder(root, scale=0.5)] == [(3, 4), (5, 2)]


def test_grey_pictures_become_rgb(tmp_path):
    stream = BytesIO()
    Image.fromarray(np.full((3, 3), 51, np.uint8)).save(stream, "png")
    data = ClassFolder(save(tmp_path / "a", {"a/1.png": stream.getvalue(), "b/1.png": picture()}))
    torch.testing.assert_close(data[0].image, torch.full((3, 3, 3), 0.2))


def test_names_differ_where_stems_do_not(tmp_path):
    members = {"a/1.png": picture(), "a/1.jpg": picture(kind="jpeg"), "b/1.png": picture()}
    names = [sample.name for sample in ClassFolder(save(tmp_path / "a", members))]
    assert names == ["a-1.jpg", "b-1", "a-1.png"]


@pytest.mark.parametrize("root", ["pets", "pets.zip"])
def test_copies_for_other_processes_read_the_same(tmp_path, monkeypatch, root):
    save(tmp_path / root, pets())
    monkeypatch.chdir(tmp_path)
    data = ClassFolder(root)
    first = data[5].image
    monkeypatch.chdir("/")
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(copy[5].image, first)
    assert copy[5].name == data[5].name
    with pytest.raises(IndexError):
        copy[len(copy)]


@pytest.mark.parametrize("root", ["a", "a.zip"])
@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"notes.txt": b""}, "holds no class folders with pictures"),
        ({"a/notes.txt": b""}, "holds no class folders with pictures"),
        ({"cat/1.png": picture()}, r"1 class \(cat\).*at least 2"),
        ({"a/1.png": picture(), "b/notes.txt": b""}, "class folder 'b' of .* holds no picture"),
    ],
)
def test_what_holds_no_classes_is_refused(tmp_path, root, members, said):
    with pytest.raises(InputError, match=said):
        ClassFolder(save(tmp_path / root, members))


def test_other_bad_input_is_refused(tmp_path):
    root = save(tmp_path / "a", pets(2, 2))
    with pytest.raises(InputError, match="does not exist"):
        ClassFolder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="split is 'dev'"):
        ClassFolder(root, "dev")
    with pytest.raises(InputError, match="scale is 0"):
        ClassFolder(root, scale=0)
    with pytest.raises(InputError, match="has no 'test' images; it has train and val"):
        ClassFolder(root, "test")
    shutil.move(root, tmp_path / "b" / "test")
    with pytest.raises(InputError, match="has no 'val' images; it has test"):
        ClassFolder(tmp_path / "b", "val")


@pytest.mark.parametrize("root", ["a", "a.zip"])
@pytest.mark.parametrize("data", [b"no picture", picture()[:40], b""])
def test_broken_pictures_are_named(tmp_path, root, data):
    found = ClassFolder(save(tmp_path / root, {"a/1.png": data, "b/1.png": picture()}))
    with pytest.raises(InputError, match=r"a/1\.png cannot be read"):
        found[0]
    assert found[1].name == "b-1"


def test_picture_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    members = {"a/1.png": picture(size=(20, 20)), "b/1.png": picture()}
    with pytest.raises(InputError, match=r"a/1\.png cannot be read .*decompression bomb"):
        ClassFolder(save(tmp_path / "a.zip", members))[0]


@pytest.mark.data
def test_cifar10(data_folder):
    root = data_folder / "cifar10"
    parts = {split: ClassFolder(root, split) for split in ("train", "val", "test")}
    assert [len(part) for part in parts.values()] == [45000, 5000, 10000]
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship")
    for part in parts.values():
        assert part.palette.classes == (*names, "truck")
        assert Counter(number for number, _ in part.pictures[:100]) == dict.fromkeys(range(10), 10)
    assert not {name for _, name in parts["train"].pictures} & {
        name for _, name in parts["val"].pictures
    }
    sample = parts["test"][0]
    assert sample.name == "airplane-0000"
    assert sample.image.shape == (3, 32, 32)
