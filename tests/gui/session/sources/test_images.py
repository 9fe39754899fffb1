import hashlib
import re

import numpy as np
import pytest
from PIL import Image

from art_segplugin.data.labels import LabelRule
from art_segplugin.data.palettes import CAMVID, SCENES
from art_segplugin.errors import InputError
from art_segplugin_gui.session.sources.opening import open_source

GENERATOR = np.random.default_rng(0)
RGB = GENERATOR.integers(0, 256, (24, 32, 3), dtype=np.uint8)
LABELS = GENERATOR.integers(0, 11, (24, 32), dtype=np.uint8)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array)).save(path)
    return path


def test_a_picture_without_labels(tmp_path):
    path = save(tmp_path / "straße 漢.png", RGB)
    source = open_source(str(path), None)
    frame = source.read(0)
    assert (source.count, source.name, source.moving) == (1, "straße 漢.png", False)
    assert (frame.name, frame.labels, frame.warning) == ("straße 漢", None, "")
    assert np.array_equal(frame.image, RGB)
    assert frame.origin["path"] == str(path)
    assert frame.origin["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0, 0] = 1


def test_labels_beside_pictures_are_found(tmp_path):
    for name in ("b", "a"):
        save(tmp_path / "images" / f"{name}.jpg", RGB)
    save(tmp_path / "labels" / "a.png", LABELS)
    source = open_source(str(tmp_path), None)
    first, second = source.read(0), source.read(1)
    assert (source.count, first.name, second.name) == (2, "a", "b")
    assert np.array_equal(first.labels, LABELS)
    assert first.origin["labels"].endswith("a.png")
    assert second.labels is None
    assert second.warning == ""


def test_large_pictures_and_their_labels_are_scaled_down(tmp_path):
    rgb = np.repeat(np.repeat(RGB, 3, 0), 3, 1)
    labels = np.repeat(np.repeat(LABELS, 3, 0), 3, 1)
    save(tmp_path / "a.png", rgb)
    save(tmp_path / "a_label.png", labels)
    frame = open_source(str(tmp_path), 32).read(0)
    assert frame.image.shape == (24, 32, 3)
    assert np.array_equal(frame.image, RGB)
    assert np.array_equal(frame.labels, LABELS)
    assert open_source(str(tmp_path), 1000).read(0).image.shape == (72, 96, 3)


def test_labels_of_another_size_are_left_out_with_a_warning(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    save(tmp_path / "a.png", LABELS[:20])
    frame = open_source(str(tmp_path / "a.jpg"), None).read(0)
    assert frame.labels is None
    assert frame.warning == (
        "Labels are not used: a.png is 32 x 20 pixels but its picture is 32 x 24; "
        "give both the same size."
    )
    assert "labels" not in frame.origin


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.full((24, 32), 700, np.uint16), "holds the labels 700"),
        (np.full((24, 32, 3), (1, 2, 3), np.uint8), r"colours \(1, 2, 3\)"),
        (np.full((24, 32, 3), (128, 128, 0), np.uint8), "mean one thing in palette"),
    ],
)
def test_labels_that_mean_nothing_are_left_out_with_a_warning(tmp_path, labels, said):
    save(tmp_path / "a.jpg", RGB)
    save(tmp_path / "a.png", labels)
    frame = open_source(str(tmp_path / "a.jpg"), None).read(0)
    assert frame.labels is None
    assert re.search(said, frame.warning), frame.warning
    assert np.array_equal(frame.image.shape, (24, 32, 3))


def test_colours_that_only_one_palette_knows_are_read(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    save(tmp_path / "a.png", SCENES.colourise(LABELS))
    assert np.array_equal(open_source(str(tmp_path), None).read(0).labels, LABELS)


def test_colours_of_a_known_palette_name_the_classes(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    save(tmp_path / "a.png", SCENES.colourise(LABELS))
    frame = open_source(str(tmp_path), None).read(0)
    assert frame.classes == SCENES.classes
    assert not frame.plain


def test_masks_of_0_and_255_are_left_out_until_it_is_said_what_255_is(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    mask = np.where(LABELS < 5, 255, 0).astype(np.uint8)
    save(tmp_path / "a.png", mask)
    frame = open_source(str(tmp_path), None).read(0)
    assert frame.labels is None
    assert "Labels are not used: label map" in frame.warning
    assert "pass --label-map 255=1" in frame.warning
    for label, shown in ((1, 1), (None, 255)):
        rule = LabelRule(mapping=((255, label),))
        frame = open_source(str(tmp_path), None, rule).read(0)
        assert np.array_equal(frame.labels, np.where(mask == 255, shown, 0))
        assert not frame.plain


def test_how_labels_were_read_is_kept_and_shown(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    labels = np.repeat([[0], [3], [255], [0]], 32, 1).repeat(6, 0).astype(np.uint8)
    save(tmp_path / "a.png", labels)
    frame = open_source(str(tmp_path), None).read(0)
    assert frame.plain
    assert frame.origin["label_rule"] == "class indices; 255 void"
    assert frame.label_line == ("Labels: class indices; 255 void. 25.0 % void, 2 classes.")


def test_a_corrupt_label_map_is_a_warning_and_a_corrupt_picture_an_error(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    (tmp_path / "a.png").write_bytes(b"no picture")
    source = open_source(str(tmp_path), None)
    assert "label map" in source.read(0).warning
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:200])
    with pytest.raises(InputError, match=r"image .*a\.jpg cannot be read"):
        source.read(0)


def test_a_path_that_vanishes_is_an_error(tmp_path):
    path = save(tmp_path / "a.jpg", RGB)
    source = open_source(str(tmp_path), None)
    path.unlink()
    with pytest.raises(InputError, match=r"a\.jpg does not exist"):
        source.read(0)
    with pytest.raises(InputError, match="has 1 pictures; give 0 to 0, not 1"):
        source.read(1)


def test_camvid_and_its_void(tmp_path):
    files = LABELS.copy()
    files[0] = 11  # void in CamVid's files
    for split in ("train", "val"):
        save(tmp_path / split / f"{split}1.png", RGB)
        save(tmp_path / f"{split}annot" / f"{split}1.png", files)
    for spec, name in (
        (tmp_path, "val1"),
        (tmp_path / "train", "train1"),
        (tmp_path / "val" / "val1.png", "val1"),
    ):
        frame = open_source(str(spec), None).read(0)
        assert frame.name == name
        assert (frame.labels[0] == CAMVID.ignore_index).all()
        assert np.array_equal(frame.labels[1:], LABELS[1:])


def test_splits_of_a_folder_are_looked_into(tmp_path):
    save(tmp_path / "val" / "a.png", RGB)
    assert open_source(str(tmp_path), None).read(0).name == "a"


def test_names_are_told_apart(tmp_path):
    save(tmp_path / "a.jpg", RGB)
    save(tmp_path / "a.bmp", RGB)
    source = open_source(str(tmp_path), None)
    assert [source.read(i).name for i in (0, 1)] == ["a.bmp", "a.jpg"]


@pytest.mark.parametrize("alpha", [0, 254, 255])
def test_transparency_is_mentioned(tmp_path, alpha):
    pixels = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    pixels[3, 4, 3] = alpha
    frame = open_source(str(save(tmp_path / "a.png", pixels)), None).read(0)
    assert np.array_equal(frame.image, RGB)
    said = "a.png has transparency, which is ignored."
    assert frame.warning == ("" if alpha == 255 else said)


def test_a_transparent_colour_is_mentioned_beside_labels_that_are_not_used(tmp_path):
    (tmp_path / "images").mkdir()
    opened = Image.fromarray(RGB[..., 0]).convert("P")
    opened.save(tmp_path / "images" / "a.png", transparency=int(np.asarray(opened)[0, 0]))
    save(tmp_path / "labels" / "a.png", LABELS[:9])
    frame = open_source(str(tmp_path), None).read(0)
    assert frame.warning.startswith("a.png has transparency, which is ignored. Labels are not used")
