"""From labelled samples to batches that depend on the seed and the step alone."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from art_segplugin.data.sample import Dataset
from art_segplugin.errors import InputError
from art_segplugin.training.augment import augment
from art_segplugin.training.options import TrainingOptions


def derived_seed(*keys: int | str) -> int:
    """Return a seed in [0, 2^56) that depends on all keys and on nothing else.

    A run that goes on after a crash thereby draws what the unbroken run would have drawn, without
    any saved generator state.
    """
    digest = hashlib.blake2b(repr(keys).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big")


def derived_generator(*keys: int | str) -> torch.Generator:
    """Return a CPU generator seeded by `derived_seed`."""
    return torch.Generator().manual_seed(derived_seed(*keys))


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
        if self._options.crop is not None:
            return self._options.crop
        height, width = self._samples[0].image.shape[-2:]
        return height, width

    def _index(self, position: int) -> int:
        """Return the sample at one position of the endless sequence of shuffled epochs."""
        count = len(self._samples)
        epoch, place = divmod(position, count)
        if self._order[0] != epoch:
            generator = derived_generator(self._options.seed, "order", epoch)
            self._order = (epoch, torch.randperm(count, generator=generator).tolist())
        return self._order[1][place]


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
