"""All samples once, in their order and at their own size."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

import torch

from art_segplugin.training.batches import Batch
from art_segplugin.training.cache import CachedSample, SampleCache


def ordered_batches(
    samples: SampleCache, maker: Executor, batch_size: int, indices: Sequence[int] | None = None
) -> Iterator[Batch]:
    """Give images (n, 3, h, w) float32 in [0, 1] and labels int64; a batch has images of one size.

    Args:
        samples: Labelled samples.
        maker: Executor on whose thread samples are made, one ahead.
        batch_size: Largest n.
        indices: Which of them, in this order; None for all.
    """
    indices = range(len(samples)) if indices is None else indices
    if not indices:
        return
    waiting: list[CachedSample] = []
    ahead = maker.submit(samples.__getitem__, indices[0])
    for following in [*indices[1:], None]:
        sample = ahead.result()
        if following is not None:
            ahead = maker.submit(samples.__getitem__, following)
        other_size = waiting and sample.image.shape != waiting[0].image.shape
        if len(waiting) == batch_size or other_size:
            yield _stacked(waiting)
            waiting = []
        waiting.append(sample)
    yield _stacked(waiting)


def _stacked(samples: list[CachedSample]) -> Batch:
    images, labels = zip(*samples, strict=True)
    return torch.stack(images).float().div_(255), torch.stack(labels).long()
