import os
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.data_sets import (
    CLEAN,
    DATA_SETS,
    FOUR,
    camvid,
    cityscapes,
    img_dir,
    kaggle,
    save_pair,
    truth,
    voc,
    write,
)  # fmt: skip
from PIL import Image

from art_segplugin.data.datasets import check_labelled, described, open_dataset
from art_segplugin.data.folders import browse
from art_segplugin.data.palettes import CAMVID, CITYSCAPES, VOC, numbered_palette
from art_segplugin.errors import InputError


def accuracy(data, palette):
    """Share of the pixels that count whose colour is the nearest to that of their class."""
    colours = torch.tensor(palette.colours, dtype=torch.float32) / 255
    right = counted = 0
    for sample in data:
        distances = (sample.image[None] - colours[:, :, None, None]).square().sum(1)
        valid = sample.labels != 255
        right += ((distances.argmin(0) == sample.labels) & valid).sum().item()
        counted += valid.sum().item()
    return right / counted


def names(data):
    return [sample.name for sample in data]


@pytest.mark.parametrize("name", DATA_SETS)
def test_data_sets_from_their_root_their_split_and_from_above(tmp_path, name):
    make, palette, split, count, title = DATA_SETS[name]
    root = tmp_path / "down" / "deeper" / "root"
    make(root)
    found = []
    for place in (root, f"{root}/", root / split, root.parent, root.parent.parent):
        data = open_dataset(str(place), "val", palette=numbered_palette(4), unlabelled=False)
        where = "" if place in (root, f"{root}/") else f" in {root}"
        assert f"recognised as {title}{where}: " in described(data)
        assert len(data) == count
        assert accuracy(data, palette) == CLEAN
        found.append(names(data))
    assert all(one == found[0] for one in found)
    shown = browse(root)
    assert shown[0].labels is not None
    (tmp_path / "link").symlink_to(root)
    assert names(open_dataset(str(tmp_path / "link"), "val")) == found[0]


@pytest.mark.parametrize("name", DATA_SETS)
def test_training_images_are_others(tmp_path, name):
    make, palette, _, _, _ = DATA_SETS[name]
    make(tmp_path)
    training = open_dataset(str(tmp_path), "train", unlabelled=False)
    assert accuracy(training, palette) == CLEAN
    if name != "kaggle":  # has no splits
        files = {image for image, _ in training.pairs}
        assert not files & {image for image, _ in open_dataset(str(tmp_path), "val").pairs}


def test_what_was_recognised_is_said(tmp_path):
    cityscapes(tmp_path)
    assert described(open_dataset(str(tmp_path), "val", count=1)) == (
        "recognised as Cityscapes: split val, 4 images (leftImg8bit/val), label maps "
        "gtFine/val/*_gtFine_labelTrainIds"
    )
    assert open_dataset(str(tmp_path), "val").palette is CITYSCAPES


def test_a_city_and_an_image_of_it(tmp_path):
    cityscapes(tmp_path)
    city = tmp_path / "leftImg8bit" / "val" / "frankfurt"
    data = open_dataset(str(city), "train")
    assert names(data) == [f"frankfurt_00000{n}_000019_leftImg8bit" for n in (2, 3)]
    image = sorted(city.iterdir())[1]
    data = browse(image)
    assert names(data) == [image.stem]
    assert accuracy(data, CITYSCAPES) == CLEAN


def test_a_split_without_label_maps(tmp_path):
    cityscapes(tmp_path)
    data = open_dataset(str(tmp_path), "test")
    assert [sample.labels for sample in data] == [None]
    with pytest.raises(InputError, match=r"1 of 1 images have no label map.*split test.*--unlabel"):
        open_dataset(str(tmp_path), "test", unlabelled=False)


def test_splits_of_voc(tmp_path):
    voc(tmp_path)
    counts = {"train": 3, "val": 2, "trainval": 5, "train_aug": 4}
    for split, count in counts.items():
        data = open_dataset(str(tmp_path), split, unlabelled=False)
        assert len(data) == count
        assert accuracy(data, VOC) == CLEAN
    assert data.pairs[-1][1].parent.name == "SegmentationClassAug"
    with pytest.raises(InputError, match=r"no 'test' images; it has train, val, train.*--split"):
        open_dataset(str(tmp_path), "test")
    (tmp_path / "JPEGImages" / "2007_000003.png").unlink()
    with pytest.raises(InputError, match=r"lists '2007_000003' as val, but 1 of its 2 images"):
        open_dataset(str(tmp_path), "val")


def test_voc_without_lists_is_no_more_than_its_folders(tmp_path):
    voc(tmp_path, lists=False)
    for split in ("train", "val"):
        data = open_dataset(str(tmp_path), split, palette=numbered_palette(21))
        assert data.palette.numbered
        assert sum(sample.labels is not None for sample in data) == 5
    with pytest.raises(InputError, match="2 of 7 images have no label map"):
        check_labelled(data)


def test_camvid_with_a_test_split_alone(tmp_path):
    camvid(tmp_path, ("test",))
    for root, split in ((tmp_path, "test"), (tmp_path / "test", "val")):
        data = open_dataset(str(root), split)
        assert data.palette is CAMVID
        assert accuracy(data, CAMVID) == CLEAN
    with pytest.raises(
        InputError, match=r"CamVid .* has no 'val' images; it has test: pass --split"
    ):
        open_dataset(str(tmp_path), "val")


def test_validation_images_are_held_out_where_there_are_none(tmp_path):
    for number in range(20):
        save_pair(
            tmp_path / "train" / "images" / f"{number:02d}.png",
            tmp_path / "train" / "masks" / f"{number:02d}.png", FOUR, number,
        )  # fmt: skip
    val, train = (names(open_dataset(str(tmp_path), split)) for split in ("val", "train"))
    assert val == ["09", "19"]
    assert len(train) == 18
    assert not {*val} & {*train}
    assert "every tenth of it as 'val'" in described(open_dataset(str(tmp_path), "val"))
    for number in range(11):
        (tmp_path / "train" / "images" / f"{number:02d}.png").unlink()
    with pytest.raises(InputError, match="too few 'train' images to hold some out"):
        open_dataset(str(tmp_path), "val")


@pytest.mark.parametrize("split", ["Val", "VALID", "validation"])
def test_splits_in_any_case(tmp_path, split):
    save_pair(
        tmp_path / "Images" / split / "a.b.png", tmp_path / "LABELS" / "val" / "a.b_Mask.PNG",
        FOUR, 0,
    )  # fmt: skip
    data = open_dataset(str(tmp_path), "val", unlabelled=False)
    assert names(data) == ["a.b"]
    assert accuracy(data, FOUR) == CLEAN


def test_label_maps_one_folder_deeper(tmp_path):
    for city in "xy":
        save_pair(
            tmp_path / "images" / "val" / f"{city}1.png",
            tmp_path / "labels" / "val" / city / f"{city}1.png", FOUR, 1,
        )  # fmt: skip
    assert accuracy(open_dataset(str(tmp_path), "val", unlabelled=False), FOUR) == CLEAN


def test_equal_names_in_two_cities_keep_their_label_maps(tmp_path):
    for number, city in enumerate("xy"):
        save_pair(
            tmp_path / "images" / "val" / city / "1.png",
            tmp_path / "labels" / "val" / city / "1.png", FOUR, number,
        )  # fmt: skip
    data = open_dataset(str(tmp_path), "val", unlabelled=False)
    assert accuracy(data, FOUR) == CLEAN
    assert names(data) == ["x-1.png", "y-1.png"]


@pytest.mark.parametrize(
    ("file", "text", "classes"),
    [
        ("_classes.csv", "Pixel Value, Class\n0, none\n2, cat\n", ("none", "unused 1", "cat")),
        ("class_dict.csv", "name,r,g,b\nnone,0,0,0\ncat,128,0,0\n", ("none", "cat")),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nnone:0,0,0::\ncat:128,0,0::\n", ("none", "cat")),
        ("codes.txt", "none\ncat\n", ("none", "cat")),
        ("class_names.txt", "__ignore__\n_background_\ncat\n", ("_background_", "cat")),
    ],
)  # fmt: skip
def test_names_of_classes_come_with_the_files(tmp_path, file, text, classes):
    kaggle(tmp_path)
    (tmp_path / file).write_text(text)
    data = open_dataset(str(tmp_path), palette=numbered_palette(4))
    assert data.palette.classes == classes
    (tmp_path / file).write_text("nothing,\nof,the\nsort,,,")
    if file not in ("codes.txt", "class_names.txt"):
        with pytest.raises(InputError, match=f"{file} names no classes as files of this name do"):
            open_dataset(str(tmp_path))


def test_colours_of_a_list_of_classes_are_read(tmp_path):
    colours = {"sky": (9, 8, 7), "road": (1, 2, 3)}
    write(tmp_path / "images" / "a.png", np.zeros((2, 2, 3), np.uint8))
    write(tmp_path / "labels" / "a.png", np.array([[[9, 8, 7]] * 2, [[1, 2, 3]] * 2], np.uint8))
    rows = [f"{name},{r},{g},{b}" for name, (r, g, b) in colours.items()]
    (tmp_path / "class_dict.csv").write_text("\n".join(["name,r,g,b", *rows]))
    data = open_dataset(str(tmp_path), palette=numbered_palette(2))
    assert data[0].labels.tolist() == [[0, 0], [1, 1]]


def test_what_is_ambiguous_is_asked_for(tmp_path):
    kaggle(tmp_path)
    for number in range(2):
        write(tmp_path / "labels" / f"{number}.png", truth(number, 4))
    with pytest.raises(
        InputError, match=r"label maps in labels and in masks.*--images DIR --labels"
    ):
        open_dataset(str(tmp_path))
    data = open_dataset(str(tmp_path / "images"), labels=tmp_path / "masks")
    assert accuracy(data, FOUR) == CLEAN
    write(tmp_path / "masks" / "0.tif", truth(0, 4))
    with pytest.raises(InputError, match=r"0\.png has two label maps.*--label-suffix"):
        open_dataset(str(tmp_path / "images"), labels=tmp_path / "masks")
    data = open_dataset(
        str(tmp_path / "images"), labels=tmp_path / "masks", label_suffix="_mask.png"
    )
    assert accuracy(data, FOUR) == CLEAN


def test_two_data_sets_in_one_folder(tmp_path):
    camvid(tmp_path / "one")
    img_dir(tmp_path / "two")
    with pytest.raises(InputError, match=r"holds 2 data sets, such as .*one and .*two; give one"):
        open_dataset(str(tmp_path))


def test_folders_of_images_and_labels_with_splits(tmp_path):
    for split in ("train", "val"):
        save_pair(
            tmp_path / "photos" / split / f"{split}.jpg.png",
            tmp_path / "truth" / split / f"{split}.jpg_lab.png", FOUR, 0,
        )  # fmt: skip
    given = (str(tmp_path / "photos"), "train")
    with pytest.raises(InputError, match=r"label map .*train\.jpg\.png is missing, like 1 of 1"):
        open_dataset(*given, labels=tmp_path / "truth")
    data = open_dataset(*given, labels=tmp_path / "truth", label_suffix="_lab")
    assert names(data) == ["train.jpg"]
    with pytest.raises(InputError, match="--label-suffix is for the label maps in --labels"):
        open_dataset(*given, label_suffix="_lab")


def test_what_is_not_understood_names_the_remedy(tmp_path):
    for folder in ("left", "right"):
        write(tmp_path / folder / "x" / "y" / "a.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match=r"folders left, right; give .* --images DIR --labels DIR"):
        open_dataset(str(tmp_path))


def test_labels_of_boxes_are_named(tmp_path):
    write(tmp_path / "images" / "val" / "a.png", np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "labels" / "val").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "a.txt").write_text("0 .5 .5 .1 .1")
    with pytest.raises(InputError, match=r"end in \.txt, as boxes and polygons of YOLO do"):
        open_dataset(str(tmp_path))


def test_ten_thousand_files_are_listed_and_not_asked_one_by_one(tmp_path, monkeypatch):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(2000):
            (tmp_path / folder / f"{number}.png").touch()
    stats, listed = [], []
    real_stat, real_scandir = os.stat, os.scandir
    monkeypatch.setattr(os, "stat", lambda *a, **k: stats.append(a) or real_stat(*a, **k))
    monkeypatch.setattr(os, "scandir", lambda *a: listed.append(a) or real_scandir(*a))
    data = open_dataset(str(tmp_path))
    assert len(data) == 2000
    assert len(stats) < 100
    assert len(listed) < 100


def test_hidden_files_dead_links_and_folders_are_no_images(tmp_path):
    kaggle(tmp_path)
    images = tmp_path / "images"
    (images / "._0.png").write_bytes(b"resource fork")
    (images / "dead.png").symlink_to(tmp_path / "gone.png")
    (images / "folder.png").mkdir()
    (images / "loop").symlink_to(tmp_path)
    for place in (tmp_path, images):
        assert names(open_dataset(str(place))) == ["0", "1"]


def test_a_data_set_in_a_zip_file_is_to_be_unpacked(tmp_path):
    import shutil

    voc(tmp_path / "VOC2012")
    file = shutil.make_archive(str(tmp_path / "voc"), "zip", tmp_path / "VOC2012")
    with pytest.raises(InputError, match=r"holds images and label maps; unpack it"):
        open_dataset(file)


def test_an_empty_split(tmp_path):
    img_dir(tmp_path)
    for file in (tmp_path / "img_dir" / "val").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"img_dir/val holds no image"):
        open_dataset(str(tmp_path), "val")


def jpeg(path: Path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)


@pytest.mark.parametrize("folders", [("JPEGImages", "SegmentationClass"), ("photos", "truth")])
def test_equal_names_in_two_folders_are_no_classes(tmp_path, folders):
    images, labels = folders
    for number in range(3):
        jpeg(tmp_path / images / f"{number}.jpg", FOUR.colourise(truth(number, 4)))
        write(tmp_path / labels / f"{number}.png", truth(number, 4))
    data = open_dataset(str(tmp_path), "train", unlabelled=False)
    assert [sample.labels.shape for sample in data] == [(8, 12)] * 3


def test_classes_of_equal_names_stay_classes(tmp_path):
    for number in range(12):
        for place in ("cat", "dog"):
            jpeg(tmp_path / place / f"{number:04d}.jpg", truth(number, 4))
    assert open_dataset(str(tmp_path), "train").palette.classes == ("cat", "dog")


def test_label_maps_are_no_images(tmp_path):
    cityscapes(tmp_path / "a")
    kaggle(tmp_path / "b")
    camvid(tmp_path / "c")
    for place in ("a/gtFine/val", "b/masks", "b/masks/0_mask.png", "c/valannot"):
        with pytest.raises(InputError, match=r"holds label maps of .*; give "):
            browse(tmp_path / place)


def test_two_kinds_of_label_maps_beside_the_images(tmp_path):
    for number in range(2):
        save_pair(tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png", FOUR, number)
        write(tmp_path / f"{number}_label.png", truth(0, 4))
    with pytest.raises(
        InputError, match=r"two label maps, .*0_\w+\.png and .*--label-suffix _mask"
    ):
        open_dataset(str(tmp_path))
    data = open_dataset(str(tmp_path), labels=tmp_path, label_suffix="_mask")
    assert names(data) == ["0", "1"]
    assert accuracy(data, FOUR) == CLEAN


def test_other_names_of_a_split(tmp_path):
    camvid(tmp_path)
    assert names(open_dataset(str(tmp_path), "validation")) == names(
        open_dataset(str(tmp_path), "val")
    )


def test_trees_of_carvana_pets_and_deepglobe(tmp_path):
    for number in range(10):
        save_pair(
            tmp_path / "carvana" / "train" / f"{number}.png",
            tmp_path / "carvana" / "train_masks" / f"{number}_mask.tif", FOUR, number,
        )  # fmt: skip
        save_pair(
            tmp_path / "pets" / "images" / f"{number}.png",
            tmp_path / "pets" / "annotations" / "trimaps" / f"{number}.png", FOUR, number,
        )  # fmt: skip
        save_pair(
            tmp_path / "globe" / "train" / f"{number}_sat.png",
            tmp_path / "globe" / "train" / f"{number}_mask.png", FOUR, number,
        )  # fmt: skip
    for root, count in (("carvana", 9), ("pets", 10), ("globe", 9)):
        data = open_dataset(str(tmp_path / root), "train", unlabelled=False)
        assert len(data) == count
        assert accuracy(data, FOUR) == CLEAN
