"""The step rule of Auto-PGD: Croce & Hein, ICML 2020, arXiv:2003.01690, section 3 and algorithm 1."""

from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.steps import Step
from art_segplugin.core.threat_model import Region, per_image
from art_segplugin.core.types import Images, PerImage

ALPHA = 0.75
"""Share of the gradient step in the sum with the move before it."""

RHO = 0.75
"""Share of the steps between two checkpoints that must increase the loss."""


def checkpoints(steps: int) -> list[int]:
    """Steps after which the step size may be halved: the distinct w_j = ceil(p_j * steps), j >= 1.

    p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06); in hundredths, so that no
    rounding of a float moves a checkpoint. For 100 steps 22, 41, 57, 70, 80, 87, 93, 99.

    Args:
        steps: length of the run, >= 1.
    """
    last, p, found = 0, 22, []
    while p <= 100:
        found.append(-(-p * steps // 100))
        last, p = p, p + max(p - last - 3, 6)
    return sorted(set(found))  # short runs have several at one step


@dataclass(frozen=True)
class AutoStep:
    """Long steps with momentum, halved where they no longer pay; each image has its own step size.

    The step size begins at twice the radius. At a checkpoint it is halved for those images where
    fewer than RHO of the steps since the last checkpoint increased the loss, or where neither step
    size nor best loss changed since then; they go on from their best point so far.

    As in the authors' own program, the step from a checkpoint sets out from the best point itself,
    whose gradient is known: algorithm 1 as printed would visit it once more. The loss of the best
    point is then what the next point must exceed to be an increase.

    The loss is the mean over the valid pixels, whatever they weigh in the gradient: with weights
    that change on the way, weighted losses of two points could not be compared. The rule is made for
    L2 and Linf: of a sparse step of 2 * eps in L1 the projection leaves little but the step, and
    what was changed before is lost (arXiv:2103.01208 is about that).

    Args:
        targeted: the adversary decreases the loss; the same value as the attack's.
    """

    targeted: bool = False

    def start(self, region: Region, steps: int) -> Step:
        """Begin with steps of 2 * eps and no history."""
        return _Run(region, steps, self.targeted)


class _Run:
    """What one run remembers: nothing is read back from the device, all choices are `where`s."""

    best: Images
    best_gradient: Images
    best_loss: PerImage
    previous: Images
    previous_loss: PerImage
    loss_at_checkpoint: PerImage  # the best one

    def __init__(self, region: Region, steps: int, targeted: bool) -> None:
        self.region, self.targeted = region, targeted
        at = checkpoints(steps)
        self.intervals = {w: w - before for before, w in zip([0, *at], at, strict=False)}
        self.size = 2 * region.radius * torch.ones_like(region.x[:, :1, :1, :1])
        none = torch.zeros(len(region.x), dtype=torch.long, device=region.x.device)
        self.increases, self.halved = none, none.bool()

    def __call__(self, x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
        """The next point."""
        loss = -forward.loss if self.targeted else forward.loss
        # A loss that is NaN is never an increase, and whatever follows it is one.
        loss = loss.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        if forward.step == 0:
            self.best, self.best_gradient, self.best_loss = x_adv, gradient, loss
            self.loss_at_checkpoint = loss
            x_next = self._along(x_adv, gradient)
        else:
            self._remember(x_adv, gradient, loss)
            if forward.step in self.intervals:
                x_adv, gradient, loss = self._checkpoint(
                    x_adv, gradient, loss, self.intervals[forward.step]
                )
            ahead = self._along(x_adv, gradient) - x_adv
            momentum = x_adv - self.previous
            x_next = self.region.project(x_adv + ALPHA * ahead + (1 - ALPHA) * momentum)
        self.previous, self.previous_loss = x_adv, loss
        return x_next

    def _along(self, x_adv: Images, gradient: Images) -> Images:
        return self.region.ascend(x_adv, gradient, self.size)

    def _remember(self, x_adv: Images, gradient: Images, loss: PerImage) -> None:
        self.increases = self.increases + (loss > self.previous_loss)
        better = loss > self.best_loss
        self.best = _where(better, x_adv, self.best)
        self.best_gradient = _where(better, gradient, self.best_gradient)
        self.best_loss = torch.where(better, loss, self.best_loss)

    def _checkpoint(
        self, x_adv: Images, gradient: Images, loss: PerImage, interval: int
    ) -> tuple[Images, Images, PerImage]:
        """Halve the step size where it is due; the point to go on from, its gradient and loss."""
        overshot = self.increases < RHO * interval  # condition 1
        stalled = ~self.halved & (self.best_loss == self.loss_at_checkpoint)  # condition 2
        self.halved = overshot | stalled
        self.size = _where(self.halved, self.size / 2, self.size)
        self.increases = torch.zeros_like(self.increases)
        self.loss_at_checkpoint = self.best_loss
        return (
            _where(self.halved, self.best, x_adv),
            _where(self.halved, self.best_gradient, gradient),
            torch.where(self.halved, self.best_loss, loss),
        )


def _where(chosen: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """`yes` for the images that are chosen, `no` for the others."""
    return torch.where(per_image(chosen, yes), yes, no)
