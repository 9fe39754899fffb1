import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.data.images import check_scale, load_sample, read_image, read_label_map
from art_segplugin.data.palettes import PALETTES
from art_segplugin.errors import InputError

CAMVID = PALETTES["camvid"]


@pytest.fixture
def picture(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    return tmp_path / "a.png", rgb


def save_labels(path, labels):
    Image.fromarray(np.asarray(labels)).save(path)
    return path


def test_read_image(picture):
    path, rgb = picture
    np.testing.assert_array_equal(read_image(path), rgb)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_pictures_of_any_8_bit_mode_become_rgb(tmp_path, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (5, 4)).save(tmp_path / f"a.{suffix}")
    assert read_image(tmp_path / f"a.{suffix}").shape == (4, 5, 3)


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned by 90 degrees
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (8, 4, 3)


def test_deep_pictures_are_refused(tmp_path):
    save_labels(tmp_path / "a.png", np.zeros((4, 4), np.uint16))
    with pytest.raises(InputError, match="more than 8 bits a channel"):
        read_image(tmp_path / "a.png")


def test_missing_and_corrupt_pictures_are_refused(tmp_path, picture):
    with pytest.raises(InputError, match=r"picture .*b\.png does not exist"):
        read_image(tmp_path / "b.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"picture .*text\.png cannot be read"):
        read_image(tmp_path / "text.png")
    path, _ = picture
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"picture .*a\.png cannot be read"):
        read_image(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_label_maps_of_indices(tmp_path, dtype):
    labels = np.array([[0, 10], [255, 3]], dtype)
    np.testing.assert_array_equal(
        read_label_map(save_labels(tmp_path / "l.png", labels), CAMVID), labels
    )


def test_label_maps_with_a_colour_table_hold_the_indices(tmp_path):
    indexed = Image.new("P", (2, 1))
    indexed.putdata([0, 7])
    indexed.putpalette([255 - value for value in range(256)] * 3)
    indexed.save(tmp_path / "l.png")
    assert read_label_map(tmp_path / "l.png", CAMVID).tolist() == [[0, 7]]


def test_painted_label_maps(tmp_path):
    labels = np.array([[0, 10, 255]])
    path = save_labels(tmp_path / "l.png", CAMVID.colourise(labels))
    np.testing.assert_array_equal(read_label_map(path, CAMVID), labels)
    painted = save_labels(tmp_path / "m.png", np.full((1, 1, 3), 7, np.uint8))
    with pytest.raises(InputError, match=r"label map .*m\.png: colours \(7, 7, 7\)"):
        read_label_map(painted, CAMVID)


def test_void_of_the_file_becomes_void_of_the_palette(tmp_path):
    path = save_labels(tmp_path / "l.png", np.array([[11, 2]], np.uint8))
    assert read_label_map(path, CAMVID, void=11).tolist() == [[255, 2]]


def test_labels_outside_the_palette_are_named(tmp_path):
    path = save_labels(tmp_path / "l.png", np.array([[11, 2, 42]], np.uint8))
    with pytest.raises(
        InputError, match=r"l\.png holds the labels 11, 42; expected 0\.\.10 or 255"
    ):
        read_label_map(path, CAMVID)
    many = save_labels(tmp_path / "m.png", np.arange(40, dtype=np.uint8)[None])
    with pytest.raises(
        InputError, match=r"labels 11, 12, 13, 14, 15, 16, 17, 18, \.\.\.; expected"
    ):
        read_label_map(many, CAMVID)


def test_a_label_map_of_another_size_is_refused(tmp_path, picture):
    path = save_labels(tmp_path / "l.png", np.zeros((6, 7), np.uint8))
    with pytest.raises(InputError, match=r"l\.png is 7x6 pixels but its picture a\.png is 8x6"):
        load_sample("a", picture[0], path, CAMVID)


def test_scaling_averages_pictures_and_picks_labels(tmp_path, picture):
    path, rgb = picture
    labels = np.random.default_rng(1).integers(0, 11, (6, 8), dtype=np.uint8)
    sample = load_sample("a", path, save_labels(tmp_path / "l.png", labels), CAMVID, scale=0.5)
    assert sample.image.shape == (3, 3, 4)
    blocks = torch.from_numpy(rgb / 255).reshape(3, 2, 4, 2, 3).mean((1, 3)).permute(2, 0, 1)
    torch.testing.assert_close(sample.image, blocks.float(), atol=0.51 / 255, rtol=0)
    np.testing.assert_array_equal(sample.labels, labels[1::2, 1::2])


def test_enlarging_repeats_labels(tmp_path, picture):
    labels = np.arange(48, dtype=np.uint8).reshape(6, 8) % 11
    sample = load_sample("a", picture[0], save_labels(tmp_path / "l.png", labels), CAMVID, scale=2)
    np.testing.assert_array_equal(sample.labels, labels.repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_impossible_scales_are_refused(scale):
    with pytest.raises(InputError, match=r"scale is .*; expected a factor above 0"):
        check_scale(scale)


@pytest.mark.parametrize("kind", ["EPS", "PDF"])
def test_programs_called_pictures_are_not_started(tmp_path, kind):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path, kind)
    with pytest.raises(InputError, match=r"a\.png cannot be read \(cannot identify"):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM"])
def test_formats_that_are_read(tmp_path, kind):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 3)).save(path, kind)
    assert read_image(path).shape == (3, 4, 3)
