"""ALMA-prox: Rony et al., CVPR 2023, arXiv:2206.07179, as its authors' program (adv-lib 0.2.8) has it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from art_segplugin.attacks.common import MinimumNorm, check_numbers, takes
from art_segplugin.attacks.registry import AttackSpec
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.forward_pass import ForwardPass
from art_segplugin.core.proximal import proximal_linf
from art_segplugin.core.steps import Step
from art_segplugin.core.threat_model import Region, at_least_float32, per_image
from art_segplugin.core.types import Images, Labels, Logits, PixelMap
from art_segplugin.errors import InputError

IMPROVED, GROWTH = 0.95, 2.0
"""rho grows where a constraint is not below this share of what it was at the check before."""
LARGEST_RHO = 1e6
"""Ours: the squares of gradients stay finite in float32."""
MULTIPLIERS = (1e-12, 1.0)
SCALES, RESCALING = (0.1, 1.0), 0.02
"""Range of the factor w on the constraints of an image, and by what share it changes in a step."""


@dataclass(frozen=True)
class ScaledMargin:
    """What a pixel lacks to be fooled, over the spread of its largest logits, as a loss.

    The constraint is c = (z_y - max_{k != y} z_k + tolerance) / (z_1st - z_3rd + 1e-8) <= 0, and the
    loss is -c. If targeted, c = (max_{k != y} z_k - z_y + tolerance) / (z_1st - (z_3rd + z_4th) / 2 +
    1e-8) is the loss itself, which the adversary decreases. (Of three classes, z_4th is z_3rd.)

    Args:
        targeted: labels are what the adversary wants.
        tolerance: how far the logits have to be apart, so that rounding does not undo it.
    """

    targeted: bool = False
    tolerance: float = 1e-4

    def __call__(self, logits: Logits, labels: Labels) -> PixelMap:
        """The loss of each pixel, at least in float32.

        Raises:
            InputError: fewer than 3 classes.
        """
        if logits.shape[1] < 3:
            raise InputError(
                f"ALMA-prox needs 3 or more classes, the model has {logits.shape[1]}; use fmn."
            )
        logits = at_least_float32(logits)
        top = logits.topk(min(4 if self.targeted else 3, logits.shape[1]), dim=1)
        rival = torch.where(top.indices[:, 0] == labels, top.values[:, 1], top.values[:, 0])
        ahead = rival - logits.gather(1, labels.unsqueeze(1)).squeeze(1)
        third = top.values[:, 2]
        if self.targeted:
            third = (third + top.values[:, -1]) / 2
        spread = top.values[:, 0] - third + 1e-8
        return (ahead + (self.tolerance if self.targeted else -self.tolerance)) / spread


def slope_of_p2(y: PixelMap, rho: PixelMap, mu: PixelMap) -> PixelMap:
    """Mu + 2 mu rho y + rho^2 y^2 / 2 for y >= 0, and mu / (1 - max(rho, 1) y)^2 below.

    The derivative of P2(y) = mu y + mu rho y^2 + rho^2 y^3 / 6, or mu y / (1 - max(rho, 1) y). The
    authors' program has mu y in place of the first mu, which is not the derivative: pixels that are
    far from fooled then weigh more, those near the boundary nothing.
    """
    above = mu + 2 * mu * rho * y + 0.5 * (rho * y) ** 2
    below = mu / (1 - rho.clamp(min=1) * y.clamp(max=0)) ** 2
    return torch.where(y >= 0, above, below)


@dataclass(eq=False)
class AugmentedLagrangian:
    """Slope of the penalty P2 of each pixel's constraint, times the scale w of the image.

    The slope is taken at y = w * c. mu of a pixel follows that slope by a moving average; its rho is
    doubled at a check if since the last one the pixel was never fooled and y did not shrink.

    Args:
        share: of the valid pixels that have to be fooled.
        targeted: as of `ScaledMargin`.
        mu: first multipliers.
        rho: first penalty parameters.
        average: what remains of mu in a step.
        check_steps: steps between two checks.
        masking: leave out the largest constraints, whose number grows to 1 - share of the pixels.
        slope: of the penalty, from y, rho and mu.
    """

    share: float
    targeted: bool = False
    mu: float = 1.0
    rho: float = 0.01
    average: float = 0.8
    check_steps: int = 10
    masking: bool = True
    slope: Callable[[PixelMap, PixelMap, PixelMap], PixelMap] = slope_of_p2
    _state: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    def start(self) -> "AugmentedLagrangian":
        """The first multipliers."""
        return replace(self)

    def __call__(self, forward: ForwardPass) -> PixelMap:
        """Weights >= 0."""
        loss, state, i = forward.pixel_loss, self._state, forward.step
        if not state:
            state["mu"] = torch.full_like(loss, self.mu)
            state["rho"] = torch.full_like(loss, self.rho)
            state["scale"] = torch.ones_like(loss[:, :1, :1])
            state["fooled"] = torch.zeros_like(forward.fooled)
        enough = (forward.success_rate >= self.share).view(-1, 1, 1)
        factor = torch.where(enough, 1 + RESCALING, 1 - RESCALING).to(loss)
        scale = state["scale"] = (state["scale"] / factor).clamp(*SCALES)
        y = scale * (loss if self.targeted else -loss)
        counted = forward.valid & (y <= self._most(y, forward))
        state["fooled"] = state["fooled"] | forward.fooled
        if i == 0:
            state["before"] = y
        elif (i + 1) % self.check_steps == 0:
            better = state["fooled"] | (y * counted <= IMPROVED * state["before"])
            grown = (GROWTH * state["rho"]).clamp(max=LARGEST_RHO)
            state["rho"] = torch.where(better, state["rho"], grown)
            state["before"], state["fooled"] = y, torch.zeros_like(forward.fooled)
        if i > 0:
            slope = self.slope(y, state["rho"], state["mu"]) * counted
            state["mu"] = state["mu"].lerp(slope, 1 - self.average).clamp(*MULTIPLIERS)
        return self.slope(y, state["rho"], state["mu"]) * counted * scale

    def _most(self, y: PixelMap, forward: ForwardPass) -> Tensor:
        """The largest constraint of an image that is not left out, (n, 1, 1)."""
        most, none = int((1 - self.share) * y[0].numel()), y.new_full((), math.inf)
        if not self.masking or most == 0:
            return none
        progress = forward.step / max(forward.steps - 1, 1)
        valid = forward.valid.flatten(1).sum(1, keepdim=True).to(torch.float32)
        left_out = ((1 - self.share) * valid).mul(progress).long().clamp(max=most)
        largest = y.masked_fill(~forward.valid, -math.inf).flatten(1).topk(most).values
        limit = largest.gather(1, (left_out - 1).clamp(min=0))
        return torch.where(left_out > 0, limit, none).unsqueeze(2)


@dataclass(frozen=True)
class ProximalStep:
    """A gradient step in the metric H of RMSProp, then the proximity operator of size * ||d||_inf.

    The proximity operator is solved by halving, where the authors' program searches by thirds, up to
    an error of 1e-6.

    Args:
        lr: size of the first steps.
        lr_reduction: of the last steps over the first; they shrink once enough pixels are fooled, or
            after half of the steps.
        average: what remains of the mean square of the gradient in a step.
        share: of the valid pixels that is enough.
    """

    lr: float
    lr_reduction: float
    average: float
    share: float

    def start(self, region: Region, steps: int) -> Step:
        """Begin at d = 0."""
        x = at_least_float32(region.x)
        low, high = (side - x for side in (region.low, region.high))
        change = square = torch.zeros_like(x)
        since = x.new_full((len(x),), steps // 2)
        found = torch.zeros(len(x), dtype=torch.bool, device=x.device)

        def step(x_adv: Images, gradient: Images, forward: ForwardPass) -> Images:
            nonlocal change, square, since, found
            i, enough = forward.step, forward.success_rate >= self.share
            if i < steps // 2:
                since = since.masked_fill(enough & ~found, i)
            found = found | enough
            gradient = region.free(gradient.to(x))
            square = self.average * square + (1 - self.average) * gradient.square()
            metric = (square / (1 - self.average ** (i + 1))).sqrt().clamp(min=1e-8)
            size = torch.full_like(since, self.lr)
            if self.lr_reduction != 1:
                ratio = self.lr_reduction / (1 - self.lr_reduction)
                tangent = ratio * (steps - since).clamp(min=1)
                size = size * tangent / ((i - since).clamp(min=0) + tangent)
            moved = change + per_image(size, x) * gradient / metric
            change = proximal_linf(moved, size, metric, low, high)
            return region.project(x + change)

        return step


@takes(MinimumNorm)
def alma_prox(
    common: MinimumNorm,
    lr: float = 0.001,
    lr_reduction: float = 0.1,
    mu: float = 1.0,
    rho: float = 0.01,
    average: float = 0.8,
    check_steps: int = 10,
    masking: bool = True,
    tolerance: float = 1e-4,
) -> GradientAttack:
    """Augmented Lagrangian with one constraint a pixel, and a proximity operator that shrinks ||d||_inf.

    Args:
        norm: inf.
        targeted: labels are what the adversary wants.
        lr: size of the first steps, in the unit of the images.
        lr_reduction: size of the last steps over that of the first, in (0, 1].
        mu: first multiplier of each pixel.
        rho: first penalty parameter of each pixel.
        average: what remains of multipliers and mean squares of the gradient in a step, from 0 to 1.
        check_steps: steps between two looks at whether a pixel's constraint shrinks.
        masking: leave out the pixels that are hardest to fool, in the end 1 - share of them.
        tolerance: how far ahead the logit of another class has to be, so that rounding on another
            device does not undo it. If targeted, that of the label: the authors' program then adds it
            to the wrong side.
    """
    common.only("ALMA-prox", math.inf)
    check_numbers(
        lr=(lr, 0, math.inf),
        lr_reduction=(lr_reduction, 1e-9, 1),
        mu=(mu, *MULTIPLIERS),
        rho=(rho, 0, LARGEST_RHO),
        average=(average, 0, 1 - 1e-9),
        check_steps=(check_steps, 1, math.inf),
        tolerance=(tolerance, 0, math.inf),
    )
    weighting = AugmentedLagrangian(
        common.share, common.targeted, mu, rho, average, int(check_steps), masking
    )
    return common.in_steps(
        ProximalStep(lr, lr_reduction, average, common.share),
        loss=ScaledMargin(common.targeted, tolerance),
        weighting=weighting,
    )


SPECS = (AttackSpec("ALMA-prox", alma_prox, "minimum-norm"),)
