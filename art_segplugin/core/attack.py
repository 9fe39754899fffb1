"""The one loop. Every gradient attack in this package is a choice of its parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor

from art_segplugin.core.checks import check_logits
from art_segplugin.core.forward_pass import ForwardPass, fooled_pixels
from art_segplugin.core.iterate import Iterate, Model, better_of
from art_segplugin.core.losses import PixelLoss, cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.selectors import LAST_ITERATE, Selector
from art_segplugin.core.steps import StepRule
from art_segplugin.core.task import Task, TaskAttack
from art_segplugin.core.threat_model import Region, ThreatModel, per_image
from art_segplugin.core.types import Images, PerImage
from art_segplugin.core.weightings import UNIFORM, PixelWeighting
from art_segplugin.errors import InputError


@dataclass(frozen=True, eq=False)
class GradientAttack(TaskAttack):
    """Repeat: forward, weigh the pixels, differentiate, step, project.

    Works on label maps of the size of the images and on one label per image, see `__call__`.

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
        ignore_index: label of void pixels, which count nowhere; of void images if negative.

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

    def task(
        self,
        model: Model,
        images: Tensor,
        labels: Tensor,
        mask: Tensor | None,
        start: Tensor | None,
        generator: torch.Generator | None,
    ) -> Task:
        """What is given, checked against the bounds of the threat model.

        Raises:
            InputError: shapes, dtypes or values that do not fit together.
        """
        bounds, ignore_index = self.threat_model.bounds, self.ignore_index
        return Task.checked(model, images, labels, mask, start, generator, bounds, ignore_index)

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        final_forward = final_forward or self.select.scores or self.restarts > 1
        region = self.threat_model.around(task.images, task.mask)
        best: Images = task.images
        best_success: PerImage | None = None
        for restart in range(self.restarts):
            earlier, earlier_success = best, best_success  # of the restarts before this one
            x_adv, step = self._start(region, task), self.step.start(region, self.steps)
            weighting, answer = self.weighting.start(), x_adv
            score: PerImage | None = None
            success: PerImage | None = None
            for i in range(self.steps + 1):
                last = i == self.steps
                forward = gradient = None
                if not last or final_forward:
                    forward, gradient = self._forward(
                        task, x_adv, i, weighting, with_gradient=not last
                    )
                if forward is None or not self.select.scores:
                    answer, success = x_adv, None if forward is None else forward.success_rate
                else:
                    answer, score, success = self._better(answer, score, success, x_adv, forward)
                best, best_success = better_of(answer, success, earlier, earlier_success)
                yield Iterate(restart, i, x_adv, forward, best, best_success)
                if forward is not None:
                    forward.logits = None
                if gradient is not None and forward is not None:
                    x_adv = step(x_adv, gradient, forward)

    def _start(self, region: Region, task: Task) -> Images:
        if task.start is not None:
            return region.project(task.start.detach())
        return region.random_point(task.generator) if self.random_start else region.x

    def _forward(
        self,
        task: Task,
        x_adv: Images,
        i: int,
        weighting: PixelWeighting,
        *,
        with_gradient: bool,
    ) -> tuple[ForwardPass, Images | None]:
        """Forward, weigh, differentiate. Grad mode is changed in here only: never across a yield."""
        labels, valid = task.labels, task.valid
        with torch.set_grad_enabled(with_gradient):
            x_leaf = x_adv.detach().requires_grad_(with_gradient)
            with evaluation_mode(task.model):
                logits = task.model(x_leaf)
            check_logits(logits, labels, task.classes)
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
