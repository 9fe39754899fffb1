"""Reading images and label maps from files, with one clear sentence for whatever is wrong."""

import contextlib
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from torch import Tensor

from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule, distinct
from art_segplugin.data.palettes import Palette
from art_segplugin.data.resampling import resized_labels, resized_picture
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError, InputWarning, UnreadableError

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # we say ourselves what is wrong

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""What Pillow may take a file for, whatever it is called: for PostScript it would start Ghostscript."""
INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B")
"""Pillow's names for images with one integer a pixel."""

ALPHA = "the alpha channel is not used"
BANDS = "bands after grey or RGB are not used"
FRAMES = "only the first of several frames or pages is used"
GREY = "colours are converted to grey (luma), for the model takes one channel"
EXIF = "the EXIF data cannot be read, so the image is not turned"
CLIPPED = "values below 0 or above the given white are clipped"

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns an image upright, by the value of its EXIF orientation."""

Array = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ImageRule:
    """How the pixels of an image file become the channels that a model takes.

    Attributes:
        channels: 3 for RGB, 1 for grey; any other number takes only files with as many bands.
        white: Value that becomes 1.0 in files of more than 8 bits a channel, such as 2047 for 11
            bits; None refuses them, for the files do not say it.

    Raises:
        InputError: `white` is not a positive number.
    """

    channels: int = 3
    white: float | None = None

    def __post_init__(self) -> None:
        """Refuse a white that nothing can be divided by."""
        if self.white is not None and not 0 < self.white < math.inf:
            raise InputError(f"white is {self.white}; expected a positive number such as 65535")


RGB = ImageRule()


def read_image(path: Path, rule: ImageRule = RGB) -> Array:
    """Read an image, turned upright as its camera noted.

    Args:
        path: File in one of the formats of `IMAGE_SUFFIXES`.
        rule: Which channels to return, and what is white in deep files.

    Returns:
        uint8 of shape (h, w, `rule.channels`), by default RGB.

    Raises:
        UnreadableError: The file is corrupt or of another format.
        InputError: It is missing, has more than 8 bits a channel and no white is given, or has other
            bands than asked for.

    Warns:
        InputWarning: Alpha, bands, frames or EXIF data are not used, or colours become grey.
    """
    return decode_image(_read(path, "image"), path, rule)


def decode_image(data: bytes, where: Path | str, rule: ImageRule = RGB) -> Array:
    """Decode an image that is not a file of its own; as `read_image`.

    Args:
        data: Contents of a file in one of the formats of `IMAGE_SUFFIXES`.
        where: Its name in messages.
        rule: Which channels to return, and what is white in deep files.

    Returns:
        uint8 of shape (h, w, `rule.channels`), by default RGB.

    Raises:
        InputError: As `read_image`.
    """
    file = _Layout.of(data)
    if file.is_cut_by_pillow(rule.channels):
        pixels = _all_bands(data, file, where)
    else:
        pixels = _by_pillow(_load(data, "image ", where), file, where, rule.channels)
    if pixels.dtype != np.uint8:
        pixels = _as_8_bits(pixels, where, rule.white)
    return as_channels(pixels, where, rule)


def as_channels(pixels: Array, where: Path | str, rule: ImageRule) -> Array:
    """Return the channels that a model takes.

    Args:
        pixels: uint8 of shape (h, w, bands): grey, RGB, or one of them with further bands.
        where: Name of the image in messages.
        rule: Which channels to return.

    Returns:
        uint8 of shape (h, w, `rule.channels`).

    Raises:
        InputError: The model takes neither grey nor RGB, and the image has other bands.
    """
    if rule.channels not in (1, 3):
        if pixels.shape[2] != rule.channels:
            raise InputError(
                f"image {where} has {pixels.shape[2]} channels and the model takes {rule.channels}; "
                "give files with as many bands"
            )
        return pixels
    if pixels.shape[2] not in (1, 3):
        _say(BANDS, where)
    colours = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
    rgb = np.array(np.broadcast_to(colours, (*pixels.shape[:2], 3)))  # a copy, to be written to
    if rule.channels == 3:
        return rgb
    if np.ptp(rgb, axis=2).any():
        _say(GREY, where)
    return np.array(Image.fromarray(rgb).convert("L"))[..., None]


def read_label_map(
    path: Path, palette: Palette, void: int | None = None, rule: LabelRule | None = None
) -> npt.NDArray[np.integer]:
    """Read a label map, by default of class indices or painted in the colours of the palette.

    Args:
        path: PNG, TIFF or another lossless image, or an array of integers or bool saved as .npy.
        palette: Which labels there may be.
        void: Short for `rule=LabelRule(void=void)`.
        rule: How its pixels become class indices.

    Returns:
        Class indices or `palette.ignore_index` of shape (h, w): uint8 where it holds them all, else
        int64.

    Raises:
        InputError: The file is missing or corrupt, holds other labels, or a format or transparency
            that changes values.
        UnsettledMaskError: It holds 0 and 255 alone, see `LabelRule.decode`.
    """
    pixels, colours = label_pixels(path)
    table = {} if colours is None else {"colours": colours}
    return (rule or LabelRule(void=void)).decode(pixels, palette, f"label map {path}", **table)


def label_pixels(path: Path) -> tuple[npt.NDArray[Any], Array | None]:
    """Read what a label map holds, as `LabelRule.decode` takes it.

    Args:
        path: See `read_label_map`.

    Returns:
        One value per pixel of shape (h, w), or RGB of shape (h, w, 3); and the colours (h, w, 3) of
        the same pixels where they are indices of a colour table, else None.

    Raises:
        InputError: The file cannot be used, see `read_label_map`.
    """
    where = f"label map {path}"
    if path.suffix.lower() == ".npy":
        return _label_array(path, where), None
    return decode_label_pixels(_read(path, "label map"), where)


def decode_label_pixels(data: bytes, where: str) -> tuple[npt.NDArray[Any], Array | None]:
    """Decode a label map that is not a file of its own, turned as its EXIF data say; as `label_pixels`.

    Args:
        data: Contents of an image file.
        where: Its name in messages.

    Raises:
        InputError: It cannot be used, see `read_label_map`.
    """
    opened = _load(data, "", where)
    if opened.format == "JPEG" or (data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8 "):
        raise InputError(
            f"{where} is a {opened.format} file, which changes labels where it saves space; save it "
            "as PNG."
        )
    file = _Layout.of(data)
    if file.bits == 16 and file.bands > 1:  # Pillow cuts them to 8 bits
        return _deep_label_pixels(_all_bands(data, file, where), where), None
    opened = _upright(opened, where)
    if opened.mode in INDEX_MODES:
        opened.info.pop("transparency", None)  # of a colour table, which Pillow warns about
        pixels = np.array(opened)
        return pixels, np.array(opened.convert("RGB")) if opened.mode == "P" else None
    if opened.mode in ("LA", "PA", "RGBA"):
        if opened.getchannel("A").getextrema() != (255, 255):
            raise InputError(
                f"{where} is transparent in places, and labels are not; save it without transparency."
            )
        opened = opened.convert("L" if opened.mode == "LA" else "RGB")
    if opened.mode not in ("L", "RGB"):
        raise InputError(
            f"{where} is an image of mode {opened.mode}; expected one integer per pixel, or RGB."
        )
    return np.array(opened), None


def _deep_label_pixels(pixels: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """One value a pixel, or 8-bit RGB, of 16-bit grey or RGB with alpha or without it."""
    bands = pixels.shape[2]
    if bands in (2, 4) and (pixels[..., -1] != 65535).any():
        raise InputError(
            f"{where} is transparent in places, and labels are not; save it without transparency."
        )
    colours = pixels[..., : 1 if bands == 2 else 3]
    if (colours == colours[..., :1]).all():
        return np.asarray(colours[..., 0])
    if (colours % 257).any():
        raise InputError(
            f"{where} holds colours of 16 bits; save it with 8 bits, or class indices."
        )
    return (colours // 257).astype(np.uint8)


def settled_rule(rule: LabelRule, label_maps: Iterable[Path], palette: Palette) -> LabelRule:
    """Return a rule by which 255 is void, where one of the label maps holds it beside 0 and a class.

    Masks of 0 and 255 alone leave open what 255 is, see `UnsettledMaskError`; those beside them can
    tell. Where none does, the rule stays as it is: some may hold 0 and 1, and others 0 and 255.
    """
    for path in label_maps:
        with contextlib.suppress(InputError):  # said where it is read to be used
            found = distinct(label_pixels(path)[0])
            if 255 in found and any(0 < rule.label_of(v, palette) < len(palette) for v in found):
                return replace(rule, mapping=(*rule.mapping, (255, None)))
    return rule


def _label_array(path: Path, where: str) -> npt.NDArray[Any]:
    try:
        pixels = np.load(path, allow_pickle=False)
    except Exception as error:  # of a broken header, from Python's own parser
        raise UnreadableError(
            f"{where} cannot be read ({error}); replace it or leave it out."
        ) from error
    shape: tuple[int, ...] = getattr(pixels, "shape", ())
    if len(shape) == 3 and 1 in (shape[0], shape[-1]):
        pixels = pixels[0] if shape[0] == 1 else pixels[..., 0]
    if len(getattr(pixels, "shape", ())) != 2 or pixels.dtype.kind not in "biu":
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise InputError(
            f"{where} is an array of {kind} and shape {shape}; expected integers of shape "
            "(height, width)."
        )
    return np.asarray(pixels)


def load_sample(
    name: str,
    image_file: Path,
    label_map: Path | None,
    palette: Palette,
    scale: float = 1.0,
    rule: LabelRule = INDICES_OR_COLOURS,
    pixels: ImageRule = RGB,
) -> Sample:
    """Read an image and its label map, scaled.

    Args:
        name: Name of the sample.
        image_file: File of the image.
        label_map: File of the label map, None where there is none.
        palette: Which labels there may be.
        scale: Factor on height and width; images are averaged, labels are picked.
        rule: How the pixels of the label map become class indices.
        pixels: How those of the image become channels.

    Raises:
        InputError: A file cannot be used, or the label map has another size than the image or is the
            image.
    """
    if label_map is not None and image_file.resolve() == label_map.resolve():
        raise InputError(f"{image_file} is both the image and its label map; give two files.")
    rgb = read_image(image_file, pixels)
    image = scaled_image(rgb, scale)
    labels = None
    if label_map is not None:
        found = read_label_map(label_map, palette, rule=rule)
        height, width = rgb.shape[:2]
        if found.shape != (height, width):
            turned = found.shape == (width, height)
            raise InputError(
                f"label map {label_map} is {found.shape[1]}x{found.shape[0]} pixels but its picture "
                f"{image_file.name} is {width}x{height}; give both the same size"
                + (" (the image may be turned by its EXIF data)" if turned else "")
            )
        rows, columns = image.shape[1:]
        labels = torch.from_numpy(resized_labels(found, rows, columns).astype(np.int64))
    return Sample(name, image, labels)


def scaled_image(rgb: Array, scale: float = 1.0) -> Tensor:
    """Turn pixels into the image of a sample.

    Args:
        rgb: uint8 of shape (h, w, channels).
        scale: Factor on height and width; pixels are averaged where it is below 1.

    Returns:
        float32 in [0, 1] of shape (channels, rows, columns).
    """
    height, width, channels = rgb.shape
    rows, columns = max(round(height * scale), 1), max(round(width * scale), 1)
    rgb = resized_picture(rgb, rows, columns).reshape(rows, columns, channels)
    image = torch.from_numpy(rgb).permute(2, 0, 1).to(torch.float32).div_(255)
    return image.contiguous()


def check_scale(scale: float) -> None:
    """Refuse a factor that is not a positive number."""
    if not 0 < scale < math.inf:
        raise InputError(f"scale is {scale}; expected a factor above 0, for example 0.5")


def _read(path: Path, what: str) -> bytes:
    if not path.is_file():
        raise InputError(f"{what} {path} does not exist; check the path")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(
            f"{what} {path} cannot be read ({error.strerror or error})"
        ) from error


def _load(data: bytes, what: str, where: Path | str) -> Image.Image:
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            opened.load()
            return opened
    except UnidentifiedImageError as error:
        raise UnreadableError(
            f"{what}{where} cannot be read: it {_kind(data)}; expected {', '.join(FORMATS[:-1])} "
            f"or {FORMATS[-1]}, whatever the file is called"
        ) from error
    except Exception as error:  # in damaged files, Pillow's parsers raise whatever they stumble on
        raise UnreadableError(
            f"{what}{where} cannot be read ({error}); replace the file or leave it out"
        ) from error


def _kind(data: bytes) -> str:
    """What a file is that is none of `FORMATS`, for a sentence about it."""
    if not data:
        return "is empty"
    if data.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS (run `git lfs pull`)"
    if data[4:8] == b"ftyp":
        return f"is a file of kind {data[8:12].decode('latin-1').strip()!r} (HEIC, AVIF or a video)"
    if b"<svg" in data[:1000]:
        return "is an SVG drawing"
    return "is damaged, or of a format that is not read"


@dataclass(frozen=True)
class _Layout:
    """What the header of a file says about its pixels; Pillow cuts bits and bands and says nothing.

    Attributes:
        tiff: Whether it is a TIFF file.
        bits: Bits of a channel.
        bands: Channels of a pixel.
        colours: Whether it says what its first bands are; grey says nothing about further ones.
        simple: OpenCV reads it rightly: grey or RGB, channels of a pixel together, not turned.
    """

    tiff: bool = False
    bits: int = 8
    bands: int = 3
    colours: bool = True
    simple: bool = True

    @classmethod
    def of(cls, data: bytes) -> "_Layout":
        if data.startswith(b"\x89PNG") and len(data) > 25:
            return cls(bits=data[24], bands={0: 1, 4: 2, 6: 4}.get(data[25], 3))
        if data[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return cls()
        try:
            file = BytesIO(data)
            tags = ImageFileDirectory_v2(file.read(16 if b"+" in data[2:4] else 8))
            file.seek(tags.next)
            tags.load(file)
            bands, meaning = int(tags.get(277, 1)), tags.get(262, 2)
            simple = (bands, meaning) in ((1, 1), (3, 2))
            simple = simple and tags.get(284, 1) == 1 and tags.get(274, 1) == 1
            bits = int(max(tags.get(258, (1,))))
            return cls(True, bits, bands, bands == 1 or meaning > 1, simple)
        except Exception:  # as in `_load`, which will say what is wrong
            return cls(True)

    def is_cut_by_pillow(self, channels: int) -> bool:
        """Whether Pillow would return fewer bits or bands, or does not read such files."""
        if self.bits > 8:
            return self.tiff or self.bands > 1
        further = self.bands > 3 and channels not in (1, 3)
        return self.tiff and (further or not self.colours)


def _all_bands(data: bytes, file: _Layout, where: Path | str) -> npt.NDArray[Any]:
    """All bits and bands of a PNG or TIFF file: (h, w, bands)."""
    if file.simple:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error:
            pixels = None
        if pixels is None:
            raise UnreadableError(f"image {where} cannot be read; replace the file or leave it out")
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        order = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[pixels.shape[2]]
        return np.asarray(pixels[..., order])
    try:
        import tifffile
    except ImportError as error:
        raise InputError(
            f"image {where} has {file.bands} bands of {file.bits} bits, which tifffile reads: "
            "pip install tifffile"
        ) from error
    try:
        with tifffile.TiffFile(BytesIO(data)) as tiff:
            page: Any = tiff.pages[0]
            if len(tiff.pages) > 1:
                _say(FRAMES, where)
            if page.photometric == 0:
                raise ValueError("0 is white in it")
            if page.tags.valueof(274, 1) != 1:
                raise ValueError("its orientation tag asks to turn it")
            pixels = np.atleast_3d(page.asarray())
            if not pixels.size:
                raise ValueError("it has no pixels")
            return np.moveaxis(pixels, 0, 2) if page.axes == "SYX" else pixels
    except Exception as error:  # as in `_load`
        raise UnreadableError(
            f"image {where} cannot be read ({error}); convert it, to PNG for example"
        ) from error


def _by_pillow(opened: Image.Image, file: _Layout, where: Path | str, channels: int) -> Any:
    """Pixels as Pillow decodes them: (h, w, bands), uint8 or with more bits."""
    try:
        if opened.format != "MPO" and getattr(opened, "n_frames", 1) > 1:  # MPO: photo and preview
            _say(FRAMES, where)
        upright = _upright(opened, where)
        if upright.mode.startswith(("I", "F")):
            return np.array(upright)[..., None]
        if channels not in (1, 3):
            return np.atleast_3d(np.array(upright))
        if "A" in upright.getbands() or "transparency" in upright.info:
            if upright.convert("RGBA").getchannel("A").getextrema() != (255, 255):
                _say(ALPHA, where)
        elif file.bands > 3 and upright.mode == "RGB":
            _say(BANDS, where)
        return np.array(upright.convert("RGB"))
    except Exception as error:  # as in `_load`
        raise UnreadableError(
            f"image {where} cannot be converted to RGB ({error}); convert it, to PNG for example"
        ) from error


def _upright(opened: Image.Image, where: Path | str) -> Image.Image:
    """The image turned as its EXIF data say; Pillow turns TIFF files itself."""
    try:
        turn = TURNS.get(opened.getexif().get(ORIENTATION, 1))
    except Exception:  # the data may be anything, and the pixels are good
        _say(EXIF, where)
        return opened
    return opened if turn is None else opened.transpose(turn)


def _as_8_bits(values: npt.NDArray[Any], where: Path | str, white: float | None) -> Array:
    if white is None:
        raise InputError(
            f"image {where} has more than 8 bits a channel ({values.dtype}, largest value "
            f"{values.max():g}); say which value is white with --white (in Python `ImageRule.white`), "
            "such as 65535, or 2047 for 11 bits, or save it with 8 bits"
        )
    scaled = values.astype(np.float64) / white
    if not np.isfinite(scaled).all():
        raise InputError(f"image {where} holds NaN or infinite values; replace or fill them")
    if scaled.min() < 0 or scaled.max() > 1:
        _say(CLIPPED, where)
    return np.asarray(np.rint(scaled.clip(0, 1) * 255), dtype=np.uint8)


def _say(what: str, where: Path | str) -> None:
    warnings.warn(InputWarning(what, where), stacklevel=2)


# their names until 0.1
PICTURE_SUFFIXES = IMAGE_SUFFIXES
read_picture = read_image
decode_picture = decode_image
