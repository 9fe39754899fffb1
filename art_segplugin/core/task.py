"""What an attack is given, once it is checked, and the two ways of giving it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.core.checks import check_range, check_shapes, check_start, largest_label
from art_segplugin.core.iterate import Iterate, Model
from art_segplugin.core.types import ImageMask, Images, Labels, PixelMask


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
        generator: source of the random starts.
    """

    model: Model
    images: Images
    labels: Labels
    valid: PixelMask
    classes: int
    mask: ImageMask | None
    start: Images | None
    generator: torch.Generator | None

    @classmethod
    def checked(
        cls,
        model: Model,
        images: Tensor,
        labels: Tensor,
        mask: Tensor | None,
        start: Tensor | None,
        generator: torch.Generator | None,
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
        check_shapes(images, labels, mask, start)
        images, labels = images.detach(), labels.long()  # 8 bits would wrap a negative ignore_index
        one_each = labels.shape[1:] == (1, 1) != images.shape[2:]
        valid = torch.ones_like(labels, dtype=torch.bool)
        if not one_each or ignore_index < 0:
            valid = labels != ignore_index
        labels = labels.masked_fill(~valid, 0)
        check_range(images, bounds)
        check_start(start)
        classes = largest_label(labels) + 1
        return cls(model, images, labels, valid, classes, mask, start, generator)


class TaskAttack(ABC):
    """An attack that is called with a batch, checks it once and then runs."""

    @abstractmethod
    def task(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        mask: Tensor | None,
        start: Tensor | None,
        generator: torch.Generator | None,
    ) -> Task:
        """`Task.checked` with the bounds and the label of void pixels of this attack."""

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
    ) -> Images:
        """Adversarial images: shape, dtype, device and range of `images`.

        Args:
            model: images -> logits, at the size of the labels.
            images: (n, ch, h, w), inside the bounds of the threat model.
            labels: class indices, the wanted ones if targeted: (n, h, w), one per pixel, or
                (n, 1, 1), one per image for a classifier, whose logits are (n, c, 1, 1). Of
                (n, 1, 1) only a negative `ignore_index` is void, for 255 may be a class.
            mask: (n, h, w) True where pixels of the images may be changed; None for everywhere.
            start: first point of every restart, projected, in place of the random start; finite,
                of the shape and dtype of `images`.
            generator: source of the random starts, on the device of the images.

        Raises:
            InputError: shapes, dtypes or values that do not fit together.
        """
        iterates = self.iterates(
            model,
            images,
            labels,
            mask=mask,
            start=start,
            generator=generator,
            final_forward=False,
        )
        for iterate in iterates:
            best = iterate.best
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
        final_forward: bool = True,
    ) -> Iterator[Iterate]:
        """Yield every visited point: steps + 1 a restart, the start first. Stop by `break`.

        `final_forward=False` saves the forward pass at the last point, whose `forward` is then
        None, where the answer does not depend on it (one restart, answered by its last point).
        Arguments and errors are otherwise those of calling the attack.
        """
        task = self.task(model, images, labels, mask, start, generator)
        yield from self.run(task, final_forward=final_forward)
