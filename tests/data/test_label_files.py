"""Label maps as files: formats, modes and sizes as the world makes them."""

import contextlib
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from art_segplugin.data.folders import ImageFolder
from art_segplugin.data.images import load_sample, read_label_map
from art_segplugin.data.labels import LabelRule, UnsettledMaskError
from art_segplugin.data.palettes import CAMVID, VOC, numbered_palette
from art_segplugin.errors import InputError, InputWarning

LABELS = np.array([[0, 10, 255], [1, 2, 3]], np.uint8)
BITS = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)


def with_alpha(mode, alpha):
    image = Image.fromarray(LABELS) if mode == "LA" else Image.fromarray(CAMVID.colourise(LABELS))
    image.putalpha(alpha)
    return image


def table(transparent=None):
    image = Image.fromarray(LABELS, "P")
    colours = [value for colour in CAMVID.colours for value in colour]
    image.putpalette(colours + [0] * (3 * 256 - len(colours)))  # 255 needs a whole table
    image.info = {} if transparent is None else {"transparency": transparent}
    return image


@pytest.mark.parametrize(
    ("ending", "image"),
    [
        ("png", Image.fromarray(LABELS)),
        ("png", Image.fromarray(LABELS.astype(np.uint16))),
        ("tif", Image.fromarray(LABELS.astype(np.int32))),
        ("tif", Image.fromarray(LABELS.astype(np.uint16))),
        ("bmp", Image.fromarray(LABELS)),
        ("png", with_alpha("LA", 255)),
        ("png", with_alpha("RGBA", 255)),
        ("png", table()),
        ("png", table(transparent=0)),
        ("webp", Image.fromarray(CAMVID.colourise(LABELS))),
    ],
    ids=lambda value: getattr(value, "mode", value),
)
def test_lossless_files(tmp_path, ending, image):
    path = tmp_path / f"a.{ending}"
    image.save(path, **{"lossless": True} if ending == "webp" else {})
    np.testing.assert_array_equal(read_label_map(path, CAMVID), LABELS)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def test_interlaced_png(tmp_path):
    """Pillow writes none: the passes of Adam7 by hand."""
    labels = np.random.default_rng(0).integers(0, 11, (13, 10), dtype=np.uint8)
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    parts = [labels[top::down, left::right] for top, left, down, right in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    head = struct.pack(">IIBBBBB", 10, 13, 8, 0, 0, 0, 1)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    content += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png", CAMVID), labels)


def test_masks_of_one_bit(tmp_path):
    Image.fromarray(BITS.astype(bool)).save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "1"
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png", numbered_palette(2)), BITS)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64, np.uint16, np.int8])
@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 3), (2, 3, 1)])
def test_arrays(tmp_path, kind, shape):
    np.save(tmp_path / "a.npy", BITS.astype(kind).reshape(shape))
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.npy", numbered_palette(2)), BITS)


def test_negative_values(tmp_path):
    values = np.array([[-1, 0, 1]])
    np.save(tmp_path / "a.npy", values)
    Image.fromarray(values.astype(np.int32)).save(tmp_path / "a.tif")
    for name in ("a.npy", "a.tif"):
        with pytest.raises(InputError, match=r"holds the labels -1; .* If -1 is void, pass --void"):
            read_label_map(tmp_path / name, CAMVID)
        assert read_label_map(tmp_path / name, CAMVID, void=-1).tolist() == [[255, 0, 1]]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 2), np.float32), r"array of float32 and shape \(2, 2\); expected integers"),
        (np.zeros((2, 2, 3), np.uint8), r"array of uint8 and shape \(2, 2, 3\)"),
        (np.array(3), r"array of int64 and shape \(\)"),
        (np.array([{}]), "cannot be read"),
    ],
)
def test_arrays_that_are_no_label_maps(tmp_path, array, said):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=said):
        read_label_map(tmp_path / "a.npy", CAMVID)
    np.save(tmp_path / "b.npy", LABELS)
    broken = (tmp_path / "b.npy").read_bytes().replace(b"(2, 3)", b"a2, 3)")
    for content in (broken, broken[:6], b""):
        (tmp_path / "b.npy").write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            read_label_map(tmp_path / "b.npy", CAMVID)


@pytest.mark.parametrize(
    ("ending", "image", "said"),
    [
        ("jpg", Image.fromarray(LABELS), "is a JPEG file, which changes labels"),
        ("webp", Image.fromarray(CAMVID.colourise(LABELS)), "is a WEBP file, which changes labels"),
        ("png", with_alpha("LA", 254), "is transparent in places"),
        ("png", with_alpha("RGBA", 0), "is transparent in places"),
        ("tif", Image.fromarray(LABELS.astype(np.float32)), "mode F; expected one integer"),
        ("tif", Image.fromarray(CAMVID.colourise(LABELS)).convert("CMYK"), "mode CMYK"),
    ],
)
def test_files_that_would_be_read_as_something_else(tmp_path, ending, image, said):
    image.save(tmp_path / f"a.{ending}")
    with pytest.raises(InputError, match=said):
        read_label_map(tmp_path / f"a.{ending}", CAMVID)


def test_values_of_16_bits(tmp_path):
    Image.fromarray(np.array([[0, 300, 999]], np.uint16)).save(tmp_path / "a.png")
    labels = read_label_map(tmp_path / "a.png", numbered_palette(1000))
    assert labels.tolist() == [[0, 300, 999]]
    with pytest.raises(InputError, match="holds the labels 300, 999; expected"):
        read_label_map(tmp_path / "a.png", CAMVID)
    Image.fromarray(np.array([[26_000, 7]], np.uint16)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="instance ids of Cityscapes"):
        read_label_map(tmp_path / "b.png", CAMVID)


def test_a_colour_table_in_another_order(tmp_path):
    order = [3, 0, 2, 1]
    places = np.array([[0, 1, 2, 3]], np.uint8)
    stored = Image.fromarray(places, "P")
    stored.putpalette([value for one in order for value in VOC.colours[one]])
    stored.save(tmp_path / "a.png")
    with pytest.warns(InputWarning, match="the colours count, for the colour table has"):
        assert read_label_map(tmp_path / "a.png", VOC).tolist() == [order]
    with pytest.raises(InputError, match="give --palette voc to read the colours"):
        read_label_map(tmp_path / "a.png", numbered_palette())


def test_labels_of_a_size_that_is_off_by_one_and_of_the_image_itself(tmp_path):
    image = tmp_path / "a.png"
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(image)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a_label.png")
    with pytest.raises(InputError, match=r"is 8x8 pixels but its .* is 9x8"):
        load_sample("a", image, tmp_path / "a_label.png", CAMVID)
    with pytest.raises(InputError, match="both the image and its label map"):
        load_sample("a", image, image, CAMVID)


def test_masks_of_a_folder_settle_what_255_is(tmp_path):
    def save(name, labels):
        Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(tmp_path / f"{name}.png")
        Image.fromarray(labels).save(tmp_path / f"{name}_label.png")

    save("a", 255 * BITS)
    for palette in (None, numbered_palette(2)):
        with pytest.raises(UnsettledMaskError, match=r"a_label\.png contains 255 in 50 %"):
            ImageFolder(tmp_path, palette)[0]
    mapped = ImageFolder(tmp_path, rule=LabelRule(mapping=((255, 1),)))
    np.testing.assert_array_equal(mapped[0].labels, BITS)
    save("b", np.where(BITS == 1, 255, 1).astype(np.uint8))
    for palette in (None, numbered_palette(2)):
        first, second = ImageFolder(tmp_path, palette)
        np.testing.assert_array_equal(first.labels, np.where(BITS == 1, 255, 0))
        np.testing.assert_array_equal(second.labels, np.where(BITS == 1, 255, 1))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_broken_files_are_refused_or_read(tmp_path, data):
    ending = data.draw(st.sampled_from(["png", "npy", "tif"]))
    path = tmp_path / f"a.{ending}"
    if ending == "npy":
        np.save(path, LABELS)
    else:
        Image.fromarray(LABELS).save(path)
    content = bytearray(path.read_bytes())
    del content[data.draw(st.integers(1, len(content))) :]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    with contextlib.suppress(InputError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about what it skips
        assert read_label_map(path, CAMVID).ndim == 2
