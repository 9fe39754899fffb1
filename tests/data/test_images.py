import warnings

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from art_segplugin.data import images
from art_segplugin.data.images import (
    ImageRule,
    check_scale,
    load_sample,
    read_image,
    read_label_map,
)
from art_segplugin.data.palettes import PALETTES, numbered_palette
from art_segplugin.errors import InputError, InputWarning

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


def read_saying(path, rule=images.RGB):
    """Pixels of an image, and what was said about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pixels = read_image(path, rule)
    said = [one.message for one in caught if isinstance(one.message, InputWarning)]
    assert all(one.where == str(path) for one in said)
    return pixels, list(map(str, said))


def test_every_orientation_is_turned_as_pillow_turns_it(tmp_path):
    rgb = Image.fromarray(np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8))
    for value in range(10):  # 0 and 9 mean nothing
        exif = Image.Exif()
        exif[0x0112] = value
        for name in ("a.png", "a.tif"):
            rgb.save(tmp_path / name, exif=exif)
            turn = images.TURNS.get(value)
            expected = np.asarray(rgb if turn is None else rgb.transpose(turn))
            np.testing.assert_array_equal(read_image(tmp_path / name), expected)


@pytest.mark.parametrize("suffix", ["png", "webp"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0<?xpacket begin=", b"Exif\0\0", b"II*\0\xff\xff\xff\xff"]
)
def test_exif_data_that_are_none_do_not_matter(tmp_path, suffix, exif):
    """The pixels are good; only which side is up is not known."""
    rgb = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(rgb).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    pixels, said = read_saying(path)
    np.testing.assert_array_equal(pixels, rgb)
    assert said in ([], [images.EXIF])


def test_broken_profiles_do_not_matter(tmp_path, picture):
    path, rgb = picture
    Image.fromarray(rgb).save(path, icc_profile=b"no profile", xmp=b"<x:xmpmeta")
    np.testing.assert_array_equal(read_image(path), rgb)


DEEP = np.random.default_rng(2).integers(0, 2048, (6, 8, 3), dtype=np.uint16)


@pytest.mark.parametrize("name", ["rgb.png", "rgb.tif", "grey.png", "grey.tif"])
def test_deep_images_are_scaled_by_the_white_that_is_given(tmp_path, name):
    """Pillow would cut 16-bit RGB to its high bytes: 8 grey levels of 11 bits."""
    path, values = tmp_path / name, DEEP if name.startswith("rgb") else DEEP[..., :1]
    cv2.imwrite(str(path), values[..., ::-1] if values.shape[2] == 3 else values)
    with pytest.raises(InputError, match=r"more than 8 bits a channel .* --white"):
        read_image(path)
    expected = np.broadcast_to(np.rint(values * (255 / 2047)), (6, 8, 3))
    pixels, said = read_saying(path, ImageRule(white=2047))
    np.testing.assert_array_equal(pixels, expected)
    assert said == []
    pixels, said = read_saying(path, ImageRule(white=1000))
    np.testing.assert_array_equal(pixels, np.rint(np.clip(values / 1000, 0, 1) * 255) + 0 * pixels)
    assert said == [images.CLIPPED]


@pytest.mark.parametrize("white", [0, -1, float("nan"), float("inf")])
def test_an_impossible_white_is_refused(white):
    with pytest.raises(InputError, match=r"white is .*; expected a positive number"):
        ImageRule(white=white)


def test_floating_point_images(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    values = np.random.default_rng(3).random((6, 8, 3), dtype=np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.tif", ImageRule(white=1)), np.rint(values.astype(float) * 255)
    )
    values[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "b.tif", values, photometric="rgb")
    with pytest.raises(InputError, match="NaN or infinite"):
        read_image(tmp_path / "b.tif", ImageRule(white=1))


BANDS = np.random.default_rng(4).integers(0, 256, (6, 8, 4), dtype=np.uint8)
LAYOUTS = [
    {"photometric": "rgb", "extrasamples": ["unspecified"]},
    {"photometric": "minisblack", "planarconfig": "contig"},
    {"photometric": "minisblack", "planarconfig": "separate"},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_four_bands(tmp_path, layout, dtype):
    tifffile = pytest.importorskip("tifffile")
    bands = BANDS.astype(dtype) * (257 if dtype == np.uint16 else 1)
    planar = layout.get("planarconfig") == "separate"
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(bands, 2, 0) if planar else bands, **layout)
    pixels, said = read_saying(tmp_path / "a.tif", ImageRule(4, white=65535))
    np.testing.assert_array_equal(pixels, BANDS)
    assert said == []
    pixels, said = read_saying(tmp_path / "a.tif", ImageRule(white=65535))
    np.testing.assert_array_equal(pixels, BANDS[..., :3])
    assert said == [images.BANDS]
    with pytest.raises(InputError, match="has 4 channels and the model takes 5"):
        read_image(tmp_path / "a.tif", ImageRule(5, white=65535))


def test_without_tifffile_it_is_named(tmp_path, monkeypatch):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", BANDS, photometric="minisblack", planarconfig="contig")
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    with pytest.raises(InputError, match=r"4 bands of 8 bits.*pip install tifffile"):
        read_image(tmp_path / "a.tif", ImageRule(4))


def test_grey_for_models_of_one_channel(tmp_path, picture):
    path, rgb = picture
    pixels, said = read_saying(path, ImageRule(1))
    np.testing.assert_array_equal(pixels[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))
    assert said == [images.GREY]
    Image.fromarray(rgb[..., 0]).save(path)
    pixels, said = read_saying(path, ImageRule(1))
    np.testing.assert_array_equal(pixels, rgb[..., :1])
    assert said == []
    sample = load_sample("a", path, None, CAMVID, 0.5, pixels=ImageRule(1))
    assert sample.image.shape == (1, 3, 4)


def test_alpha_is_not_used_and_said(tmp_path):
    opaque = BANDS.copy()
    opaque[..., 3] = 255
    for name, values, expected in (("a", BANDS, [images.ALPHA]), ("b", opaque, [])):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
        pixels, said = read_saying(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(pixels, BANDS[..., :3])
        assert said == expected
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", ImageRule(4)), BANDS)
    indexed = Image.new("P", (2, 1))
    indexed.putdata([0, 1])
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.save(tmp_path / "p.png", transparency=0)
    pixels, said = read_saying(tmp_path / "p.png")
    assert pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert said == [images.ALPHA]


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "gif"])
def test_of_several_frames_or_pages_the_first_is_read_and_it_is_said(tmp_path, suffix):
    first, second = (Image.new("RGB", (8, 6), colour) for colour in ((200, 0, 0), (0, 0, 200)))
    extra = {"lossless": True} if suffix == "webp" else {}
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second], **extra)
    pixels, said = read_saying(tmp_path / f"a.{suffix}")
    assert (pixels == [200, 0, 0]).all()
    assert said == [images.FRAMES]


def test_python_says_it_once_for_all_files(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(BANDS).save(tmp_path / name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        vars(images).get("__warningregistry__", {}).clear()
        for name in ("a.png", "b.png"):
            read_image(tmp_path / name)
    assert [one.category for one in caught] == [InputWarning]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS .run `git lfs pull`"),
        (b"\0\0\0\x20ftypheic", "of kind 'heic'"),
        (b'<?xml version="1.0"?><svg width="8">', "an SVG drawing"),
        (b"plain text", "expected PNG, JPEG, BMP, WEBP, TIFF, GIF or PPM"),
    ],
)
def test_what_is_no_image_is_named(tmp_path, data, words):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_image(tmp_path / "a.png")


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch, picture):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(InputError, match="decompression bomb"):
        read_image(picture[0])


def test_missing_and_corrupt_pictures_are_refused(tmp_path, picture):
    with pytest.raises(InputError, match=r"image .*b\.png does not exist"):
        read_image(tmp_path / "b.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"image .*text\.png cannot be read"):
        read_image(tmp_path / "text.png")
    path, _ = picture
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"image .*a\.png cannot be read"):
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
    with pytest.raises(
        InputError, match=r"a\.png cannot be read: it is damaged.* expected PNG, JPEG"
    ):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM"])
def test_formats_that_are_read(tmp_path, kind):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 3)).save(path, kind)
    assert read_image(path).shape == (3, 4, 3)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_label_maps_are_turned_as_their_exif_data_say(tmp_path, mode):
    labels = np.random.default_rng(0).integers(0, 9, (6, 6), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.rot90(labels).copy())
    if mode == "P":
        stored.putpalette(np.arange(768) % 256)
    stored.save(tmp_path / "a.png", exif=exif)
    assert (read_label_map(tmp_path / "a.png", numbered_palette()) == labels).all()
