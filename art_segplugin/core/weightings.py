"""Pixel weightings: how much each pixel counts in the gradient, at this step."""

from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import torch

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.losses import LayerLoss, PixelLoss
from art_segplugin.core.types import PixelMap


@runtime_checkable
class PixelWeighting(Protocol):
    """Weights are constants of the gradient: they are computed from detached values."""

    def start(self) -> "PixelWeighting":
        """A fresh copy for one run; weightings without a memory return themselves."""

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """One weight >= 0 for each pixel; void pixels are set to 0 by the loop."""


@runtime_checkable
class BeginsClean(Protocol):
    """A weighting that begins with what the model says of the images themselves.

    The loop asks the copy that `start` made, once a restart, at the cost of one forward pass.
    """

    def begin(self, clean: ForwardPass, loss: PixelLoss | LayerLoss) -> PixelLoss | LayerLoss:
        """Take the unperturbed images in; the loss for this restart, usually the attack's own.

        Args:
            clean: step 0 at the images, with the logits.
            loss: the attack's.
        """


_Weighting = TypeVar("_Weighting", bound="Stateless")


class Stateless:
    """A weighting that remembers nothing between steps."""

    def start(self: _Weighting) -> _Weighting:
        """Itself."""
        return self


@dataclass(frozen=True)
class Uniform(Stateless):
    """Every pixel counts the same: PGD."""

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """All ones."""
        return torch.ones_like(forward.pixel_loss)


UNIFORM = Uniform()
