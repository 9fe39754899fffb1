"""What a torchattacks attack needs to work on label maps: its call and its logits."""

import contextlib
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torchattacks.attack import Attack

from art_segplugin.core.checks import check_gradients, described
from art_segplugin.core.forward_pass import output_of
from art_segplugin.core.iterate import warn_without_gradient
from art_segplugin.core.modes import evaluation_mode, in_mode
from art_segplugin.core.types import Images, Labels, Logits, PerImageMask
from art_segplugin.core.void import binary_doubt
from art_segplugin.errors import InputError, warn
from art_segplugin.models.outputs import check_outputs, class_logits, no_predictions, pixel_logits
from art_segplugin.wrappers.torchattacks.saving import LabelMapSaving

_CHECKED = 32
"""Images of a classifier whose outputs are looked at in the first call; of a segmenter one will do."""

RANGE_TOLERANCE = 1e-3
"""By how much images may leave [0, 1]: undoing a normalisation in float16 rounds that far."""


class SegAttackMixin(LabelMapSaving):
    """A torchattacks attack on label maps: `class Mine(SegAttackMixin)`, or before another base.

    A subclass implements `forward(images, labels)` as torchattacks asks for; its images are then in
    [0, 1], its labels int64 (n, h, w) with void pixels `ignore_index`, both on the model's device.
    Repaired are the targeted modes, `save`, `load`, the modes of the model's modules (each module
    gets its own back, also after an error) and the device (that of the model's weights at the time
    of the call, or of the images where the model has none: `set_device` is not needed).

    The targeted modes are switched as in torchattacks: `set_mode_targeted_random()`,
    `set_mode_targeted_least_likely(kth_min)`, `set_mode_targeted_by_label()`,
    `set_mode_targeted_by_function(function)` and `set_mode_default()`. They choose a wanted class for
    every label; void pixels stay void.

    Args:
        *args: what the next class takes, `(name, model)` for torchattacks' own base class.
        ignore_index: label of void pixels, which count nowhere.
        **kwargs: as `*args`.
    """

    needs_labels = True
    """False for attacks that can be called with images alone."""

    asks_model = True
    """False for attacks that change images without asking the model."""

    takes_image_labels = False
    """True for attacks that also take labels (n,), one per image: then the model is a classifier."""

    _image_labels = False  # whether the labels last given were (n,)
    _highest_label = -1  # of the call in progress; what get_logits expects the model to know
    _outputs_unchecked = False  # until get_logits has seen the first logits of a call
    _doubts_said = False  # after the first call; those of other batches are the same
    _zero_said = False  # that a gradient is zero, likewise

    def __init__(self, *args: Any, ignore_index: int = 255, **kwargs: Any) -> None:
        self.ignore_index = ignore_index
        # torchattacks prints an advice on set_device for models without weights; it is not needed.
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, which may be a list or dict of tensors too.

        torchattacks looks for attacks in lists and dicts by comparing what they hold, which tensors
        refuse; it is shown the attacks alone.
        """
        super().__setattr__(name, list(_attacks_in(value)))
        object.__setattr__(self, name, value)

    def __call__(
        self, inputs: Images, labels: Labels | None = None, *args: Any, **kwargs: Any
    ) -> Images:
        """Adversarial images, with the shape, dtype and normalisation of `inputs`; none for none.

        The first call warns when the model answers with probabilities or unscaled cosines, and when
        void pixels may be the object of a binary mask.

        Args:
            inputs: (n, ch, h, w) in [0, 1], or normalised if `set_normalization_used` was called.
            labels: (n, h, w) class indices, `ignore_index` on void pixels; or (n,) if
                `takes_image_labels`.
            *args: handed on to `forward`.
            **kwargs: handed on to `forward`.

        Raises:
            InputError: shapes, dtypes or values that do not fit, named in one sentence, or a model
                that answers with NaN or infinite values.
        """
        check_gradients()
        _check_shapes(inputs, labels, image_labels=self.takes_image_labels)
        self._image_labels = labels is not None and labels.ndim == 1
        if not inputs.numel():
            return inputs
        if labels is None and self.needs_labels:
            raise InputError(
                f"{self.attack} was called without labels; give class indices (n, h, w), for "
                "instance the model's own prediction."
            )
        self.device = _device(self.model, inputs)
        images, normalised = _plain(inputs, self.device), self._normalization_applied is True
        if normalised:
            images = self.inverse_normalize(images).to(inputs.dtype)
        images = self._in_range(images)
        if labels is not None:
            labels = _plain(labels, self.device).to(torch.int64)
            self._highest_label = self._checked_highest(labels)
        try:
            if normalised:
                self._set_normalization_applied(False)
            if self.asks_model and not self._doubts_said:
                self._say_doubts(images, labels)
                self._doubts_said = True
            self._outputs_unchecked = True
            with self._modes():
                adv_images = self.forward(images, labels, *args, **kwargs)
        finally:
            if normalised:
                self._set_normalization_applied(True)
            self._highest_label, self._outputs_unchecked = -1, False
        return self.normalize(adv_images).to(inputs.dtype) if normalised else adv_images

    def get_logits(self, inputs: Images, labels: Any = None, *args: Any, **kwargs: Any) -> Logits:
        """Logits (n, c, h, w) at the size of the images, or (n, c) if the labels last given were (n,).

        See `art_segplugin.models.outputs.pixel_logits` for the outputs that are understood.

        Raises:
            InputError: no logits were found, they are not finite, or the labels hold a class that
                the model has not.
        """
        # Always a tensor of its own: a model may start with an in-place operation.
        if self._normalization_applied is False:
            inputs = self.normalize(inputs).to(inputs.dtype)
        else:
            inputs = inputs.clone()
        output, size = output_of(self.model, inputs), (inputs.shape[-2], inputs.shape[-1])
        if self._image_labels:
            logits = class_logits(output, len(inputs))
        else:
            logits = pixel_logits(output, size)
        if self._outputs_unchecked:
            self._outputs_unchecked = False
            if not logits.isfinite().all():
                check_outputs(logits)  # says what is wrong
        if self._highest_label >= logits.shape[1]:
            raise InputError(
                f"the labels hold {self._highest_label} and the model has the classes 0 to "
                f"{logits.shape[1] - 1}{self._advice_on_void(logits.shape[1])}."
            )
        return logits

    def _say_doubts(self, images: Images, labels: Labels | None) -> None:
        """Look at what the model says of unchanged images; at a random start it may say another class."""
        few = slice(_CHECKED if self._image_labels else 1)
        logits, given = self.get_output_with_eval_nograd(images[few]), None
        if labels is not None and not self.targeted:
            given = no_predictions(logits, labels[few])
        check_outputs(logits, given)
        if labels is not None and not self._image_labels:
            doubt = binary_doubt(labels, self.ignore_index, logits.shape[1])
            if doubt:
                warn(doubt)

    def _say_zero(self, hidden: PerImageMask) -> None:
        """Warn once of images without a gradient, see `warn_without_gradient`."""
        if not self._zero_said and bool(hidden.any()):
            self._zero_said = True
            warn_without_gradient(hidden)

    @torch.no_grad()
    def get_output_with_eval_nograd(self, inputs: Images) -> Logits:
        """As `get_logits`, in evaluation mode; every module gets its own mode back."""
        with evaluation_mode(self.model):
            return self.get_logits(inputs)

    def get_target_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """The wanted classes, shaped as `labels`, of the mode that is switched on; void where these are.

        Raises:
            ValueError: no targeted mode is switched on.
            InputError: the function given to `set_mode_targeted_by_function` returned another shape,
                or the wanted labels are no classes.
        """
        if labels is None:
            targets: Labels = super().get_target_label(inputs, labels)
        else:
            self._image_labels = labels.ndim == 1
            # Void pixels show class 0 meanwhile, so that a table of targets may be indexed with them.
            void = self._void(labels)
            targets = super().get_target_label(inputs, labels.masked_fill(void, 0))
            if not isinstance(targets, Tensor) or targets.shape != labels.shape:
                raise InputError(
                    f"the target function returned {described(targets)} for labels of shape "
                    f"{tuple(labels.shape)}; return one class for each."
                )
            targets = torch.where(void, labels, targets.to(labels))
        self._highest_label = self._checked_highest(targets)
        return targets

    @torch.no_grad()
    def get_random_target_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """A uniformly drawn class for every label, never that of `labels` (the predicted one if None)."""

        def drawn(logits: Logits, labels: Labels) -> Labels:
            draw = torch.randint(logits.shape[1] - 1, labels.shape, device=labels.device)
            return draw + (draw >= labels)

        return self._chosen_targets(inputs, labels, drawn)

    @torch.no_grad()
    def get_least_likely_label(self, inputs: Images, labels: Labels | None = None) -> Labels:
        """The class of the `kth_min`-th smallest logit, leaving out that of `labels`, for every label.

        Raises:
            InputError: `kth_min` is larger than the number of other classes.
        """

        def least_likely(logits: Logits, labels: Labels) -> Labels:
            if self._kth_min > logits.shape[1] - 1:
                raise InputError(
                    f"kth_min is {self._kth_min}; the model has {logits.shape[1]} classes, one of "
                    f"which is the true one: give at most {logits.shape[1] - 1}."
                )
            others = logits.scatter(1, labels.unsqueeze(1), torch.inf)
            return others.kthvalue(self._kth_min, dim=1).indices

        return self._chosen_targets(inputs, labels, least_likely)

    def _chosen_targets(
        self,
        inputs: Images,
        labels: Labels | None,
        choose: Callable[[Logits, Labels], Labels],
    ) -> Labels:
        logits = self.get_output_with_eval_nograd(inputs)
        labels = logits.argmax(1) if labels is None else labels.to(logits.device)
        void = self._void(labels)
        return torch.where(void, labels, choose(logits, labels.masked_fill(void, 0)))

    @contextlib.contextmanager
    def _modes(self) -> Iterator[None]:
        """The modes chosen by `set_model_training_mode`; evaluation mode by default."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(in_mode(self.model, training=self._model_training))
            kept = {"BatchNorm": self._batchnorm_training, "Dropout": self._dropout_training}
            modules = self.model.modules() if isinstance(self.model, nn.Module) else ()
            for module in modules if self._model_training else ():
                name = type(module).__name__
                if any(kind in name and not training for kind, training in kept.items()):
                    stack.enter_context(in_mode(module, training=False))
            yield

    def _in_range(self, images: Images) -> Images:
        """The images, without what rounding has moved out of [0, 1]."""
        low, high = (value.item() for value in images.aminmax())
        if low != low:
            raise InputError("the images hold NaN; give values in [0, 1].")
        if not (low >= -RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE):
            undone = " after undoing the normalisation" if self.normalization_used else ""
            raise InputError(
                f"the images go from {low:.4g} to {high:.4g}{undone}; give values in [0, 1], "
                "and call set_normalization_used(mean, std) if they are normalised."
            )
        return images if low >= 0 and high <= 1 else images.clamp(0, 1)

    def _void(self, labels: Labels) -> Tensor:
        """Pixels of label maps without a class; a label of a whole image always is a class."""
        return (labels == self.ignore_index) & (labels.ndim > 1)

    def _checked_highest(self, labels: Labels) -> int:
        """The largest class in `labels`.

        Raises:
            InputError: a negative label that is not `ignore_index`.
        """
        classes = labels.masked_fill(self._void(labels), 0)
        low, high = (int(value) for value in classes.aminmax())
        if low < 0:
            raise InputError(
                f"the labels hold {low}; give classes from 0 on{self._advice_on_void()}."
            )
        return high

    def _advice_on_void(self, classes: int = 0) -> str:
        if self._image_labels:
            return ""
        if classes == 2 and self._highest_label == 255:
            return "; divide a mask of 0 and 255 by 255"
        return f"; mark void pixels with ignore_index={self.ignore_index}"


def _check_shapes(inputs: Images, labels: Labels | None, *, image_labels: bool) -> None:
    if not isinstance(inputs, Tensor) or inputs.ndim != 4 or not inputs.is_floating_point():
        raise InputError(f"images are {described(inputs)}; give floats in [0, 1] (n, ch, h, w).")
    if labels is None:
        return
    wanted = (inputs.shape[0], *inputs.shape[2:])
    shapes = [wanted, wanted[:1]] if image_labels else [wanted]
    fits = isinstance(labels, Tensor) and tuple(labels.shape) in shapes
    if not fits or labels.is_floating_point():
        other = f", or {wanted[:1]}, one per image, for a classifier" if image_labels else ""
        raise InputError(
            f"labels are {described(labels)}; give class indices of shape {wanted} for these "
            f"images{other}."
        )


def _attacks_in(value: Any) -> Iterator[Attack]:
    if isinstance(value, Attack):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _attacks_in(item)


def _device(model: object, inputs: Images) -> torch.device:
    weights = (model.parameters(), model.buffers()) if isinstance(model, nn.Module) else ()
    return next(itertools.chain(*weights), inputs).device


def _plain(values: Tensor, device: torch.device) -> Tensor:
    """On the device, out of any graph; a copy if made in inference mode, through which none goes."""
    return values.detach().to(device, copy=values.is_inference())


LabelMapTargets = SegAttackMixin
"""Name of a former base; the module of earlier versions that moved here had it."""
