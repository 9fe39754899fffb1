"""Pictures and masks in files that give back every value, with their sha256."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from art_segplugin.errors import InputError
from art_segplugin.files import file_sha256

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class FileRef:
    """A file beside the one that names it.

    Attributes:
        name: without a folder.
        sha256: of its contents, in hexadecimal.
    """

    name: str
    sha256: str

    def path(self, folder: Path) -> Path:
        """Where it is, once its contents were compared.

        Raises:
            InputError: it is not there, holds something else, or is not in that folder.
        """
        if Path(self.name).name != self.name:
            raise InputError(f"file {self.name!r} is not in the folder of the file that names it.")
        path = folder / self.name
        if not path.is_file():
            raise InputError(f"{path} is missing; keep the files of an export together.")
        if file_sha256(path) != self.sha256:
            raise InputError(f"{path} was changed since it was written; export once more.")
        return path


def png(pixels: Pixels) -> bytes:
    """RGB (h, w, 3) or one value a pixel (h, w), uint8, as a PNG file."""
    data = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(data, "PNG")
    return data.getvalue()


def read_png(path: Path, channels: int) -> Pixels:
    """What `png` wrote.

    Args:
        path: the file.
        channels: 3 for RGB (h, w, 3), 1 for (h, w).

    Raises:
        InputError: it cannot be read.
    """
    try:
        with Image.open(path, formats=["PNG"]) as opened:
            return np.array(opened.convert("RGB" if channels == 3 else "L"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read ({error}); export once more.") from error


def pixel_sha256(pixels: Pixels) -> str:
    """The sha256 of the shape and values of an array, whatever file it came from."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()
