"""The one loop. Every gradient attack in this package is a choice of its parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor

from art_segplugin.core.checks import check_logits, check_range, check_shapes, largest_label
from art_segplugin.core.forward_pass import ForwardPass, fooled_pixels
from art_segplugin.core.losses import PixelLoss, cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.selectors import LAST_ITERATE, Selector
from art_segplugin.core.steps import StepRule
from art_segplugin.core.threat_model import Region, ThreatModel, per_image
from art_segplugin.core.types import Images, Labels, PerImage, PixelMask
from art_segplugin.core.weightings import UNIFORM, PixelWeighting
from art_segplugin.errors import InputError

Model = Callable[[Tensor], Tensor]
"""Images (n, ch, h, w) -> logits (n, c, h, w); a module or any differentiable function."""


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


@dataclass(frozen=True, eq=False)
class GradientAttack:
    """Repeat: forward, weigh the pixels, differentiate, step, project.

    Args:
        threat_model: what may be changed.
        step: how to move.
        steps: gradient steps of one restart, >= 1.
        loss: what the adversary increases on each pixel (decreases, if targeted).
        weighting: how much each pixel counts.
        select: which point of one restart is its answer.
        random_start: begin at a uniform draw from the threat model, else at the image.
        restarts: independent runs; per image the answer with the lowest pixel accuracy (the highest
            share of pixels on target, if targeted) wins.
        targeted: labels are what the adversary wants instead of the truth.
        ignore_index: label of void pixels, which count nowhere.

    Raises:
        InputError: steps or restarts below 1.
    """

    threat_model: ThreatModel
    step: StepRule
    steps: int
    loss: PixelLoss = cross_entropy
    weighting: PixelWeighting = UNIFORM
    select: Selector = LAST_ITERATE
    random_start: bool = True
    restarts: int = 1
    targeted: bool = False
    ignore_index: int = 255

    def __post_init__(self) -> None:
        for name in ("steps", "restarts"):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= 1):
                raise InputError(f"{name} is {value!r}; give a whole number >= 1.")

    def __call__(
        self,
        model: Model,
        images: Images,
        labels: Labels,
        *,
        mask: PixelMask | None = None,
        start: Images | None = None,
        generator: torch.Generator | None = None,
    ) -> Images:
        """Adversarial images: shape, dtype, device and range of `images`.

        Args:
            model: images -> logits, at the size of the labels.
            images: (n, ch, h, w), inside the bounds of the threat model.
            labels: (n, h, w) class indices; the wanted ones if targeted.
            mask: (n, h, w) True where pixels may be changed; None for everywhere.
            start: first point of every restart, projected, in place of the random start.
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
        mask: PixelMask | None = None,
        start: Images | None = None,
        generator: torch.Generator | None = None,
        final_forward: bool = True,
    ) -> Iterator[Iterate]:
        """Yield every visited point: steps + 1 a restart, the start first. Stop by `break`.

        `final_forward=False` saves the forward pass at the last point, whose `forward` is then
        None, where the answer does not depend on it (one restart, answered by its last point).
        Arguments and errors are otherwise those of calling the attack.
        """
        check_shapes(images, labels, mask)
        images = images.detach()
        valid = labels != self.ignore_index
        labels = labels.masked_fill(~valid, 0).long()
        # Reads values back from the device: here, once, and nowhere in the loop.
        check_range(images, self.threat_model.bounds)
        classes = largest_label(labels) + 1
        final_forward = final_forward or self.select.scores or self.restarts > 1
        region = self.threat_model.around(images, mask)
        best: Images = images
        best_success: PerImage | None = None
        for restart in range(self.restarts):
            earlier, earlier_success = best, best_success  # of the restarts before this one
            x_adv, step = self._start(region, start, generator), self.step.start(region, self.steps)
            weighting, answer = self.weighting.start(), x_adv
            score: PerImage | None = None
            success: PerImage | None = None
            for i in range(self.steps + 1):
                last = i == self.steps
                forward = gradient = None
                if not last or final_forward:
                    forward, gradient = self._forward(
                        model, x_adv, labels, classes, valid, i, weighting, with_gradient=not last
                    )
                if forward is None or not self.select.scores:
                    answer, success = x_adv, None if forward is None else forward.success_rate
                else:
                    answer, score, success = self._better(answer, score, success, x_adv, forward)
                best, best_success = answer, success
                if earlier_success is not None and success is not None:
                    ahead = success > earlier_success
                    best = torch.where(per_image(ahead, images), answer, earlier)
                    best_success = torch.maximum(success, earlier_success)
                yield Iterate(restart, i, x_adv, forward, best, best_success)
                if forward is not None:
                    forward.logits = None
                if gradient is not None and forward is not None:
                    x_adv = step(x_adv, gradient, forward)

    def _start(
        self, region: Region, start: Images | None, generator: torch.Generator | None
    ) -> Images:
        if start is not None:
            return region.project(start.detach())
        return region.random_point(generator) if self.random_start else region.x

    def _forward(
        self,
        model: Model,
        x_adv: Images,
        labels: Labels,
        classes: int,
        valid: PixelMask,
        i: int,
        weighting: PixelWeighting,
        *,
        with_gradient: bool,
    ) -> tuple[ForwardPass, Images | None]:
        """Forward, weigh, differentiate. Grad mode is changed in here only: never across a yield."""
        with torch.set_grad_enabled(with_gradient):
            x_leaf = x_adv.detach().requires_grad_(with_gradient)
            with evaluation_mode(model):
                logits = model(x_leaf)
            check_logits(logits, labels, classes)
            pixel_loss = self.loss(logits, labels)
        detached = logits.detach()
        forward = ForwardPass(
            step=i,
            steps=self.steps,
            labels=labels,
            valid=valid,
            fooled=fooled_pixels(detached, labels, valid, targeted=self.targeted),
            pixel_loss=pixel_loss.detach().masked_fill(~valid, 0.0),
            logits=detached,
        )
        if not with_gradient:
            return forward, None
        forward.weights = weighting(forward).masked_fill(~valid, 0.0)
        # The weighted sum is differentiated by handing the weights in as the outer gradient.
        outer = -forward.weights if self.targeted else forward.weights
        (gradient,) = torch.autograd.grad(pixel_loss, x_leaf, outer)
        # One NaN would spread over the whole image through the norm of the gradient.
        return forward, gradient.nan_to_num(0.0, 0.0, 0.0)

    def _better(
        self,
        answer: Images,
        score: PerImage | None,
        success: PerImage | None,
        x_adv: Images,
        forward: ForwardPass,
    ) -> tuple[Images, PerImage, PerImage]:
        new_score, new_success = self.select.score(forward), forward.success_rate
        if score is None or success is None:
            return x_adv, new_score, new_success
        better = new_score >= score
        return (
            torch.where(per_image(better, x_adv), x_adv, answer),
            torch.where(better, new_score, score),
            torch.where(better, new_success, success),
        )
