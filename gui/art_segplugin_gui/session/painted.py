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

LARGEST_SIDE = 2**15
KEPT = 8


@dataclass(frozen=True)
class Painted:
    """Pixels of a picture of one size. Equal regions are equal values.

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
        return cls(mask.shape[0], mask.shape[1], zlib.compress(np.packbits(mask).tobytes(), 1))

    @classmethod
    def from_tree(cls, tree: Any) -> Self:
        """What `tree` gave.

        Raises:
            ValueError: it is no region, or holds fewer or more pixels than it says.
            KeyError, TypeError: something is missing or of another kind.
        """
        height, width = tree["height"], tree["width"]
        for side in (height, width):
            if type(side) is not int or not 1 <= side <= LARGEST_SIDE:
                raise ValueError(f"a side of the painted region is {side!r}")
        bytes_of_bits = -(-height * width // 8)
        unpacking = zlib.decompressobj()
        try:
            packed = base64.b64decode(tree["bits"], validate=True)
            bits = unpacking.decompress(packed, bytes_of_bits + 1)  # a bomb goes off no further
        except zlib.error as error:
            raise ValueError(f"the painted region is damaged: {error}") from error
        if len(bits) != bytes_of_bits:
            raise ValueError(f"the painted region is not of {width} x {height} pixels")
        unpacked = np.unpackbits(np.frombuffer(bits, np.uint8), count=height * width)
        return cls.of(unpacked.reshape(height, width).astype(bool))

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


@lru_cache(maxsize=KEPT)
def _mask(painted: Painted) -> Mask:
    bits = np.frombuffer(zlib.decompress(painted.packed), np.uint8)
    count = painted.height * painted.width
    mask = np.unpackbits(bits, count=count).reshape(painted.height, painted.width).view(np.bool_)
    mask.setflags(write=False)
    return mask
