"""Pixel losses: (logits, labels) -> one number per pixel, larger = more wrong. No reduction."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from art_segplugin.core.strips import pixelwise
from art_segplugin.core.types import Labels, Logits, PixelMap
from art_segplugin.errors import InputError

PixelLoss = Callable[[Logits, Labels], PixelMap]
"""Differentiable in the logits; labels are classes only (void pixels were given class 0)."""


@runtime_checkable
class LayerLoss(Protocol):
    """A pixel loss that also reads what named layers of the model gave."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of modules, as `named_modules` has them; an ending will do where it is unique."""

    def __call__(
        self, logits: Logits, labels: Labels, activations: Mapping[str, Tensor]
    ) -> PixelMap:
        """One number per pixel, differentiable in logits and activations."""


LARGEST_FACTOR = 1e9
"""Logits are multiplied by at most this and at least its inverse: float32 holds what comes out."""


def cross_entropy(logits: Logits, labels: Labels) -> PixelMap:
    """-log softmax(z)_y of each pixel, in nats."""
    return pixelwise(_cross_entropy, logits, labels, gradient=_cross_entropy_gradient)


def _cross_entropy(logits: Logits, labels: Labels) -> PixelMap:
    return F.cross_entropy(logits, labels, reduction="none")


def _cross_entropy_gradient(logits: Logits, labels: Labels, weights: PixelMap) -> Logits:
    """Softmax(z) - one-hot label, times the weights."""
    shifted = _in_float32(logits)
    found = (shifted - shifted.amax(1, keepdim=True)).exp_()
    weights = weights.to(found.dtype).unsqueeze(1)
    found.mul_(weights / found.sum(1, keepdim=True))
    return found.scatter_add_(1, labels.unsqueeze(1), -weights)


def _in_float32(logits: Logits) -> Logits:
    """At least."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


@dataclass(frozen=True)
class TemperedCrossEntropy:
    """Reports the cross-entropy of p = softmax(scale * z / T); has the gradient of `log_odds` / f.

    With m the log-odds against the label, the cross-entropy is softplus(m) and its gradient
    (1 - p_y) dm. The factor 1 - p_y is lost in floating point where the label is far ahead: for the
    logits (6, 1, 0.5, -1) at 1/T = 50 it is e^-250, which is 0 in float32, however carefully the
    loss itself is computed. So it is left to a weighting, which can keep it as a logarithm
    (`art_segplugin.attacks.temperature_pgd.TemperedWeights`). The factor f = scale / T, in which a
    float16 model's backward pass overflows at f = 50, is left out: no step depends on it. What
    remains, dm / f, is -1 at the label's logit and adds up to 1 over the others at any temperature.

    Args:
        temperature: T; below 1 it sharpens the probabilities, above 1 it evens them out.
        scale: what the logits are multiplied by before.

    Raises:
        InputError: one is not a finite number > 0, or they differ by a factor beyond 1e9.
    """

    temperature: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("temperature", "scale"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0 < float(value) < math.inf):
                raise InputError(f"{name} is {value!r}; give a finite number > 0, such as 0.2.")
        if not 1 / LARGEST_FACTOR <= self.factor <= LARGEST_FACTOR:
            raise InputError(
                f"temperature is {self.temperature!r} and scale {self.scale!r}; give two that "
                f"differ by a factor of at most {LARGEST_FACTOR:.0e}."
            )

    @property
    def factor(self) -> float:
        """What the logits are multiplied by: scale / temperature."""
        return float(self.scale) / float(self.temperature)

    def log_odds(self, logits: Logits, labels: Labels) -> PixelMap:
        """log((1 - p_y) / p_y) of each pixel, at least in float32.

        With f = scale / T this is logsumexp of f * (z_k - z_y) over the classes k != y. The limits
        are the largest wrong logit (T to 0) and the mean of the wrong ones (T to infinity, up to a
        constant), minus the label's, times f.
        """
        return pixelwise(self._log_odds, logits, labels)

    def __call__(self, logits: Logits, labels: Labels) -> PixelMap:
        """-log softmax(scale * z / T)_y in value, `log_odds` / f in gradient; at least in float32."""
        return pixelwise(self._value, logits, labels, gradient=self._gradient)

    def _ahead(self, logits: Logits, labels: Labels) -> Logits:
        """How far each class is ahead of the label: f * (z_k - z_y), -inf for k = y."""
        logits, at_label = _in_float32(logits), labels.unsqueeze(1)
        # Differences first: what all logits have in common would cost digits when multiplied.
        ahead = (logits - logits.gather(1, at_label)).mul_(self.factor)
        return ahead.scatter_(1, at_label, -math.inf)

    def _log_odds(self, logits: Logits, labels: Labels) -> PixelMap:
        return self._ahead(logits, labels).logsumexp(1)

    def _value(self, logits: Logits, labels: Labels) -> PixelMap:
        odds = self._log_odds(logits, labels)
        value = -F.logsigmoid(-odds.detach())  # softplus, which torch cuts off above 20
        # 0 in value; infinite odds, of classes that a logit of -inf rules out, have no gradient.
        return value + ((odds - odds.detach()) / self.factor).nan_to_num(0.0)

    def _gradient(self, logits: Logits, labels: Labels, weights: PixelMap) -> Logits:
        """The same gradient: weights * (softmax of f * z over the classes k != y - one-hot label)."""
        found = self._ahead(logits, labels)
        largest = found.amax(1, keepdim=True)
        found.sub_(largest).exp_()
        weights = weights.to(found.dtype).unsqueeze(1)
        found.mul_(weights / found.sum(1, keepdim=True)).nan_to_num_(0.0)
        at_label = weights.neg().masked_fill_(~largest.isfinite(), 0.0)
        return found.scatter_(1, labels.unsqueeze(1), at_label)


@dataclass(frozen=True, eq=False)
class KLDivergence:
    """KL(softmax(reference) || softmax(z)) of each pixel, in nats; the labels are not used.

    Args:
        reference: logits (n, c, h, w) of the same images, such as those without an attack.
    """

    reference: Logits

    def __call__(self, logits: Logits, labels: Labels) -> PixelMap:
        """Differentiable in both logits; at least in float32, whose softmax bfloat16 cannot hold."""
        precise = torch.promote_types(logits.dtype, torch.float32)
        target = self.reference.to(precise).log_softmax(1)
        found = logits.to(precise).log_softmax(1)
        return (target.exp() * (target - found)).sum(1)


def difference_of_logits(logits: Logits, labels: Labels) -> PixelMap:
    """max_{k != y} z_k - z_y of each pixel: above 0 where it is wrong.

    Raises:
        InputError: fewer than 2 classes.
    """
    if logits.shape[1] < 2:
        raise InputError("the model has 1 class; give one with 2 or more.")
    first, second = (top := logits.topk(2, dim=1)).values.unbind(1)
    rival = torch.where(top.indices[:, 0] == labels, second, first)
    return rival - logits.gather(1, labels.unsqueeze(1)).squeeze(1)


def difference_of_logits_ratio(logits: Logits, labels: Labels) -> PixelMap:
    """-(z_y - max_{k != y} z_k) / (z_1st - z_3rd) of each pixel, at least in float32.

    The DLR loss of Croce & Hein (ICML 2020, arXiv:2003.01690, equation 6): like the logits' margin
    it goes on rising where the softmax is saturated, and unlike it, it does not change when the
    logits are multiplied or shifted. Above 0 where the pixel is wrong; at most 1 as long as the
    label is among the three largest, and without limit beyond. Where the three largest logits are
    equal, it is the margin itself: there is nothing to divide by.

    Raises:
        InputError: fewer than 3 classes.
    """
    if logits.shape[1] < 3:
        raise InputError(
            f"the DLR loss needs 3 or more classes, the model has {logits.shape[1]}; "
            "use the cross-entropy."
        )
    return pixelwise(_difference_of_logits_ratio, logits, labels)


def _difference_of_logits_ratio(logits: Logits, labels: Labels) -> PixelMap:
    logits = _in_float32(logits)
    first, second, third = (top := logits.topk(3, dim=1)).values.unbind(1)
    rival = torch.where(top.indices[:, 0] == labels, second, first)
    spread = first - third
    of_label = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
    return (rival - of_label) / torch.where(spread > 0, spread, 1.0)


def jensen_shannon(logits: Logits, labels: Labels) -> PixelMap:
    """JS(p || e_y) of each pixel, in nats, at least in float32; p = softmax(z), e_y the one-hot label.

    The mean of KL(p || m) and KL(e_y || m), m = (p + e_y) / 2: 0 where the label is certain, log 2
    where it is excluded. Only p_y matters:

        JS = log 2 + (p_y log p_y - (1 + p_y) log(1 + p_y)) / 2,
        dJS = p_y log(1 + 1 / p_y) / 2 * dCE,

    so pixels count the less in the gradient the more they are wrong (Croce et al., ECCV 2024,
    arXiv:2306.12941, section 3.1). The gradient is as exact as that of the cross-entropy.
    """
    if logits.dtype != torch.float64:
        logits = logits.float()
    # p_y log p_y and its slope are 0 in floating point before p_y is.
    log_p = -cross_entropy(logits, labels)
    log_p = log_p.clamp(min=math.log(torch.finfo(log_p.dtype).tiny))
    p, rest = log_p.exp(), -log_p.expm1()
    # With r = 1 - p_y every term is of the order of r: the constants, 2 log 2, would eat it.
    return (p * log_p + math.log(2) * rest - (2 - rest) * (-rest / 2).log1p()) / 2


def spherical(logits: Logits, labels: Labels) -> PixelMap:
    """-z_y / ||z||_2 of each pixel, from -1 to 1, at least in float32.

    Minus the cosine between the logits and the one-hot label: it has a gradient where the softmax
    is saturated and does not change when the logits are multiplied (Croce et al., version 1 of
    arXiv:2306.12941). Where all logits are 0, it is -z_y.
    """
    if logits.dtype != torch.float64:
        logits = logits.float()
    of_label = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
    length = torch.linalg.vector_norm(logits, dim=1)
    return -of_label / torch.where(length > 0, length, 1.0)
