"""What an attack is given, once it is checked, and the two ways of giving it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from art_segplugin.core.checks import (
    check_range,
    check_shapes,
    check_start,
    check_unit,
    largest_label,
    warn_of_scale,
)
from art_segplugin.core.iterate import Iterate, Model, warn_without_gradient
from art_segplugin.core.threat_model import RandomSource, ThreatModel
from art_segplugin.core.types import ImageMask, Images, Labels, PixelMask
from art_segplugin.core.void import void_doubt
from art_segplugin.errors import InputError, warn


@dataclass(frozen=True, eq=False)
class Task:
    """A model and a batch to attack.

    Attributes:
        model: images -> logits.
        images: (n, ch, h, w), without a graph.
        labels: class indices, int64, of the size of the images or (n, 1, 1); void pixels hold 0.
        valid: False on void pixels, or void images where there is one label per image.
        classes: the classes that the labels need: 1 + the largest label.
        mask: pixels that may change; None for all.
        start: first point of every restart, finite; None for what the attack chooses.
        random: source of the random starts: one for the batch, or one per image.
        keep_logits: iterates come with the logits; else these are freed before the gradient goes
            through the model, which takes the most memory.
    """

    model: Model
    images: Images
    labels: Labels
    valid: PixelMask
    classes: int
    mask: ImageMask | None
    start: Images | None
    random: RandomSource
    keep_logits: bool = True

    @classmethod
    def checked(
        cls,
        model: Model,
        images: Tensor,
        labels: Tensor,
        mask: Tensor | None,
        start: Tensor | None,
        random: RandomSource,
        bounds: tuple[float, float],
        ignore_index: int,
    ) -> "Task":
        """Read values back from the device to check them: here, and nowhere in an attack.

        In labels of whole images an `ignore_index` >= 0 is a class like any other: 255 is one of
        ImageNet's, and the usual mark of void pixels. A negative one still marks void images. Images
        of a single pixel have label maps.

        Raises:
            InputError: shapes, dtypes or values that do not fit together.
        """
        images, labels = _usable(images).detach(), _usable(labels).long()  # 8 bits would wrap -100
        mask = None if mask is None else _usable(mask)
        start = None if start is None else _usable(start)
        one_each = labels.shape[1:] == (1, 1) != images.shape[2:]
        valid = torch.ones_like(labels, dtype=torch.bool)
        if not one_each or ignore_index < 0:
            valid = labels != ignore_index
        if not bool(valid.all()):
            labels = labels.masked_fill(~valid, 0)
        check_range(images, bounds)
        check_start(start)
        classes = largest_label(labels) + 1
        return cls(model, images, labels, valid, classes, mask, start, random)

    def part(self, places: Sequence[int]) -> "Task":
        """The task of some of the images, each of which keeps its source of random starts.

        Args:
            places: their places in the batch.
        """
        index, random = torch.tensor(places, device=self.images.device), self.random
        if random is not None and not isinstance(random, torch.Generator):
            random = tuple(random[place] for place in places)
        return replace(
            self,
            images=self.images[index],
            labels=self.labels[index],
            valid=self.valid[index],
            mask=None if self.mask is None else self.mask[index],
            start=None if self.start is None else self.start[index],
            random=random,
        )


def _usable(values: Tensor) -> Tensor:
    """A copy of what was made in inference mode, which no gradient can go through; else itself."""
    return values.clone() if values.is_inference() else values


def random_source(
    images: Tensor, generator: torch.Generator | None, seeds: Sequence[int] | None
) -> RandomSource:
    """Where the random starts come from.

    Args:
        images: (n, ch, h, w), whose device the generators are on.
        generator: one for the whole batch; None for torch's own.
        seeds: one an image, each of which seeds a generator of its own. An image then starts where
            it does alone, whatever else is in the batch.

    Raises:
        InputError: both, another number of seeds than of images, or a seed that is no whole number.
    """
    if seeds is None:
        return generator
    if generator is not None:
        raise InputError("generator and seeds are given; give one of them.")
    seeds = tuple(seeds)
    if len(seeds) != len(images):
        raise InputError(f"there are {len(seeds)} seeds for {len(images)} images; give one each.")
    try:
        return tuple(torch.Generator(images.device).manual_seed(seed) for seed in seeds)
    except (TypeError, RuntimeError, ValueError, OverflowError) as error:
        raise InputError(f"seeds are {seeds!r:.80}; give whole numbers of 64 bits.") from error


class TaskAttack(ABC):
    """An attack that is called with a batch, checks it once and then runs."""

    if TYPE_CHECKING:  # fields of the one subclass, properties of the other

        @property
        def threat_model(self) -> ThreatModel:
            """What may be changed."""

        @property
        def ignore_index(self) -> int:
            """Label of void pixels."""

    @abstractmethod
    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""

    def __call__(
        self,
        model: Model,
        images: Images,
        labels: Labels,
        *,
        mask: ImageMask | None = None,
        start: Images | None = None,
        generator: torch.Generator | None = None,
        seeds: Sequence[int] | None = None,
    ) -> Images:
        """Adversarial images: shape, dtype, device and range of `images`.

        Warns where the model has no gradient, see `warn_without_gradient`, and of sizes in another
        unit than that of the images, see `check_unit`, and of labels that are all void.

        Args:
            model: images -> logits, at the size of the labels.
            images: (n, ch, h, w), inside the bounds of the threat model.
            labels: class indices, the wanted ones if targeted: (n, h, w), one per pixel, or
                (n, 1, 1), one per image for a classifier, whose logits are (n, c, 1, 1). Of
                (n, 1, 1) only a negative `ignore_index` is void, for 255 may be a class.
            mask: (n, h, w) True where pixels of the images may be changed; None for everywhere.
            start: first point of every restart, projected, in place of the random start; finite,
                of the shape and dtype of `images`.
            generator: source of the random starts, on the device of the images; without it and
                `seeds`, torch's global one.
            seeds: one an image, in place of `generator`: each image draws from a generator of its
                own, so that its start does not depend on the batch it is in. Restart r takes the
                r-th draw.

        Raises:
            InputError: shapes, dtypes or values that do not fit together.
        """
        check_shapes(images, labels, mask, start)
        iterates = self.iterates(
            model,
            images,
            labels,
            mask=mask,
            start=start,
            generator=generator,
            seeds=seeds,
            final_forward=False,
            keep_logits=False,
        )
        self._check_units(quiet=False)
        warn_of_scale(images, self.threat_model.bounds)
        void = labels.shape[1:] != (1, 1) and bool((labels == self.ignore_index).all())
        if void and len(labels):
            warn(void_doubt(labels, self.ignore_index))
        for iterate in iterates:
            best = iterate.best
        warn_without_gradient(iterate)
        return best

    def iterates(
        self,
        model: Model,
        images: Images,
        labels: Labels,
        *,
        mask: ImageMask | None = None,
        start: Images | None = None,
        generator: torch.Generator | None = None,
        seeds: Sequence[int] | None = None,
        final_forward: bool = True,
        keep_logits: bool = True,
    ) -> Iterator[Iterate]:
        """Yield every visited point: steps + 1 a restart, the start first. Stop by `break`.

        `final_forward=False` saves the forward pass at the last point, whose `forward` is then
        None, where the answer does not depend on it (one restart, answered by its last point).
        `keep_logits=False` saves the memory of the logits during the backward pass: those of a point
        that has a gradient are None then.
        Arguments and errors are otherwise those of calling the attack.
        """
        self._check_units(quiet=True)
        bounds = self.threat_model.bounds
        check_shapes(images, labels, mask, start)
        random = random_source(images, generator, seeds)
        task = Task.checked(model, images, labels, mask, start, random, bounds, self.ignore_index)
        task = replace(task, keep_logits=keep_logits)
        yield from self.run(task, final_forward=final_forward)

    def _check_units(self, *, quiet: bool) -> None:
        threat, step = self.threat_model, getattr(self, "step", None)
        if threat.eps is None:
            return  # a step that reaches the bounds at once may be meant
        for name, size in (("eps", threat.eps), ("step_size", getattr(step, "size", None))):
            check_unit(name, size, threat.bounds, threat.p, quiet=quiet)
