"""What an attack is to those who run it: an answer, and every point on the way to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.threat_model import ThreatModel, per_image
from art_segplugin.core.types import ImageMask, Images, Labels, PerImage

Model = Callable[[Tensor], Tensor]
"""Images (n, ch, h, w) -> logits at the size of the labels: (n, c, h, w), or (n, c, 1, 1) of a
classifier; a module or any differentiable function."""


@dataclass(frozen=True, eq=False)
class Iterate:
    """One visited point: what progress bars, plots, windows and tests look at.

    Attributes:
        restart: 0 ... restarts - 1.
        step: steps taken since the start of this restart, 0 ... steps.
        x_adv: where the attack is now.
        forward: what the model said about `x_adv`; None on the last point where nobody needs it.
        best: the answer if the attack were stopped now.
        best_success: success rate of `best`, None where `forward` is.
    """

    restart: int
    step: int
    x_adv: Images
    forward: ForwardPass | None
    best: Images
    best_success: PerImage | None


def better_of(
    answer: Images,
    success: PerImage | None,
    earlier: Images,
    earlier_success: PerImage | None,
) -> tuple[Images, PerImage | None]:
    """Per image the answer with the higher success rate, and that rate; the earlier one in a tie.

    Where one rate is not known, `answer` stays.
    """
    if success is None or earlier_success is None:
        return answer, success
    ahead = per_image(success > earlier_success, answer)
    return torch.where(ahead, answer, earlier), torch.maximum(success, earlier_success)


@runtime_checkable
class Attack(Protocol):
    """What `GradientAttack` and `WorstCase` have in common."""

    @property
    def threat_model(self) -> ThreatModel:
        """What may be changed."""

    @property
    def steps(self) -> int:
        """Gradient steps of one restart; where restarts differ, of the longest."""

    @property
    def restarts(self) -> int:
        """Number of restarts, those of all members together."""

    @property
    def targeted(self) -> bool:
        """Labels are what the adversary wants."""

    @property
    def ignore_index(self) -> int:
        """Label of void pixels."""

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
        """Adversarial images."""

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
        """Every visited point."""
