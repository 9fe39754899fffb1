"""The one interface that attacks, metrics and trainers see of a segmentation model."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.core.modes import evaluation_mode
from art_segplugin.core.types import Logits
from art_segplugin.core.void import void_doubt
from art_segplugin.errors import InputError
from art_segplugin.models.info import CheckpointInfo
from art_segplugin.models.outputs import are_binary, binary_logits, check_outputs, pixel_logits


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
        mean: Per-channel mean that the model expects to be subtracted, on the scale of [0, 1].
        std: Per-channel standard deviation that it expects to be divided by.
        bgr: The model wants the channels in the order blue, green, red; mean and std stay RGB.
        output: Takes the logits (n, c, h, w) out of the model's output, where the rules do not.
        channels: Which channels of the logits are classes, where the model has more.
        stride: Height and width must be multiples of it: images are padded by repeating their edge,
            and the logits are cropped again.
        info: Where the model comes from.

    Raises:
        InputError: ``mean`` and ``std`` differ in length, ``std`` holds a value that is not positive,
            or ``stride`` is smaller than 1.
    """

    task: ClassVar[str] = "segmentation"
    casts: ClassVar[bool] = True  # images of any float type, see `core.forward_pass.output_of`
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: Callable[[Tensor], Any],
        *,
        classes: int | None = None,
        ignore_index: int = 255,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        bgr: bool = False,
        output: Callable[[Any], Tensor] | None = None,
        channels: slice | None = None,
        stride: int = 1,
        info: CheckpointInfo | None = None,
    ) -> None:
        super().__init__()
        if len(mean) != len(std) or min(std, default=0.0) <= 0:
            raise InputError(
                f"mean {tuple(mean)} and std {tuple(std)} must have one value per channel, "
                "and every std must be positive."
            )
        if stride < 1:
            raise InputError(f"stride is {stride}; expected a number of pixels, at least 1.")
        self.model = model
        self.classes = 2 if classes == 1 else classes
        self.binary = False  # one output channel, as far as `validate` has seen
        self._doubted = False
        self.ignore_index = ignore_index
        self.bgr = bgr
        self.output = output
        self.channels = channels
        self.stride = stride
        self.info = info and info.with_background()
        # The buffers may be rounded to another precision; what is written to a file shall not be.
        self._normalisation = tuple(map(float, mean)), tuple(map(float, std))
        self._normalises = any(value != 0 for value in mean) or any(value != 1 for value in std)
        for name, values in (("mean", mean), ("std", std)):
            column = torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
            self.register_buffer(name, column, persistent=False)

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
        prepared = (images - self.mean).div_(self.std) if self._normalises else images.clone()
        if self.bgr:
            prepared = prepared.flip(1)
        if right or bottom:
            prepared = F.pad(prepared, (0, right, 0, bottom), mode="replicate")
        result = self.model(prepared)
        if self.output is not None:
            result = self.output(result)
        logits = self._logits(result, prepared)
        height, width = self.label_size(images)
        logits = logits[..., :height, :width]
        if self.channels is not None:
            logits = binary_logits(logits[:, self.channels])
        if logits.shape[0] != len(images):
            raise InputError(
                f"the model returned {logits.shape[0]} logit maps for {len(images)} images."
            )
        if self.classes is not None and logits.shape[1] != self.classes:
            raise InputError(
                f"the model gives {logits.shape[1]} classes and {self.classes} were expected: "
                "set classes, or choose the channels that count with channels=slice(...)."
            )
        return logits

    def label_size(self, images: Tensor) -> tuple[int, int]:
        """Height and width of the logits, and of the label maps, that belong to images."""
        return images.shape[-2], images.shape[-1]

    def _logits(self, result: Any, prepared: Tensor) -> Logits:
        """Take the logits out of what the model returned for `prepared` images."""
        return pixel_logits(result, (prepared.shape[-2], prepared.shape[-1]))

    def describe(self, info: CheckpointInfo) -> CheckpointInfo:
        """Return ``info`` with what this wrapper adds to the model, except `output`, a function."""
        mean, std = self._normalisation
        channels = self.channels
        return replace(
            info,
            task=self.task,
            ignore_index=self.ignore_index,
            mean=mean,
            std=std,
            bgr=self.bgr,
            channels=channels and (channels.start, channels.stop, channels.step),
            stride=self.stride,
        )

    def validate(self, images: Tensor, labels: Tensor | None = None) -> Self:
        """Make the checks that are too dear for every forward; call it once per run.

        One forward without gradient, in eval mode. Sets `classes` where it was not given. Warns when
        the outputs are probabilities, on which losses made for logits are weak, and when the labels
        are void and one class only, as a mask of 0 and 255 is.

        Args:
            images: Some of the images of the run, (n, ch, h, w).
            labels: Their label maps, integers (n, h, w), if there are any.

        Returns:
            The segmenter itself.

        Raises:
            InputError: Values outside [0, 1], NaN or infinite outputs, a wrong shape, or labels that
                are no classes.
        """
        self._check_images(images)
        low, high = images.min().item(), images.max().item()
        if not (low >= 0 and high <= 1):
            raise InputError(
                f"the images have values from {low:.4g} to {high:.4g}; expected [0, 1]: "
                "divide 8-bit images by 255 and leave normalisation to Segmenter(mean=..., std=...)."
            )
        with evaluation_mode(self), torch.no_grad():
            logits = self(images)
        check_outputs(logits, labels)
        self.binary = are_binary(logits)
        if self.classes is None:
            self.classes = logits.shape[1]
        if labels is not None:
            expected = (len(images), *self.label_size(images))
            if labels.shape != expected:
                raise InputError(
                    f"the labels have shape {tuple(labels.shape)}; expected {expected} for these "
                    f"images and a model of {self.task}."
                )
            self.check_labels(labels)
            doubt = void_doubt(labels, self.ignore_index)
            if doubt and not self._doubted:  # the batches of a run say the same
                self._doubted = True
                warnings.warn(doubt, stacklevel=2)
        return self

    def check_labels(self, labels: Tensor) -> None:
        """Refuse labels that are neither a class nor `ignore_index`.

        Raises:
            InputError: Labels are not integers or outside the classes; the values are named.
        """
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise InputError(f"the labels are {labels.dtype}; expected integers such as int64.")
        if self.classes is None:
            raise InputError("the number of classes is not known yet: call validate(images) first.")
        values = torch.unique(labels)
        strange = values[((values < 0) | (values >= self.classes)) & (values != self.ignore_index)]
        if strange.numel():
            shown = ", ".join(str(value) for value in strange[:5].tolist())
            more = f" and {strange.numel() - 5} more" if strange.numel() > 5 else ""
            raise InputError(
                f"the labels hold {shown}{more}; expected 0 to {self.classes - 1}, "
                f"or {self.ignore_index} for void."
            )

    def _check_images(self, images: Tensor) -> None:
        channels = self.mean.shape[1]
        if images.ndim != 4 or images.shape[1] != channels:
            raise InputError(
                f"the images have shape {tuple(images.shape)}; "
                f"expected (n, {channels}, height, width)."
            )
        if not images.is_floating_point():
            raise InputError(
                f"the images are {images.dtype}; expected floating-point values in [0, 1]."
            )
