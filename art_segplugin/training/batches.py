"""Training batches that depend on the seed and the step alone."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from functools import cached_property

import torch
from torch import Tensor

from art_segplugin.training.augment import augment
from art_segplugin.training.cache import SampleCache
from art_segplugin.training.options import TrainingOptions
from art_segplugin.training.randomness import derived_generator

Batch = tuple[Tensor, Tensor]


class BatchMaker:
    """Draws and augments the batch of any step.

    Args:
        samples: Where the images come from.
        options: Batch size, crop, augmentation and seed.
        repeats: Steps for which a batch is kept.
        rank: Number of this process; the processes of a run share the images of a step.
        world: How many processes there are.
    """

    def __init__(
        self,
        samples: SampleCache,
        options: TrainingOptions,
        *,
        repeats: int = 1,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._samples = samples
        self._options = options
        self._repeats = repeats
        self._world = world
        self.places = range(rank * options.batch_size, (rank + 1) * options.batch_size)
        self._order: tuple[int, list[int]] = (-1, [])
        self._made: tuple[int, Batch] | None = None

    def batch(self, step: int) -> Batch:
        """Return images (n, 3, h, w) float32 in [0, 1] and labels (n, h, w) int64 of one step."""
        options = self._options
        number = step // self._repeats
        if self._made is not None and self._made[0] == number:
            return self._made[1]
        before = number * self._world * options.batch_size
        views = []
        for position in (before + place for place in self.places):
            sample = self._samples[self._index(position)]
            views.append(
                augment(
                    sample.image,
                    sample.labels,
                    crop=self._crop,
                    scale=options.scale,
                    flip=options.flip,
                    jitter=options.jitter,
                    ignore_index=self._samples.dataset.palette.ignore_index,
                    generator=derived_generator(options.seed, "augment", position),
                )
            )
        images, labels = zip(*views, strict=True)
        batch = torch.stack(images), torch.stack(labels)
        if self._repeats > 1:
            self._made = number, batch
        return batch

    def batches(self, first: int, executor: Executor) -> Iterator[Batch]:
        """Give the batches from step ``first`` on, prepared ahead by the executor."""
        ahead: deque[Future[Batch]] = deque()
        for step in range(first, self._options.steps):
            while len(ahead) <= self._options.workers and step + len(ahead) < self._options.steps:
                ahead.append(executor.submit(self.batch, step + len(ahead)))
            yield ahead.popleft().result()

    @cached_property
    def _crop(self) -> tuple[int, int]:
        return self._options.crop or _size(self._samples[0].image)

    def _index(self, position: int) -> int:
        """Return the sample at one position of the endless sequence of shuffled epochs."""
        count = len(self._samples)
        epoch, place = divmod(position, count)
        if self._order[0] != epoch:
            generator = derived_generator(self._options.seed, "order", epoch)
            self._order = (epoch, torch.randperm(count, generator=generator).tolist())
        return self._order[1][place]


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-2], image.shape[-1]
