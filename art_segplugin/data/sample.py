"""What every data set gives: samples, and the palette that names their labels."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from art_segplugin.data.palettes import Palette


@dataclass(frozen=True, eq=False)
class Sample:
    """One image, with its label map where there is one.

    Attributes:
        name: Name for files and messages, without a suffix.
        image: float32 in [0, 1] of shape (channels, h, w); three channels are RGB.
        labels: int64: class indices or the palette's `ignore_index`, of shape (h, w), or (1, 1)
            where the image as a whole has a class; or None.
    """

    name: str
    image: Tensor
    labels: Tensor | None

    def __post_init__(self) -> None:
        """Refuse shapes and types that the rest of the library does not expect."""
        if self.image.dtype != torch.float32 or self.image.ndim != 3:
            raise ValueError(
                f"the image of sample {self.name!r} is {self.image.dtype} of shape "
                f"{tuple(self.image.shape)}; expected float32 of shape (channels, height, width)"
            )
        if self.labels is None:
            return
        sizes = (self.image.shape[1:], (1, 1))
        if self.labels.dtype != torch.int64 or self.labels.shape not in sizes:
            raise ValueError(
                f"the labels of sample {self.name!r} are {self.labels.dtype} of shape "
                f"{tuple(self.labels.shape)}; expected int64 of shape {tuple(self.image.shape[1:])}, or "
                "(1, 1) for one class"
            )


class Dataset(Protocol):
    """Samples by position; an `IndexError` past the end makes plain iteration work."""

    @property
    def palette(self) -> Palette:
        """Names and colours of the classes."""
        ...

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, index: int, /) -> Sample:
        """Return one sample; raise IndexError past the end."""
        ...
