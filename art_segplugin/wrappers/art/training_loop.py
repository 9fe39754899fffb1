"""Epochs and batches, as `fit` of an estimator and of a trainer go through them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from art.data_generators import DataGenerator
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from tqdm.auto import trange

from art_segplugin.errors import InputError
from art_segplugin.wrappers.art.arrays import Data

Batches = Callable[[], Iterator[tuple[Data, Data]]]
"""Begins one pass over the data: images and labels, batch by batch."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the data.

    Attributes:
        number: From 1.
        batches: To be gone through once.
        bar: The progress bar.
    """

    number: int
    batches: Iterator[tuple[Data, Data]]
    bar: Any


def shuffled(x: Data, y: Data, batch_size: int, *, drop_last: bool = False) -> Batches:
    """Images and labels in another order each time, which torch's global generator draws.

    Raises:
        InputError: Images and labels differ in number, or no batch is left.
    """
    if len(x) != len(y):
        raise InputError(
            f"there are labels for {len(y)} images and {len(x)} images; give one each."
        )
    count = len(x) // batch_size * batch_size if drop_last else len(x)
    if count == 0:
        raise InputError(
            f"there are {len(x)} images and so no batch of {batch_size} to learn from; give more, or "
            "leave drop_last out."
        )

    def batches() -> Iterator[tuple[Data, Data]]:
        order = torch.randperm(len(x)).numpy()
        for start in range(0, count, batch_size):
            chosen = order[start : min(start + batch_size, count)]
            yield x[chosen], y[chosen]

    return batches


def generated(generator: DataGenerator) -> Batches:
    """What a generator gives, size / batch_size batches of it, rounded up.

    Raises:
        InputError: It is no generator of ART, or one of unknown size or of no images.
    """
    if not isinstance(generator, DataGenerator) or not generator.size:
        raise InputError(
            f"generator is {generator!r}; give a DataGenerator of ART with a known size above 0."
        )
    count = math.ceil(generator.size / generator.batch_size)
    return lambda: (generator.get_batch() for _ in range(count))


def epochs(
    batches: Batches,
    nb_epochs: int,
    scheduler: LRScheduler | None,
    *,
    replays: int = 1,
    verbose: bool = False,
    description: str = "Epochs",
) -> Iterator[Epoch]:
    """Go through the data, and let the scheduler go on after each time.

    Args:
        batches: The data.
        nb_epochs: How often each image is to be learnt from.
        scheduler: Stepped `nb_epochs` times in all.
        replays: How often the consumer uses each batch; the data are gone through as many times less,
            rounded up.
        verbose: Show a progress bar.
        description: What it is called.
    """
    with trange(math.ceil(nb_epochs / replays), disable=not verbose, desc=description) as bar:
        for done in bar:
            yield Epoch(done + 1, batches(), bar)
            if scheduler is not None:
                for _ in range(done * replays, min((done + 1) * replays, nb_epochs)):
                    scheduler.step()


def optimizer_of(estimator: Any, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of an estimator.

    Args:
        estimator: Any of ART's for PyTorch.
        model: Its model.

    Raises:
        InputError: It has none, or one of other weights.
    """
    optimizer: torch.optim.Optimizer | None = estimator.optimizer
    if optimizer is None:
        raise InputError(
            f"the estimator has no optimizer; give one to {type(estimator).__name__} to train."
        )
    if not any(holds(optimizer, parameter) for parameter in model.parameters()):
        raise InputError(
            "the optimizer holds no weight of the model; give one that is made of "
            "model.parameters(), also after set_params(model=...)."
        )
    return optimizer


def holds(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> bool:
    """Whether a parameter is one of those that the optimizer updates."""
    return any(each is parameter for group in optimizer.param_groups for each in group["params"])
