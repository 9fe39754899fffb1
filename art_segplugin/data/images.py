"""Reading images and label maps from files, with one clear sentence for whatever is wrong."""

import contextlib
import math
from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor

from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule, distinct
from art_segplugin.data.palettes import Palette
from art_segplugin.data.resampling import resized_labels, resized_picture
from art_segplugin.data.sample import Sample
from art_segplugin.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""What Pillow may take a file for, whatever it is called: for PostScript it would start Ghostscript."""
INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B")
"""Pillow's names for images with one integer a pixel."""

Array = npt.NDArray[np.uint8]


def read_image(path: Path) -> Array:
    """Read an image, turned upright as its camera noted.

    Args:
        path: File in one of the formats of `IMAGE_SUFFIXES`.

    Returns:
        RGB, uint8 of shape (h, w, 3).

    Raises:
        InputError: The file is missing, corrupt, or has more than 8 bits a channel.
    """
    return _rgb(_open(path, "picture"), path)


def decode_image(data: bytes, where: str) -> Array:
    """Decode an image that is not a file of its own; as `read_image`.

    Args:
        data: Contents of a file in one of the formats of `IMAGE_SUFFIXES`.
        where: Its name in messages.

    Returns:
        RGB, uint8 of shape (h, w, 3).

    Raises:
        InputError: It is corrupt, or has more than 8 bits a channel.
    """
    return _rgb(_load(BytesIO(data), "picture", where), where)


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
    opened = _open(path, "label map")
    if opened.format == "JPEG" or _is_lossy_webp(path):
        raise InputError(
            f"{where} is a {opened.format} file, which changes labels where it saves space; save it "
            "as PNG."
        )
    if opened.mode in INDEX_MODES:
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


def settled_rule(rule: LabelRule, label_maps: Iterable[Path]) -> LabelRule:
    """Return a rule by which 255 is void, where one of the label maps holds a class besides 0.

    Masks of 0 and 255 alone leave open what 255 is, see `UnsettledMaskError`; those beside them can
    tell. Where none does, the rule stays as it is.
    """
    for path in label_maps:
        with contextlib.suppress(InputError):  # said where it is read to be used
            pixels, _ = label_pixels(path)
            if {*distinct(pixels)} - {0, 255}:
                return replace(rule, mapping=(*rule.mapping, (255, None)))
    return rule


def _label_array(path: Path, where: str) -> npt.NDArray[Any]:
    try:
        pixels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{where} cannot be read ({error}); replace it or leave it out."
        ) from error
    shape = getattr(pixels, "shape", ())
    if len(shape) == 3 and 1 in (shape[0], shape[-1]):
        pixels = pixels[0] if shape[0] == 1 else pixels[..., 0]
    if len(getattr(pixels, "shape", ())) != 2 or pixels.dtype.kind not in "biu":
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        raise InputError(
            f"{where} is an array of {kind} and shape {shape}; expected integers of shape "
            "(height, width)."
        )
    return np.asarray(pixels)


def _is_lossy_webp(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return head[:4] == b"RIFF" and head[8:] == b"WEBPVP8 "


def load_sample(
    name: str,
    image_file: Path,
    label_map: Path | None,
    palette: Palette,
    scale: float = 1.0,
    rule: LabelRule = INDICES_OR_COLOURS,
) -> Sample:
    """Read an image and its label map, scaled.

    Args:
        name: Name of the sample.
        image_file: File of the image.
        label_map: File of the label map, None where there is none.
        palette: Which labels there may be.
        scale: Factor on height and width; images are averaged, labels are picked.
        rule: How the pixels of the label map become class indices.

    Raises:
        InputError: A file cannot be used, or the label map has another size than the image or is the
            image.
    """
    if label_map is not None and image_file.resolve() == label_map.resolve():
        raise InputError(f"{image_file} is both the image and its label map; give two files.")
    rgb = read_image(image_file)
    image = scaled_image(rgb, scale)
    labels = None
    if label_map is not None:
        found = read_label_map(label_map, palette, rule=rule)
        height, width = rgb.shape[:2]
        if found.shape != (height, width):
            raise InputError(
                f"label map {label_map} is {found.shape[1]}x{found.shape[0]} pixels but its picture "
                f"{image_file.name} is {width}x{height}; give both the same size"
            )
        rows, columns = image.shape[1:]
        labels = torch.from_numpy(resized_labels(found, rows, columns).astype(np.int64))
    return Sample(name, image, labels)


def scaled_image(rgb: Array, scale: float = 1.0) -> Tensor:
    """Turn pixels into the image of a sample.

    Args:
        rgb: uint8 of shape (h, w, 3).
        scale: Factor on height and width; pixels are averaged where it is below 1.

    Returns:
        float32 in [0, 1] of shape (3, rows, columns).
    """
    height, width = rgb.shape[:2]
    rgb = resized_picture(rgb, max(round(height * scale), 1), max(round(width * scale), 1))
    image = torch.from_numpy(rgb).permute(2, 0, 1).to(torch.float32).div_(255)
    return image.contiguous()


def check_scale(scale: float) -> None:
    """Refuse a factor that is not a positive number."""
    if not 0 < scale < math.inf:
        raise InputError(f"scale is {scale}; expected a factor above 0, for example 0.5")


def _open(path: Path, what: str) -> Image.Image:
    if not path.is_file():
        raise InputError(f"{what} {path} does not exist; check the path")
    return _load(path, what, path)


def _load(source: Path | BytesIO, what: str, where: Path | str) -> Image.Image:
    try:
        with Image.open(source, formats=FORMATS) as opened:
            opened.load()
            return opened
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{what} {where} cannot be read ({error}); replace the file or leave it out"
        ) from error


def _rgb(opened: Image.Image, where: Path | str) -> Array:
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith(("I", "F")):
        raise InputError(
            f"picture {where} has more than 8 bits a channel (mode {upright.mode}); "
            "save it with 8 bits"
        )
    return np.array(upright.convert("RGB"))


# their names until 0.1
PICTURE_SUFFIXES = IMAGE_SUFFIXES
read_picture = read_image
decode_picture = decode_image
