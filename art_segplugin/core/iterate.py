"""What an attack is to those who run it: an answer, and every point on the way to it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.threat_model import ThreatModel, per_image
from art_segplugin.core.types import ImageMask, Images, Labels, PerImage, PerImageMask
from art_segplugin.errors import warn

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
        best_rank: what `best` is compared by, the success rate unless the attack says otherwise.
        without_gradient: images whose gradient was zero at every point so far, of all restarts,
            though they may be changed and not all of their pixels were fooled; stays on the device,
            see `warn_without_gradient`. None where the attack takes no gradients.
        member: which member of an ensemble is at work, counted through nested ones; 0 of a single
            attack.
        of_member: what that member would answer by itself; None where that is `best`. It is whole
            when the next member begins, so whoever wants one answer a member keeps the last of each.
    """

    restart: int
    step: int
    x_adv: Images
    forward: ForwardPass | None
    best: Images
    best_success: PerImage | None
    best_rank: PerImage | None = None
    without_gradient: PerImageMask | None = None
    member: int = 0
    of_member: Images | None = None

    @property
    def answer_of_member(self) -> Images:
        """`of_member`, or `best` where there is one member."""
        return self.best if self.of_member is None else self.of_member


def better_of(now: Iterate, earlier: Iterate) -> Iterate:
    """`now` with per image the better ranked of both answers; the earlier one in a tie.

    An answer whose rank is not known gives way to one whose rank is. If neither is known, the answer
    of `now` stays.
    """
    now = replace(now, without_gradient=both(now.without_gradient, earlier.without_gradient))
    if earlier.best_success is None or earlier.best_rank is None:
        return now
    if now.best_success is None or now.best_rank is None:
        return replace(
            now,
            best=earlier.best,
            best_success=earlier.best_success,
            best_rank=earlier.best_rank,
        )
    ahead = now.best_rank > earlier.best_rank
    return replace(
        now,
        best=torch.where(per_image(ahead, now.best), now.best, earlier.best),
        best_success=torch.where(ahead, now.best_success, earlier.best_success),
        best_rank=torch.maximum(now.best_rank, earlier.best_rank),
    )


def both(now: PerImageMask | None, earlier: PerImageMask | None) -> PerImageMask | None:
    """Images that two parts of an attack have in common; None is a part that knows nothing."""
    if now is None or earlier is None:
        return earlier if now is None else now
    return now & earlier


def warn_without_gradient(found: Iterate | PerImageMask) -> None:
    """Warn of images that the attack could not move, because the model hides its gradient.

    Call it once, with the last iterate: it reads one number back from the device.

    Args:
        found: the last point of an attack, or what several attacks say of their images at their last
            points, put together.
    """
    hidden = found.without_gradient if isinstance(found, Iterate) else found
    if hidden is None:
        return
    count, images = int(hidden.sum()), len(hidden)
    if count:
        warn(
            f"the gradient is zero or not finite at every step for {count} of {images} images: "
            "something in the model, such as rounding, an argmax or a saturated softmax, hides it, "
            "so the result says nothing about their robustness; use an attack that asks for no "
            "gradient, such as square_attack of art_segplugin.wrappers.art."
        )


@runtime_checkable
class Attack(Protocol):
    """What all attacks on one batch have in common."""

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
        seeds: Sequence[int] | None = None,
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
        seeds: Sequence[int] | None = None,
        final_forward: bool = True,
        keep_logits: bool = True,
    ) -> Iterator[Iterate]:
        """Every visited point."""


@runtime_checkable
class FittedAttack(Protocol):
    """An attack that learns from many images first: a universal perturbation, a patch."""

    @property
    def threat_model(self) -> ThreatModel:
        """What may be changed in one image."""

    def fits(
        self,
        model: Model,
        batches: Iterable[tuple[Images, Labels]],
        *,
        generator: torch.Generator | None = None,
    ) -> Iterator[Attack]:
        """Yield, after each step, what would be applied if the fit were stopped now.

        Args:
            model: images -> logits, at the size of the labels.
            batches: images and labels, as an attack takes them; gone through once a pass.
            generator: source of all draws.
        """


def fitted(
    attack: Attack | FittedAttack,
    model: Model,
    batches: Iterable[tuple[Images, Labels]],
    generator: torch.Generator | None = None,
) -> Attack:
    """The attack itself, or what it has become once it was fitted to the batches.

    Args:
        attack: of either kind.
        model: as of `FittedAttack.fits`, like `batches` and `generator`.
        batches: images and labels to fit to.
        generator: source of all draws.
    """
    if not isinstance(attack, FittedAttack):
        return attack
    with evaluation_mode(model):
        *_, last = attack.fits(model, batches, generator=generator)
    return last
