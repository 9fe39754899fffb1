"""Selectors: which of the points visited in one restart is that restart's answer."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.types import PerImage


@runtime_checkable
class Selector(Protocol):
    """Highest score wins, per image; of equal scores the later one.

    Only within one restart: between restarts the attack compares pixel accuracy.
    """

    @property
    def scores(self) -> bool:
        """False if the last point always wins, so that nothing need be compared."""

    def score(self, forward: ForwardPass) -> PerImage:
        """How good this point is for the adversary."""


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
