"""Samples of a data set, in batches of equal size on one device."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.data.sample import Dataset, Sample


@dataclass(frozen=True, eq=False)
class Batch:
    """Consecutive samples.

    Attributes:
        first: index of the first sample in the data set.
        names: one an image.
        images: float32 (n, 3, h, w) in [0, 1].
        labels: int64 (n, h, w), or (n, 1, 1) for whole images; None where any of the samples has
            none.
        regions: boolean maps of the shape of the labels, by name, whose pixels are also counted by
            themselves; None where pixels are not counted by class at all.
    """

    first: int
    names: list[str]
    images: Tensor
    labels: Tensor | None
    regions: dict[str, Tensor] | None = None


def batches(data: Dataset, batch_size: int, device: torch.device | str) -> Iterator[Batch]:
    """All samples in order; a batch ends early where the size of the images changes."""
    waiting: list[Sample] = []
    for index in range(len(data)):
        sample = data[index]
        if waiting and (len(waiting) == batch_size or not _alike(waiting[0], sample)):
            yield _stack(waiting, index - len(waiting), device)
            waiting = []
        waiting.append(sample)
    if waiting:
        yield _stack(waiting, len(data) - len(waiting), device)


def _alike(one: Sample, other: Sample) -> bool:
    return one.image.shape == other.image.shape and (one.labels is None) == (other.labels is None)


def _stack(samples: list[Sample], first: int, device: torch.device | str) -> Batch:
    maps = [sample.labels for sample in samples if sample.labels is not None]
    return Batch(
        first,
        [sample.name for sample in samples],
        torch.stack([sample.image for sample in samples]).to(device),
        torch.stack(maps).to(device) if maps else None,
    )
