"""What one forward pass tells about the current images."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from art_segplugin.core.checks import check_logits
from art_segplugin.core.layers import recorded
from art_segplugin.core.losses import LayerLoss, PixelLoss, cross_entropy
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Images, Labels, Logits, PerImage, PixelMap, PixelMask
from art_segplugin.errors import InputError

if TYPE_CHECKING:
    from art_segplugin.core.task import Task


def fooled_pixels(
    logits: Logits, labels: Labels, valid: PixelMask, *, targeted: bool = False
) -> PixelMask:
    """Valid pixels that are already what the adversary wants: off `labels`, or on them if targeted.

    Asks whether the label's logit is the largest instead of taking an arg max, which on a CPU
    costs a tenth of a whole attack step. Of exactly tied logits, the label's counts as largest.
    """
    of_label, largest = logits.gather(1, labels.unsqueeze(1)).squeeze(1), logits.amax(1)
    # Both comparisons are False for NaN: a broken output fools nobody.
    return (of_label >= largest if targeted else of_label < largest) & valid


@dataclass(eq=False)
class ForwardPass:
    """One forward pass, without its graph.

    Attributes:
        step: number of steps taken before this point, 0 ... steps.
        steps: length of the run.
        labels: class indices; void pixels hold class 0, see `valid`.
        valid: False on void pixels.
        fooled: valid and already what the adversary wants.
        pixel_loss: loss the adversary increases, 0 on void pixels.
        logits: (n, c, h, w), there only until the attack goes on: at 19 classes and 1024 x 2048
            pixels one image's logits are 160 MB, so nobody may collect them by accident.
        weights: how much each pixel counts in the gradient, 0 on void pixels; None on the last
            point, which needs no gradient.
        distance: of this point from the image, in the attack's norm, where the attack has no eps and
            so is after the smallest one; else None.
    """

    step: int
    steps: int
    labels: Labels
    valid: PixelMask
    fooled: PixelMask
    pixel_loss: PixelMap
    logits: Tensor | None
    weights: Tensor | None = None
    distance: Tensor | None = None

    @property
    def success_rate(self) -> PerImage:
        """Share of the valid pixels that are fooled; untargeted this is 1 - pixel accuracy."""
        return self._mean_over_valid(self.fooled)

    @property
    def loss(self) -> PerImage:
        """Mean of `pixel_loss` over the valid pixels."""
        return self._mean_over_valid(self.pixel_loss)

    @property
    def loss_share_of_fooled(self) -> PerImage:
        """Share of the loss that sits on fooled pixels (FLoss, arXiv:2207.12391, section 3)."""
        on_fooled = _sum(torch.where(self.fooled, self.pixel_loss, 0.0))
        return on_fooled / _sum(self.pixel_loss).clamp(min=1e-12)

    @property
    def prediction(self) -> Labels:
        """Class map (n, h, w), computed when asked for.

        Raises:
            RuntimeError: the attack has gone on since, and the logits are freed.
        """
        if self.logits is None:
            raise RuntimeError("The logits of a past iterate are freed; ask before going on.")
        return self.logits.argmax(1)

    def _mean_over_valid(self, values: Tensor) -> PerImage:
        return _sum(values) / _sum(self.valid).clamp(min=1)


NO_GRADIENT = (
    "the model's output has no gradient in the images: something in it cuts the graph, such as "
    "torch.no_grad, torch.inference_mode, .detach(), .numpy(), an argmax or a runtime of another "
    "library; attacks follow the gradient: take that out of forward, or give the network that it was "
    "made from."
)
_FAILED = {
    "Can't call numpy() on Tensor that requires grad": NO_GRADIENT,
    "appears to not have been used in the graph": NO_GRADIENT,
    "does not require grad and does not have a grad_fn": NO_GRADIENT,
    "Inference tensors cannot be saved for backward": (
        "the model holds tensors made in inference mode, through which no gradient goes; make or load "
        "it outside torch.inference_mode()."
    ),
}
"""What torch says of a graph that is cut: what to say instead."""


def graph_explanation(error: Exception) -> str:
    """What torch's error about a graph that does not reach the images means; "" for other errors."""
    return next((meant for said, meant in _FAILED.items() if said in str(error)), "")


@contextmanager
def graph_explained() -> Iterator[None]:
    """Within, torch's errors about a graph that does not reach the images are `InputError`."""
    try:
        yield
    except RuntimeError as error:
        if meant := graph_explanation(error):
            raise InputError(meant) from error
        raise


def gradient_in(images: Images, total: Tensor, outer: Tensor | None = None) -> Images:
    """Gradient of `total`, weighed by `outer`, in the images that it was computed from.

    Raises:
        InputError: nothing leads from one to the other.
    """
    with graph_explained():
        (gradient,) = torch.autograd.grad(total, images, outer)
    return gradient


def float_type(model: object) -> torch.dtype | None:
    """Float type of a model's weights; None where it has none."""
    weights = model.parameters() if isinstance(model, nn.Module) else iter(())
    return next((weight.dtype for weight in weights if weight.is_floating_point()), None)


def output_of(model: Any, images: Images) -> Any:
    """What a model returns for images, which it gets in the float type of its weights.

    A model that prepares images itself (it has an attribute `casts`) gets them as they are.

    Raises:
        InputError: it cuts the graph, or holds tensors made in inference mode.
    """
    wanted = None if getattr(model, "casts", False) else float_type(model)
    with graph_explained():
        return model(images if wanted is None else images.to(wanted))


def look(
    task: "Task",
    x_adv: Images,
    step: int,
    steps: int,
    loss: PixelLoss | LayerLoss = cross_entropy,
    *,
    targeted: bool = False,
) -> tuple[ForwardPass, PixelMap]:
    """What the model says about a point, and the pixel loss, with its graph in grad mode.

    Args:
        task: the model and the batch.
        x_adv: the point (n, ch, h, w).
        step: number of steps taken before it.
        steps: length of the run.
        loss: of each pixel.
        targeted: labels are what the adversary wants.

    Raises:
        InputError: the logits do not fit the labels, or a layer that the loss reads is not there.
    """
    layers = loss.layers if isinstance(loss, LayerLoss) else ()
    with recorded(task.model, layers) as activations:
        logits = output_of(task.model, x_adv)
    if isinstance(logits, Tensor) and logits.is_floating_point():
        logits = logits.to(torch.promote_types(logits.dtype, x_adv.dtype))
    check_logits(logits, task.labels, task.classes)
    if isinstance(loss, LayerLoss):
        pixel_loss = loss(logits, task.labels, activations)
    else:
        pixel_loss = loss(logits, task.labels)
    detached = logits.detach()
    forward = ForwardPass(
        step=step,
        steps=steps,
        labels=task.labels,
        valid=task.valid,
        fooled=fooled_pixels(detached, task.labels, task.valid, targeted=targeted),
        pixel_loss=pixel_loss.detach().masked_fill(~task.valid, 0.0),
        logits=detached,
    )
    return forward, pixel_loss


def query(
    task: "Task", x_adv: Images, step: int, steps: int, *, targeted: bool = False
) -> ForwardPass:
    """`look` without gradients, all that an attack with predict-only access may ask for."""
    with torch.no_grad(), evaluation_mode(task.model):
        return look(task, x_adv, step, steps, targeted=targeted)[0]


def _sum(values: Tensor) -> PerImage:
    """Sum of each image, at least in float32: half precision cannot count the pixels of one."""
    dtype = torch.float64 if values.dtype == torch.float64 else torch.float32
    return values.flatten(1).sum(1, dtype=dtype)
