"""Labelled samples kept in memory as 8-bit values."""

from typing import NamedTuple

import torch
from torch import Tensor

from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError


class CachedSample(NamedTuple):
    """One sample in a quarter of its memory.

    Attributes:
        image: RGB, uint8 of shape (3, h, w).
        labels: Classes or ignore_index, int16 of shape (h, w).
    """

    image: Tensor
    labels: Tensor


class SampleCache:
    """Makes each sample of a data set once, as far as memory allows, and checks its labels.

    Args:
        dataset: Samples with labels.
        limit: Bytes to keep at most; samples beyond it are made anew each time.
    """

    def __init__(self, dataset: Dataset, limit: int) -> None:
        self.dataset = dataset
        self._free = limit
        self._samples: dict[int, CachedSample] = {}

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> CachedSample:
        """Return one sample.

        Raises:
            InputError: It has no labels, or labels that the palette does not know.
        """
        if index in self._samples:
            return self._samples[index]
        sample = self.dataset[index]
        if sample.labels is None:
            raise InputError(f"sample {sample.name!r} has no labels; training needs them.")
        palette = self.dataset.palette
        known = (sample.labels >= 0) & (sample.labels < len(palette.classes))
        strange = sample.labels[~known & (sample.labels != palette.ignore_index)]
        if strange.numel():
            raise InputError(
                f"the labels of sample {sample.name!r} hold {strange[0].item()}; expected 0 to "
                f"{len(palette.classes) - 1}, or {palette.ignore_index} for void."
            )
        image = sample.image.mul(255).round_().to(torch.uint8)
        cached = CachedSample(image, sample.labels.to(torch.int16))
        size = image.nbytes + cached.labels.nbytes
        if size <= self._free:
            self._free -= size
            self._samples[index] = cached
        return cached

    def check_labelled(self) -> None:
        """Look for a pixel that has a class, usually in the first sample.

        Raises:
            InputError: There is none.
        """
        void = self.dataset.palette.ignore_index
        if all(bool((self[index].labels == void).all()) for index in range(len(self))):
            raise InputError(
                f"the training data hold void pixels ({void}) only; learning needs labelled ones."
            )
