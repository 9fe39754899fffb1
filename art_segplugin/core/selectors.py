"""Selectors: which point of one restart is its answer; comparisons: which of several answers wins."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.types import PerImage, PixelMask
from art_segplugin.errors import InputError


@runtime_checkable
class Selector(Protocol):
    """Highest score wins, per image; of equal scores the later one.

    Only within one restart: between restarts a `Comparison` decides.
    """

    @property
    def scores(self) -> bool:
        """False if the last point always wins, so that nothing need be compared."""

    def score(self, forward: ForwardPass) -> PerImage:
        """How good this point is for the adversary; without `logits`, which may be freed already."""


@runtime_checkable
class MemorySelector(Selector, Protocol):
    """A selector that remembers something of the points before."""

    def start(self) -> Selector:
        """A fresh copy for one run, through all its restarts."""


@dataclass(frozen=True)
class LastIterate:
    """The last point, as PGD and SegPGD are published."""

    @property
    def scores(self) -> bool:
        """Nothing to compare."""
        return False

    def score(self, forward: ForwardPass) -> PerImage:
        """Never better than a later point."""
        return forward.loss.new_zeros(len(forward.loss))


LAST_ITERATE = LastIterate()


@dataclass(frozen=True)
class LowestAccuracy:
    """The point with the most fooled pixels."""

    @property
    def scores(self) -> bool:
        """Every point competes."""
        return True

    def score(self, forward: ForwardPass) -> PerImage:
        """Share of fooled pixels."""
        return forward.success_rate


@dataclass(frozen=True)
class HighestLoss:
    """The point of the highest mean loss over the valid pixels.

    What Auto-PGD is published with (x_max in arXiv:2003.01690, algorithm 1).

    Args:
        targeted: the adversary decreases the loss, so the lowest wins.
    """

    targeted: bool = False

    @property
    def scores(self) -> bool:
        """Every point competes."""
        return True

    def score(self, forward: ForwardPass) -> PerImage:
        """The loss, negated if targeted; -inf where it is NaN."""
        loss = -forward.loss if self.targeted else forward.loss
        return loss.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)


@dataclass(frozen=True)
class LowestAccuracyThenLoss(HighestLoss):
    """The point with the most fooled pixels; of several such points the one of the highest loss.

    For a classifier, whose images have one pixel: the surest of the points that fool it, or where
    there is none, the one that comes nearest.

    Args:
        targeted: as in HighestLoss.
    """

    def score(self, forward: ForwardPass) -> PerImage:
        """The number of fooled pixels, plus the loss brought into [1/4, 3/4]."""
        # float32 would leave 8 values to the loss of a picture of 2 million pixels.
        mps = forward.fooled.device.type == "mps"  # the one device that has no float64
        dtype = torch.float32 if mps else torch.float64
        count = forward.fooled.flatten(1).sum(1).to(dtype)
        return count + 0.5 + super().score(forward).to(dtype).atan() / (2 * math.pi)


@dataclass
class MostReachedAndKept:
    """The point with the largest share of the source on target, less that of the rest off it.

    For label maps that hold what is to stay as it is. The source are the pixels that are not on
    target at the first point of a run, the rest those that are: both parts count the same, however
    many pixels they have. 1 where all of the source and nothing else changed, 0 at the first point.
    """

    def __post_init__(self) -> None:
        self._source: PixelMask | None = None

    @property
    def scores(self) -> bool:
        """Every point competes."""
        return True

    def start(self) -> "MostReachedAndKept":
        """One that has seen nothing yet."""
        return MostReachedAndKept()

    def score(self, forward: ForwardPass) -> PerImage:
        """Reached minus collateral, -1 to 1."""
        if self._source is None:
            self._source = first_unfooled(forward)
        source, rest = self._source, forward.valid & ~self._source
        return _share(forward.fooled, source) - _share(~forward.fooled, rest)


def first_unfooled(forward: ForwardPass) -> PixelMask:
    """Valid pixels that are not what the adversary wants, at this point."""
    return forward.valid & ~forward.fooled


def _share(pixels: PixelMask, part: PixelMask) -> PerImage:
    """Of a part of each image, those pixels; 0 where the part has none."""
    found, whole = ((one & part).flatten(1).sum(1, dtype=torch.float32) for one in (pixels, part))
    return found / whole.clamp(min=1)


Comparison = Callable[[PerImage, PerImage], PerImage]
"""(success rate, distance to the image) of one answer an image -> its rank; the highest wins."""


def MOST_FOOLED(success: PerImage, distance: PerImage) -> PerImage:  # noqa: N802
    """The success rate: for attacks within a budget, how much of it was used does not matter."""
    return success


@dataclass(frozen=True)
class SmallestDistance:
    """Of the answers that fool enough pixels the nearest; else the one that fools the most.

    For attacks without a budget (minimum norm): a comparison and, of one restart, a selector.

    Args:
        share: of the valid pixels that has to be fooled, in (0, 1].

    Raises:
        InputError: another share.
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share is {self.share}; give a number above 0 and up to 1.")

    @property
    def scores(self) -> bool:
        """Every point competes."""
        return True

    def score(self, forward: ForwardPass) -> PerImage:
        """The rank of the point.

        Raises:
            RuntimeError: the attack has a radius, so no distance was measured.
        """
        if forward.distance is None:
            raise RuntimeError("There is no distance to select by; give the threat model no eps.")
        return self(forward.success_rate, forward.distance)

    def __call__(self, success: PerImage, distance: PerImage) -> PerImage:
        """Above 1 where enough is fooled, the more the nearer; the success rate, below 1, elsewhere."""
        # float32 would not tell L1 distances of 1000 and 1000.1 from each other.
        precise = success.dtype if success.device.type == "mps" else torch.float64
        nearness = 1 + 1 / (1 + distance.to(precise))
        fooled = success.clamp(max=self.share).to(precise)
        return torch.where(success >= self.share, nearness, fooled)
