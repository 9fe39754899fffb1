"""The one loop. Every gradient attack in this package is a choice of its parts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Integral

import torch

from art_segplugin.core.forward_pass import ForwardPass, gradient_in, look, query
from art_segplugin.core.inputs import GradientFilter, InputTransform
from art_segplugin.core.iterate import Iterate, better_of
from art_segplugin.core.losses import LayerLoss, PixelLoss, cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.selectors import (
    LAST_ITERATE,
    MOST_FOOLED,
    Comparison,
    MemorySelector,
    Selector,
)
from art_segplugin.core.steps import StepRule
from art_segplugin.core.task import Task, TaskAttack
from art_segplugin.core.threat_model import Region, ThreatModel, per_image
from art_segplugin.core.types import Images, PerImage, PerImageMask, PixelMap
from art_segplugin.core.weightings import UNIFORM, BeginsClean, PixelWeighting
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
        restarts: independent runs; per image the answer that `compare` ranks highest wins.
        targeted: labels are what the adversary wants instead of the truth.
        ignore_index: label of void pixels, which count nowhere; of void images if negative.
        compare: ranks the answers of restarts; by default the lowest pixel accuracy (the highest
            share of pixels on target, if targeted); None for what `select` scores.
        transform: a random change of image and labels through which the gradients are taken; None
            for none. What the model says without it, at the cost of one forward pass a step, is
            what success, loss and weights are about.
        smooth: applied to the gradient before the step; None for nothing.

    Raises:
        InputError: steps or restarts below 1.
    """

    threat_model: ThreatModel
    step: StepRule
    steps: int
    loss: PixelLoss | LayerLoss = cross_entropy
    weighting: PixelWeighting = UNIFORM
    select: Selector = LAST_ITERATE
    random_start: bool = True
    restarts: int = 1
    targeted: bool = False
    ignore_index: int = 255
    compare: Comparison | None = MOST_FOOLED
    transform: InputTransform | None = None
    smooth: GradientFilter | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "restarts"):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= 1):
                raise InputError(f"{name} is {value!r}; give a whole number >= 1.")

    def run(self, task: Task, *, final_forward: bool) -> Iterator[Iterate]:
        """What `iterates` says, on arguments that were checked."""
        select = self.select.start() if isinstance(self.select, MemorySelector) else self.select
        final_forward = final_forward or select.scores or self.restarts > 1
        region = self.threat_model.around(task.images, task.mask)
        best = Iterate(0, 0, task.images, None, task.images, None)
        hidden = region.movable() & task.valid.flatten(1).any(1)  # no gradient was seen so far
        for restart in range(self.restarts):
            earlier = best  # of the restarts before this one
            x_adv, step = self._start(region, task), self.step.start(region, self.steps)
            weighting, loss = self._weighting_and_loss(task)
            answer = x_adv
            score: PerImage | None = None
            success: PerImage | None = None
            for i in range(self.steps + 1):
                last = i == self.steps
                forward = gradient = None
                if not last or final_forward:
                    forward, gradient = self._forward(
                        task, x_adv, i, weighting, loss, with_gradient=not last
                    )
                if forward is None or not select.scores:
                    answer, success = x_adv, None if forward is None else forward.success_rate
                else:
                    answer, score, success = _better(select, answer, score, success, x_adv, forward)
                if gradient is not None and forward is not None:
                    hidden = hidden & ~_nonzero(gradient) & (forward.success_rate < 1)
                rank = None if success is None else self._rank(success, score, answer, task)
                best = better_of(
                    Iterate(restart, i, x_adv, forward, answer, success, rank, hidden), earlier
                )
                yield best
                if forward is not None:
                    forward.logits = None
                if gradient is not None and forward is not None:
                    x_adv = step(x_adv, gradient, forward)
                best = replace(best, forward=None)

    def _weighting_and_loss(self, task: Task) -> tuple[PixelWeighting, PixelLoss | LayerLoss]:
        """Those of one restart."""
        weighting = self.weighting.start()
        if not isinstance(weighting, BeginsClean):
            return weighting, self.loss
        clean = query(task, task.images, 0, self.steps, targeted=self.targeted)
        return weighting, weighting.begin(clean, self.loss)

    def _start(self, region: Region, task: Task) -> Images:
        if task.start is not None:
            return region.project(task.start.detach())
        return region.random_point(task.random) if self.random_start else region.x

    def _rank(
        self, success: PerImage, score: PerImage | None, answer: Images, task: Task
    ) -> PerImage:
        if self.compare is None:
            return success if score is None else score
        if self.compare is MOST_FOOLED:  # without the distance, which nobody asks for
            return success
        return self.compare(success, self.threat_model.distance(answer, task.images))

    def _forward(
        self,
        task: Task,
        x_adv: Images,
        i: int,
        weighting: PixelWeighting,
        loss: PixelLoss | LayerLoss,
        *,
        with_gradient: bool,
    ) -> tuple[ForwardPass, Images | None]:
        """Forward, weigh, differentiate. Grad mode is changed in here only: never across a yield.

        The model's mode is held until after the backward pass, in which checkpointed layers run
        once more.
        """
        through = with_gradient and self.transform is None
        with evaluation_mode(task.model):
            with torch.set_grad_enabled(through):
                x_leaf = x_adv.detach().requires_grad_(through)
                forward, pixel_loss = look(
                    task, x_leaf, i, self.steps, loss, targeted=self.targeted
                )
            if self.threat_model.eps is None:
                forward.distance = self.threat_model.distance(x_adv, task.images)
            if not with_gradient:
                return forward, None
            forward.weights = weighting(forward).masked_fill(~task.valid, 0.0)
            if not task.keep_logits:
                forward.logits = None  # free by the time that the gradient goes through the model
            if self.transform is None:
                gradient = self._gradient(pixel_loss, x_leaf, forward.weights)
            else:
                gradient = self._transformed_gradient(
                    self.transform, task, x_adv, i, forward.weights, loss
                )
        if self.smooth is not None:
            gradient = self.smooth(gradient)
        # One NaN would spread over the whole image through the norm of the gradient.
        return forward, gradient.nan_to_num(0.0, 0.0, 0.0)

    def _gradient(self, pixel_loss: PixelMap, x_leaf: Images, weights: PixelMap) -> Images:
        # The weighted sum is differentiated by handing the weights in as the outer gradient.
        outer = -weights if self.targeted else weights
        return gradient_in(x_leaf, pixel_loss, outer)

    def _transformed_gradient(
        self,
        transform: InputTransform,
        task: Task,
        x_adv: Images,
        i: int,
        weights: PixelMap,
        loss: PixelLoss | LayerLoss,
    ) -> Images:
        """The sum over the transform's samples; the images go through the model moved."""
        total = torch.zeros_like(x_adv)
        for _ in range(transform.samples):
            with torch.enable_grad():
                x_leaf = x_adv.detach().requires_grad_()
                maps = (task.labels, task.valid, weights)
                moved, (labels, valid, counts) = transform(x_leaf, maps, task.random)
                there = replace(task, labels=labels, valid=valid)
                _, pixel_loss = look(there, moved, i, self.steps, loss, targeted=self.targeted)
            total = total + self._gradient(pixel_loss, x_leaf, counts.masked_fill(~valid, 0.0))
        return total


def _better(
    select: Selector,
    answer: Images,
    score: PerImage | None,
    success: PerImage | None,
    x_adv: Images,
    forward: ForwardPass,
) -> tuple[Images, PerImage, PerImage]:
    new_score, new_success = select.score(forward), forward.success_rate
    if score is None or success is None:
        return x_adv, new_score, new_success
    better = new_score >= score
    return (
        torch.where(per_image(better, x_adv), x_adv, answer),
        torch.where(better, new_score, score),
        torch.where(better, new_success, success),
    )


def _nonzero(gradient: Images) -> PerImageMask:
    """Images with a gradient; two extremes, which cost a fifth of `any`."""
    flat = gradient.flatten(1)
    return (flat.amax(1) > 0) | (flat.amin(1) < 0)
