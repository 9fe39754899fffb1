"""Last layers whose logits are scaled cosines: hypersphere embedding (arXiv:2002.08619).

The logit of class k is s * cos(theta_k), theta_k being the angle between the features z and the
weights W_k of the class: (W_k / ||W_k||) . (z / ||z||) times the scale s, without a bias. Neither the
length of the features nor that of a class's weights has a say, only directions.

Its margin is what the label's cosine must exceed the others by in the loss.
"""

import contextlib
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from art_segplugin.core.types import NO_VOID, Labels, Logits, PixelMap
from art_segplugin.errors import InputError

DEFAULT_SCALE = 15.0
"""The scale s of the paper's trainings on CIFAR-10."""

LARGEST_SCALE = 1e4
"""Not far beyond it half precision overflows; the softmax is a maximum long before."""


class HypersphereLinear(nn.Linear):
    """Linear layer without a bias that gives scaled cosines.

    Args:
        in_features: Length of the features.
        out_features: Number of classes.
        scale: s; the logits are between -s and s.
        device: Where the weights are made.
        dtype: Their type.

    Attributes:
        weight: (out_features, in_features), of any length: it is normalised in every forward, with
            gradient.
        scale: s.

    Raises:
        InputError: ``scale`` is not in (0, LARGEST_SCALE].
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scale: float = DEFAULT_SCALE,
        *,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias=False, device=device, dtype=dtype)
        self.scale = checked_scale(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return s * cos (..., out_features) of features (..., in_features), in their type.

        Features that are all zero have no direction: their logits are 0, and so is their gradient.
        """
        projections = F.linear(features, _directions(self.weight))
        return _scaled(projections, _squares(features, -1), self.scale)

    def cosines(self, logits: Tensor) -> Tensor:
        """Return the cosines in [-1, 1] that belong to logits of this layer, enlarged ones too."""
        return logits / self.scale

    def extra_repr(self) -> str:
        """Return what stands between the parentheses when the layer is printed."""
        return f"{self.in_features}, {self.out_features}, scale={self.scale:g}"


class HypersphereConv2d(nn.Conv2d):
    """Convolution without a bias that gives scaled cosines, of every patch that the kernel covers.

    The feature vector is the patch: with a kernel of 1 x 1 the channels of a pixel, with a larger one
    those of its neighbours too, where padding counts as what it is filled with.

    Args:
        in_channels: Channels of the features.
        out_channels: Number of classes.
        kernel_size: As of nn.Conv2d, like the four after it.
        stride: Step between patches.
        padding: Pixels around the features, or "same" or "valid".
        dilation: Step between the pixels of a patch.
        padding_mode: What padding is filled with.
        scale: s; the logits are between -s and s.
        device: Where the weights are made.
        dtype: Their type.

    Attributes:
        weight: (out_channels, in_channels, height, width), of any length: it is normalised over all
            but the first axis in every forward, with gradient.
        scale: s.

    Raises:
        InputError: ``scale`` is not in (0, LARGEST_SCALE].
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        padding_mode: str = "zeros",
        *,
        scale: float = DEFAULT_SCALE,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        options: dict[str, Any] = {"padding_mode": padding_mode, "device": device, "dtype": dtype}
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, bias=False, **options
        )
        self.scale = checked_scale(scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return s * cos (n, out_channels, h', w') of features (n, in_channels, h, w), in their type.

        A patch that is all zero has no direction: its logits are 0, and so is its gradient.
        """
        projections = self._conv_forward(features, _directions(self.weight), None)
        squares = self._of_patches(_squares(features, -3), projections)
        return _scaled(projections, squares, self.scale)

    def cosines(self, logits: Tensor) -> Tensor:
        """Return the cosines in [-1, 1] that belong to logits of this layer, enlarged ones too."""
        return logits / self.scale

    def extra_repr(self) -> str:
        """Return what stands between the parentheses when the layer is printed."""
        geometry: str = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{geometry}, scale={self.scale:g}"

    def _of_patches(self, squares: Tensor, like: Tensor) -> Tensor:
        """Sum squares (n, 1, h, w) over each patch."""
        padding = self._reversed_padding_repeated_twice
        if max(self.kernel_size) == max(self.stride) == 1 and not any(padding):
            return squares
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        squares = F.pad(squares, padding, mode)
        # Not a convolution with ones, which GPUs round to ten bits and autocast to fewer.
        patches = F.unfold(squares, self.kernel_size, self.dilation, stride=self.stride)
        return patches.sum(-2).view(*like.shape[:-3], 1, *like.shape[-2:])


HypersphereHead = HypersphereLinear | HypersphereConv2d


def hypersphere_head(model: nn.Module) -> HypersphereHead | None:
    """Return the head of a converted model, or None where the model is an ordinary one.

    Raises:
        InputError: ``model`` is no module.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"the model is a {type(model).__name__}; expected a torch.nn.Module.")
    heads = [
        module
        for module in model.modules()
        if isinstance(module, HypersphereLinear | HypersphereConv2d)
    ]
    return heads[-1] if heads else None


def checked_scale(scale: Any) -> float:
    """Return a scale as a float.

    Raises:
        InputError: It is not a finite number > 0, or larger than LARGEST_SCALE.
    """
    number = isinstance(scale, Real) and not isinstance(scale, bool)
    if not (number and 0 < float(scale) <= LARGEST_SCALE):
        raise InputError(
            f"scale is {scale!r}; give a finite number > 0, at most {LARGEST_SCALE:g}, such as 15."
        )
    return float(scale)


def unit_rows(weight: Tensor) -> Tensor:
    """Divide each class's weights (c, ...) by their length, at least in float32, with gradient."""
    exact = _exact(weight)
    squares = exact.square().flatten(1).sum(1)
    return exact * _inverse_root(squares).view(-1, *[1] * (weight.ndim - 1))


def _directions(weight: Tensor) -> Tensor:
    return unit_rows(weight).to(weight.dtype)


def _squares(features: Tensor, dim: int) -> Tensor:
    exact = _exact(features)
    with _full_precision(features.device.type):
        # Of the ways to sum squares the one whose backward pass is fastest on channels-last features.
        squares: Tensor = torch.linalg.vecdot(exact, exact, dim=dim)
    return squares.unsqueeze(dim)


def _scaled(projections: Tensor, squares: Tensor, scale: float) -> Tensor:
    # The outputs are divided, not the features: there are fewer of them.
    return (projections * (scale * _inverse_root(squares))).to(projections.dtype)


def _inverse_root(squares: Tensor) -> Tensor:
    """1 / sqrt, but 0 with gradient 0 where lengths are so small that their squares are lost."""
    tiny = torch.finfo(squares.dtype).tiny
    # Not rsqrt, whose backward pass takes ten times as long on a CPU.
    return squares.clamp_min(tiny).sqrt().reciprocal().masked_fill(squares <= tiny, 0.0)


def _full_precision(device: str) -> contextlib.AbstractContextManager[object]:
    """Switch autocast off, which would round the features before they are squared."""
    if torch.amp.is_autocast_available(device):
        return torch.autocast(device, enabled=False)
    return contextlib.nullcontext()


def _exact(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def with_margin(
    logits: Logits, labels: Labels, scale: float, margin: float, ignore_index: int = NO_VOID
) -> Logits:
    """Lower the label's logit: s * (cos(theta_k) - m * [k = y]), as arXiv:2002.08619 does.

    The margin belongs into the loss of the training only: attacks, validation and predictions take
    the logits as the network gives them.

    Args:
        logits: s * cos (n, c, h, w); those of a hypersphere head, enlarged or not.
        labels: (n, h, w); a class, or void: ``ignore_index`` or anything negative.
        scale: s, the scale of the head.
        margin: m in [0, 2), in units of the cosine; 0 changes nothing.
        ignore_index: Label of void pixels, whose logits are left alone.

    Returns:
        New logits of the same shape and type, differentiable.

    Raises:
        InputError: ``scale`` or ``margin`` is out of range, see `checked_scale` and `checked_margin`.
    """
    lowered = checked_scale(scale) * checked_margin(margin)
    void = _void(labels, ignore_index)
    at_label = labels.long().masked_fill(void, 0).unsqueeze(1)
    amount = torch.zeros_like(at_label, dtype=logits.dtype).masked_fill_(
        ~void.unsqueeze(1), -lowered
    )
    return logits.scatter_add(1, at_label, amount)


def margin_cross_entropy(
    logits: Logits, labels: Labels, scale: float, margin: float, ignore_index: int = NO_VOID
) -> PixelMap:
    """Cross-entropy of the logits with margin, for each pixel, at least in float32.

    -log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum over k != y of e^(s cos_k))), by differences of
    logarithms, so that no scale overflows.

    Args:
        logits: s * cos (n, c, h, w).
        labels: (n, h, w); a class, or void: ``ignore_index`` or anything negative.
        scale: s, the scale of the head.
        margin: m in [0, 2); 0 is the ordinary cross-entropy.
        ignore_index: Label of void pixels.

    Returns:
        (n, h, w) in nats; 0, without gradient, on void pixels.

    Raises:
        InputError: ``scale`` or ``margin`` is out of range, see `checked_scale` and `checked_margin`.
    """
    if logits.dtype != torch.float64:
        logits = logits.float()
    lowered = with_margin(logits, labels, scale, margin, ignore_index)
    targets = labels.long().masked_fill(_void(labels, ignore_index), NO_VOID)
    return F.cross_entropy(lowered, targets, ignore_index=NO_VOID, reduction="none")


def checked_margin(margin: Any) -> float:
    """Return a margin as a float.

    Raises:
        InputError: It is not a number in [0, 2): no cosine leads another one by 2.
    """
    number = isinstance(margin, Real) and not isinstance(margin, bool)
    if not (number and 0 <= float(margin) < 2):
        raise InputError(
            f"margin is {margin!r}; give a finite number >= 0, below 2 because cosines differ by at "
            "most that, such as 0.2."
        )
    return float(margin)


def _void(labels: Tensor, ignore_index: int) -> Tensor:
    return (labels < 0) | (labels == ignore_index)
