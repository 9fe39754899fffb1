"""A painted region as a value: it compares, is undone and is saved like any other choice."""

import base64
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""Which pixels are painted, bool (h, w)."""

LARGEST = 2**28
"""Pixels of a picture; one has to be that large for a file to take so much memory."""
LEVEL = 1
KEPT = 8


@dataclass(frozen=True)
class Painted:
    """Pixels of a picture of one size, one or more. Equal regions are equal values.

    Attributes:
        height: of the picture, in pixels.
        width: of it.
        packed: one bit a pixel, row by row, compressed: a state in the undo list takes no more.
    """

    height: int
    width: int
    packed: bytes

    @classmethod
    def of(cls, mask: Mask) -> Self:
        """The region of a mask, bool (h, w)."""
        return cls(mask.shape[0], mask.shape[1], zlib.compress(np.packbits(mask).tobytes(), LEVEL))

    @classmethod
    def from_tree(cls, tree: Any) -> Self:
        """What `tree` gave.

        Raises:
            ValueError: it is no region, holds fewer or more pixels than it says, or none is painted.
            KeyError, TypeError: something is missing or of another kind.
        """
        if unknown := set(tree) - {"height", "width", "bits"}:
            raise ValueError(f"{unknown.pop()} is no part of a painted region")
        height, width = tree["height"], tree["width"]
        for side in (height, width):
            if type(side) is not int or not 1 <= side <= LARGEST:
                raise ValueError(f"a side of the painted region is {side!r}")
        if height * width > LARGEST:
            raise ValueError(f"the painted region is of {width} x {height} pixels")
        bits = _unpacked(base64.b64decode(tree["bits"], validate=True), -(-height * width // 8))
        spare = -height * width % 8
        if bits[-1] & ((1 << spare) - 1) or bits.count(0) == len(bits):
            raise ValueError("the painted region has pixels outside the picture, or none")
        return cls(height, width, zlib.compress(bits, LEVEL))

    @property
    def tree(self) -> dict[str, Any]:
        """Itself as JSON can hold it."""
        bits = base64.b64encode(self.packed).decode("ascii")
        return {"height": self.height, "width": self.width, "bits": bits}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.height, self.width

    @property
    def mask(self) -> Mask:
        """The region, bool (h, w), read-only; the same array each time while it is in use."""
        return _mask(self)


def _unpacked(packed: bytes, length: int) -> bytes:
    """Exactly so many bytes; of a file that would unpack to more, no more are unpacked."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(packed, length + 1)
    except zlib.error as error:
        raise ValueError(f"the painted region is damaged: {error}") from error
    if len(found) != length or not unpacking.eof or unpacking.unused_data:
        raise ValueError("the painted region is not of the size that it says")
    return found


@lru_cache(maxsize=KEPT)
def _mask(painted: Painted) -> Mask:
    bits = np.frombuffer(zlib.decompress(painted.packed), np.uint8)
    count = painted.height * painted.width
    mask = np.unpackbits(bits, count=count).reshape(painted.height, painted.width).view(np.bool_)
    mask.setflags(write=False)
    return mask
