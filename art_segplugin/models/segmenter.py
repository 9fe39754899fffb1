"""The one interface that attacks, metrics and trainers see of a segmentation model."""

import itertools
import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self, cast
from weakref import WeakSet

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.core.checks import described
from art_segplugin.core.forward_pass import NO_GRADIENT, gradient_in, graph_explanation
from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Logits
from art_segplugin.core.void import void_doubt
from art_segplugin.errors import InputError, ModelError, out_of_memory, warn
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.outputs import (
    are_binary,
    binary_logits,
    check_outputs,
    no_predictions,
    pixel_logits,
)

_CHOICE_SAID: "WeakSet[Segmenter]" = WeakSet()
"""Where it was said which of several outputs is taken. A forward writes nothing to the model itself,
which threads may share."""


class Segmenter(nn.Module):
    """Images in [0, 1] in, logits of the same height and width out.

    Wraps any module or callable: normalisation happens inside, the logits are taken out of whatever
    it returns (see `art_segplugin.models.outputs.pixel_logits`) and enlarged to the image with
    autograd. A forward makes only checks that cost nothing (shapes); `validate` makes the others,
    once per run.

    Args:
        model: Module or callable that takes normalised images (n, ch, h, w).
        classes: Number of classes; found by `validate` where it is None. A model with one output
            channel z has two, background and foreground, with the logits [0, z]; 1 is taken for 2.
        ignore_index: Label of pixels that belong to no class.
        mean: Mean that the model expects to be subtracted, on the scale of [0, 1]: one number, or one
            per channel.
        std: Standard deviation that it expects to be divided by, likewise.
        in_channels: Channels of the images; None to go by `mean` and `std`, and take any number where
            these are no sequences. Files are read with so many (3 where it is None).
        bgr: The model wants the channels in the order blue, green, red; mean and std stay RGB.
        output: Takes the logits (n, c, h, w) out of the model's output, where the rules do not.
        channels: Which channels of the logits are classes, where the model has more.
        stride: Height and width must be multiples of it: images are padded by repeating their edge,
            and the logits are cropped again.
        info: Where the model comes from.

    The model is given the images in its own precision, and the logits are at least float32. What it
    raises becomes a `ModelError` that names the submodule; an `InputError` and running out of memory
    stay what they are.

    Raises:
        InputError: ``mean``, ``std`` and ``in_channels`` do not fit, ``mean`` is that of images in
            [0, 255], ``std`` holds a value that is not positive, ``bgr`` is asked for and there are not
            3 channels, or another argument is none of what it may be.
    """

    task: ClassVar[str] = "segmentation"
    casts: ClassVar[bool] = True  # images of any float type, see `core.forward_pass.output_of`
    mean: Tensor
    std: Tensor
    # What a segmenter that an earlier version pickled does not have.
    in_channels: int | None = None
    binary = False  # one output channel, as far as `validate` has seen
    _differentiable = _doubted = False  # what `validate` has seen

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        *,
        classes: int | None = None,
        ignore_index: int = 255,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        in_channels: int | None = None,
        bgr: bool = False,
        output: Callable[[Any], Tensor] | None = None,
        channels: slice | None = None,
        stride: int = 1,
        info: CheckpointInfo | None = None,
    ) -> None:
        super().__init__()
        means, stds = _per_channel(mean, std)
        if in_channels not in (None, len(means)) and len({*zip(means, stds, strict=True)}) == 1:
            means, stds = means[:1], stds[:1]  # the same for any number of channels
        if in_channels is None and (len(means) > 1 or bgr or not isinstance(mean, Real)):
            in_channels = 3 if bgr else len(means)
        if len(means) not in (1, in_channels):
            raise InputError(
                f"mean and std have {len(means)} values and there are {in_channels} channels; give "
                "one number, or one per channel."
            )
        if bgr and in_channels != 3:
            raise InputError(
                f"bgr is for images of 3 channels and these have {in_channels}: leave it out, and "
                "exchange the channels inside the model if they need it."
            )
        if in_channels is not None and in_channels < 1:
            raise InputError(f"in_channels is {in_channels}; expected a number of at least 1.")
        if not isinstance(cast("Any", stride), Integral) or stride < 1:
            raise InputError(f"stride is {stride}; expected a number of pixels, at least 1.")
        if classes is not None and classes < 1:
            raise InputError(f"classes is {classes}; expected a number of at least 1.")
        if not isinstance(channels, slice | None):
            raise InputError(
                f"channels is {channels!r}; expected a slice, such as slice(0, 19) for the first 19."
            )
        if not callable(model) or isinstance(model, type):
            kind = f"class {model.__name__}" if isinstance(model, type) else type(model).__name__
            raise InputError(
                f"the model is a {kind}; expected a module or a function from images to logits (weights "
                "alone are loaded with load_state_dict of the network that they are of)."
            )
        self.model = model
        self.classes = 2 if classes == 1 else classes
        self.ignore_index = ignore_index
        self.bgr = bgr
        self.output = output
        self.channels = channels
        self.stride = stride
        self.info = info and info.with_background()
        self.in_channels = in_channels
        # The buffers may be rounded to another precision; what is written to a file shall not be.
        self._normalisation = means, stds
        self._normalises = any(value != 0 for value in means) or any(value != 1 for value in stds)
        device = next(_tensors(model), torch.empty(0)).device
        if device.type == "meta":  # weights that are kept elsewhere until they are needed
            device = torch.device("cpu")
        for name, values in (("mean", means), ("std", stds)):
            column = torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1)
            self.register_buffer(name, column, persistent=False)

    @property
    def device(self) -> torch.device:
        """Where the model runs; a callable without weights runs where the segmenter was moved to."""
        return next(_tensors(self.model), self.mean).device

    @classmethod
    def wrap(cls, model: Callable[[Tensor], Any], **options: Any) -> "Segmenter":
        """Return ``model`` itself where it is a Segmenter already, else ``Segmenter(model, ...)``.

        Raises:
            InputError: Options were given for a model that is a Segmenter already.
        """
        if not isinstance(model, Segmenter):
            return cls(model, **options)
        if options:
            raise InputError(
                f"the model is a Segmenter already; {', '.join(options)} cannot be changed: "
                "wrap segmenter.model instead."
            )
        return model

    @classmethod
    def from_info(cls, model: Callable[[Tensor], Any], info: CheckpointInfo) -> Self:
        """Wrap a network as its description says, in eval mode; see `describe` for the way back."""
        return cls(
            model,
            classes=len(info.classes),
            ignore_index=info.ignore_index,
            mean=info.mean,
            std=info.std,
            in_channels=info.in_channels,
            bgr=info.bgr,
            channels=info.channels and slice(*info.channels),
            stride=info.stride,
            info=info,
        ).eval()

    def forward(self, images: Tensor) -> Logits:
        """Return logits (n, c, h, w) for images (n, ch, h, w) in [0, 1].

        Raises:
            InputError: The images or the output have a wrong shape.
        """
        self._check_images(images)
        height, width = images.shape[-2:]
        right, bottom = -width % self.stride, -height % self.stride
        # Always a tensor of its own: a model may start with an in-place operation.
        if self._normalises:
            mean, std = self.mean.to(images.device), self.std.to(images.device)
            prepared = (images - mean).div_(std)
        else:
            prepared = images.clone()
        if self.bgr:
            prepared = prepared.flip(1)
        if right or bottom:
            prepared = F.pad(prepared, (0, right, 0, bottom), mode="replicate")
        weights = next(filter(Tensor.is_floating_point, _tensors(self.model)), prepared)
        if prepared.dtype != weights.dtype:
            prepared = prepared.to(weights.dtype)
        try:
            result = self.model(prepared)
        except Exception as error:
            if isinstance(error, InputError) or out_of_memory(error):
                raise
            raise self._failure(error, prepared) from error
        if self.output is not None:
            result = self._taken_out(result)
        logits = self._logits(result, prepared)
        height, width = self.label_size(images)
        logits = logits[..., :height, :width]
        if self.channels is not None:
            logits = binary_logits(self._chosen(logits))
        if logits.shape[0] != len(images):
            raise InputError(
                f"the model returned {logits.shape[0]} logit maps for {len(images)} images."
            )
        if self.classes is not None and logits.shape[1] != self.classes:
            raise InputError(
                f"the model gives {logits.shape[1]} classes and {self.classes} were expected: "
                f"{_channels_that_count(logits.shape[1], self.classes)}."
            )
        return logits

    def label_size(self, images: Tensor) -> tuple[int, int]:
        """Height and width of the logits, and of the label maps, that belong to images."""
        return images.shape[-2], images.shape[-1]

    def _logits(self, result: Any, prepared: Tensor) -> Logits:
        """Take the logits out of what the model returned for `prepared` images."""
        size = prepared.shape[-2], prepared.shape[-1]
        classes, quiet = self.classes if self.channels is None else None, self in _CHOICE_SAID
        _CHOICE_SAID.add(self)
        return pixel_logits(result, size, classes, quiet=quiet)

    def _chosen(self, logits: Logits) -> Logits:
        """The channels that are classes.

        Raises:
            InputError: The model has fewer.
        """
        assert self.channels is not None
        chosen = logits[:, self.channels]
        if not chosen.shape[1] or (self.channels.stop or 0) > logits.shape[1]:
            raise InputError(
                f"channels is {self.channels} and the model gives {logits.shape[1]} channels: give a "
                "slice within them."
            )
        return chosen

    def _taken_out(self, result: Any) -> Any:
        """What `output` makes of what the model returned."""
        assert self.output is not None
        try:
            return self.output(result)
        except (TypeError, LookupError, AttributeError, ValueError) as error:
            raise InputError(
                f"output=... failed on the {type(result).__name__} that the model returned "
                f"({_said(error)}); give a function from that to a tensor (n, classes, h, w)."
            ) from error

    def _failure(self, error: Exception, prepared: Tensor) -> InputError:
        """Where in the model an error arose, and what may help."""
        if meant := graph_explanation(error):
            return InputError(meant)
        text = (
            f"the model failed on images of shape {tuple(prepared.shape)} in "
            f"{_module_of(error, self.model)}: {_said(error)}"
        )
        if self.device != prepared.device:
            return ModelError(
                f"{text}; the images are on {prepared.device} and the model is on {self.device}: move "
                "one with .to(...)."
            )
        stride = self._stride_that_works(prepared)
        if stride is None:
            return ModelError(f"{text}.")
        return ModelError(
            f"{text}. It works where height and width are multiples of {stride}: pass stride={stride} "
            "to Segmenter, which pads the images and crops the logits."
        )

    def _stride_that_works(self, prepared: Tensor) -> int | None:
        """The smallest power of two to whose multiples a model has to have its images padded."""
        height, width = prepared.shape[-2:]
        for stride in (2, 4, 8, 16, 32, 64):
            right, bottom = -width % stride, -height % stride
            if not (right or bottom):
                continue
            padded = F.pad(prepared.detach()[:1], (0, right, 0, bottom), mode="replicate")
            try:
                with torch.no_grad(), evaluation_mode(self.model):
                    self.model(padded)
            except Exception:
                continue
            return stride
        return None

    def describe(self, info: CheckpointInfo) -> CheckpointInfo:
        """Return ``info`` with what this wrapper adds to the model, except `output`, a function."""
        count = self.in_channels or info.in_channels
        mean, std = (
            values * count if len(values) == 1 else values for values in self._normalisation
        )
        channels = self.channels
        return replace(
            info,
            task=self.task,
            ignore_index=self.ignore_index,
            mean=mean,
            std=std,
            in_channels=count,
            bgr=self.bgr,
            channels=channels and (channels.start, channels.stop, channels.step),
            stride=self.stride,
        )

    def validate(
        self, images: Tensor, labels: Tensor | None = None, *, gradient: bool | None = None
    ) -> Self:
        """Make the checks that are too dear for every forward; call it once per run.

        One forward in eval mode, and the first time a backward. Sets `classes` where it was not
        given. Warns when
        the outputs are probabilities, on which losses made for logits are weak, and when the labels
        are void and one class only, as a mask of 0 and 255 is.

        Args:
            images: Some of the images of the run, (n, ch, h, w).
            labels: Their label maps, integers (n, h, w), if there are any.
            gradient: Ask for a gradient in the images, which attacks follow; without one a model can
                still be scored. None for yes, unless the model is known to give scores only (ONNX).

        Returns:
            The segmenter itself.

        Raises:
            InputError: Values outside [0, 1], NaN or infinite outputs, a wrong shape, labels that are
                no classes, or no gradient.
            ModelError: The model raises.
        """
        self._check_images(images)
        if not images.numel():
            raise InputError("there are no images in the batch; give one at least.")
        if labels is not None:
            self._check_label_map(labels, images)
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):
            raise InputError(
                f"the images have values from {low:.4g} to {high:.4g}; expected [0, 1]: "
                "divide 8-bit images by 255 and leave normalisation to Segmenter(mean=..., std=...)."
            )
        if gradient is None:
            gradient = not any(getattr(one, "scores_only", False) for one in self.modules())
        wanted = gradient and not self._differentiable and not torch.is_inference_mode_enabled()
        leaf = images.detach().clone().requires_grad_() if wanted else images
        with evaluation_mode(self), torch.set_grad_enabled(wanted):
            logits: Tensor = self(leaf)
            maps = self.label_size(images) != (1, 1)
            check_outputs(logits, no_predictions(logits, labels) if maps else labels)
            if wanted:
                self._check_gradient(logits, leaf)
        self.binary = are_binary(logits)
        if self.classes is None:
            self.classes = logits.shape[1]
        if labels is not None:
            self.check_labels(labels)
            doubt = void_doubt(labels, self.ignore_index)
            if doubt and not self._doubted:  # the batches of a run say the same
                self._doubted = True
                warn(doubt)
        return self

    def _check_gradient(self, logits: Logits, images: Tensor) -> None:
        """Refuse logits from which no gradient leads to the images; look once only."""
        if not logits.requires_grad:
            raise InputError(NO_GRADIENT)
        try:
            gradient_in(images, logits.sum())
        except Exception as error:
            if isinstance(error, InputError) or out_of_memory(error):
                raise
            raise ModelError(
                f"the model gives logits and its backward pass failed: {_said(error)}."
            ) from error
        self._differentiable = True

    def _check_label_map(self, labels: Tensor, images: Tensor) -> None:
        """Refuse what is no label map of these images, whatever its classes."""
        if not isinstance(labels, Tensor):
            raise InputError(f"the labels are {described(labels)}; give a tensor of class indices.")
        expected = (len(images), *self.label_size(images))
        if labels.shape != expected:
            raise InputError(
                f"the labels have shape {tuple(labels.shape)}; expected {expected} for these "
                f"images and a model of {self.task}."
            )
        _check_integers(labels)

    def check_labels(self, labels: Tensor) -> None:
        """Refuse labels that are neither a class nor `ignore_index`.

        Raises:
            InputError: Labels are not integers or outside the classes; the values are named.
        """
        _check_integers(labels)
        if self.classes is None:
            raise InputError("the number of classes is not known yet: call validate(images) first.")
        values = torch.unique(labels.long())  # unsigned integers of 16 bits cannot be compared
        strange = values[((values < 0) | (values >= self.classes)) & (values != self.ignore_index)]
        if strange.numel():
            shown = ", ".join(str(value) for value in strange[:5].tolist())
            more = f" and {strange.numel() - 5} more" if strange.numel() > 5 else ""
            raise InputError(
                f"the labels hold {shown}{more}; expected 0 to {self.classes - 1}, "
                f"or {self.ignore_index} for void."
            )

    def _check_images(self, images: Tensor) -> None:
        channels = self.in_channels
        if not isinstance(images, Tensor):
            raise InputError(
                f"the images are {described(images)}; give a tensor of floats in [0, 1], "
                f"(n, {channels or 'channels'}, height, width)."
            )
        if images.ndim != 4 or (channels is not None and images.shape[1] != channels):
            raise InputError(
                f"the images have shape {tuple(images.shape)}; "
                f"expected (n, {channels or 'channels'}, height, width)."
            )
        if not images.is_floating_point():
            raise InputError(
                f"the images are {images.dtype}; expected floating-point values in [0, 1]."
            )


def _check_integers(labels: Tensor) -> None:
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(
            f"the labels are {labels.dtype}; expected integers such as int64: labels.long() if they "
            "hold class indices."
        )


def _tensors(model: object) -> Iterator[Tensor]:
    """Parameters and buffers of a model; a callable, and some modules, have none."""
    if not isinstance(model, nn.Module):
        return iter(())
    return itertools.chain(model.parameters(), model.buffers())


def _per_channel(
    mean: float | Sequence[float], std: float | Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both as tuples of one length: 1, or the number of channels."""
    try:
        means, stds = (
            (float(values),)
            if isinstance(values, Real)
            else tuple(map(float, cast("Sequence[float]", values)))
            for values in (mean, std)
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"mean is {mean!r} and std is {std!r}; expected a number, or one per channel, for each."
        ) from error
    if len(means) > 1 and isinstance(std, Real):
        stds *= len(means)
    if len(stds) > 1 and isinstance(mean, Real):
        means *= len(stds)
    single = len(means) == 1 and isinstance(mean, Real) != isinstance(std, Real)
    if max(means, default=0.0) > 1:
        raise InputError(
            f"mean is {mean}, and images are in [0, 1]: divide mean and std by 255 if they are those of "
            "images in [0, 255]."
        )
    finite = all(map(math.isfinite, means + stds))
    if len(means) != len(stds) or single or not finite or min(stds, default=0.0) <= 0:
        raise InputError(
            f"mean {mean} and std {std} must have one value per channel, or be one number each, "
            "all finite, and every std must be positive."
        )
    return means, stds


def _channels_that_count(given: int, wanted: int) -> str:
    if given < wanted:
        return f"give classes={given}, or a model of {wanted} classes"
    return (
        f"give classes={given}, or pass channels=slice(0, {wanted}) if its first channels are those"
    )


def _said(error: BaseException) -> str:
    """Kind and words of an error, in one line."""
    words = " ".join(str(error).split())
    words = f"{words[:297]}..." if len(words) > 300 else words
    return f"{type(error).__name__}: {words}".rstrip(".: ")


def _module_of(error: BaseException, model: object) -> str:
    """Name and type of the innermost module that was at work when an error arose."""
    if not isinstance(model, nn.Module):
        return getattr(model, "__qualname__", type(model).__name__)
    names = {id(module): name for name, module in model.named_modules()}
    innermost: object = model
    for frame, _ in traceback.walk_tb(error.__traceback__):
        at_work = frame.f_locals.get("self")
        if id(at_work) in names:
            innermost = at_work
    name = names[id(innermost)]
    kind = type(innermost).__name__
    return f"{name} ({kind})" if name else kind
