"""Random and damaged files: an image, a label map, or one sentence; nothing else is raised."""

import io
import warnings
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from art_segplugin.data.images import ImageRule, decode_image, read_label_map
from art_segplugin.data.palettes import CAMVID
from art_segplugin.errors import InputError, UnreadableError

FEW = settings(max_examples=60, deadline=None)
KINDS = ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "deep PNG", "deep TIFF", "bands"]
RULES = [ImageRule(), ImageRule(1), ImageRule(4, white=65535), ImageRule(white=2047)]


@cache
def good(kind):
    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    data = io.BytesIO()
    if kind.startswith("deep"):
        return bytes(cv2.imencode(f".{kind[5:8].lower()}", rgb.astype(np.uint16) * 200)[1])
    if kind == "bands":
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(data, np.dstack([rgb, rgb[..., :2]]), photometric="minisblack")
        return data.getvalue()
    exif = Image.Exif()
    exif[0x0112] = 6
    more = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    Image.fromarray(rgb).save(data, kind, **more)
    return data.getvalue()


def outcome(read, *arguments):
    """What is read, or the sentence that says why not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read(*arguments)
        except InputError as error:
            return str(error)


def pixels_or_a_sentence(data, rule):
    found = outcome(decode_image, data, "a.png", rule)
    if isinstance(found, str):
        assert "a.png" in found
        return
    assert found.dtype == np.uint8
    assert found.ndim == 3
    assert found.shape[2] == rule.channels


@FEW
@given(st.binary(max_size=200), st.sampled_from(RULES))
def test_random_bytes(data, rule):
    pixels_or_a_sentence(data, rule)


def test_every_bit_of_the_head_of_a_tiff_of_bands():
    whole = good("bands")
    for bit in range(8 * 240):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        pixels_or_a_sentence(bytes(data), RULES[2])


@pytest.mark.parametrize("kind", KINDS)
def test_bits_that_flipped(kind):
    @FEW
    @given(st.data())
    def damaged(data):
        whole = bytearray(good(kind))
        for _ in range(data.draw(st.integers(1, 4))):
            # most of what breaks readers is in the head
            place = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 120))
            whole[min(place, len(whole) - 1)] ^= 1 << data.draw(st.integers(0, 7))
        pixels_or_a_sentence(bytes(whole), data.draw(st.sampled_from(RULES)))

    damaged()


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_end_early(kind):
    for length in range(0, len(good(kind)), max(len(good(kind)) // 40, 1)):
        pixels_or_a_sentence(good(kind)[:length], RULES[0])


@FEW
@given(st.binary(max_size=60), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_random_exif_data_cost_no_pixel(exif, kind):
    rgb = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    files = []
    for more in ({}, {"exif": b"Exif\0\0" + exif}):
        data = io.BytesIO()
        Image.fromarray(rgb).save(data, kind, **more)
        files.append(data.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, with_exif = (decode_image(data, "a") for data in files)
    np.testing.assert_array_equal(np.sort(plain.ravel()), np.sort(with_exif.ravel()))


@FEW
@given(st.data())
def test_label_maps(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / f"labels.{data.draw(st.sampled_from(['png', 'npy']))}"
    whole = io.BytesIO()
    labels = np.random.default_rng(0).integers(0, 11, (9, 7), dtype=np.uint8)
    if path.suffix == ".npy":
        np.save(whole, labels)
    else:
        Image.fromarray(labels).save(whole, "PNG")
    damaged = bytearray(whole.getvalue())
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(0, 2 * len(damaged)))])
    found = outcome(read_label_map, path, CAMVID)
    if isinstance(found, str):
        assert "labels." in found
    else:
        assert found.ndim == 2
        assert CAMVID.unknown_labels(found) == []


@pytest.mark.parametrize("suffix", ["png", "npy"])
def test_a_label_map_that_cannot_be_read_is_told_from_one_of_other_classes(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"nothing")
    with pytest.raises(UnreadableError):
        read_label_map(path, CAMVID)
