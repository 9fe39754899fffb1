"""What a gradient may go through: changes of the input before the model, filters after the backward."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from art_segplugin.core.threat_model import RandomSource
from art_segplugin.core.types import Images

GradientFilter = Callable[[Images], Images]
"""Gradient of the loss in the images -> what the step follows, such as its blur (TI-FGSM)."""


@runtime_checkable
class InputTransform(Protocol):
    """A random change of image and label map alike: input diversity (DI-FGSM), EOT."""

    @property
    def samples(self) -> int:
        """Draws whose gradients are added up in one step."""

    def __call__(
        self, images: Images, maps: Sequence[Tensor], random: RandomSource
    ) -> tuple[Images, Sequence[Tensor]]:
        """The images, differentiably changed, and maps (n, h, w) that moved with them.

        Args:
            images: (n, ch, h, w).
            maps: labels, valid pixels and weights, each (n, h, w), whose values are kept.
            random: source of the draw.
        """
