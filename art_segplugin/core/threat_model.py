"""What the adversary is allowed to do to an image."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from art_segplugin.core.types import ImageMask, Images, PerImage, PerImageMask
from art_segplugin.errors import InputError

NORMS = {1: 1.0, 2: 2.0, math.inf: math.inf, "1": 1.0, "2": 2.0, "inf": math.inf}
NORMS |= {"L1": 1.0, "L2": 2.0, "Linf": math.inf, "l1": 1.0, "l2": 2.0, "linf": math.inf}

L1_SPARSITY = 0.01
"""Share of the coordinates that one L1 step moves (SLIDE, Tramer & Boneh, arXiv:1904.13000)."""


RandomSource = torch.Generator | Sequence[torch.Generator] | None
"""One generator for a batch, one for each of its images, or torch's global one."""


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """Reshape (n,) values so that they broadcast over `like` (n, ...)."""
    return values.view(-1, *[1] * (like.ndim - 1))


def fitted(name: str, value: float | Tensor, x: Images) -> Tensor | float:
    """A size as it multiplies a batch: a number, or one value per image as (n, 1, 1, 1).

    Raises:
        InputError: the number of values is not len(x).
    """
    if not isinstance(value, Tensor):
        return value
    if len(value) != len(x):
        raise InputError(f"{name} has {len(value)} values for {len(x)} images; give one each.")
    return per_image(value.to(x), x)


def check_size(name: str, value: float | Tensor) -> None:
    """Refuse a radius or step size that is not a finite number >= 0, or one such number an image.

    Raises:
        InputError: the value is negative, infinite, NaN or of another shape.
    """
    if isinstance(value, Tensor):
        if value.ndim != 1:
            raise InputError(
                f"{name} has shape {tuple(value.shape)}; give one number or one number per image."
            )
        valid = bool(((value >= 0) & value.isfinite()).all())
    else:
        valid = isinstance(value, int | float) and 0 <= value < math.inf
    if not valid:
        raise InputError(f"{name} is {value!r}; give a finite number >= 0, such as 8/255.")


@dataclass(frozen=True, eq=False)
class ThreatModel:
    """All x' with ||x' - x||_p <= eps and lower <= x' <= upper.

    Args:
        eps: radius, in the unit of the images; one float, or a tensor (n,) with one per image.
            None sets no limit but the bounds and the mask: the pixels of a patch, or an attack that
            looks for the smallest perturbation, whose size is measured in the norm.
        norm: 1, 2 or inf (also "L1", "L2", "Linf").
        bounds: smallest and largest pixel value; (-inf, inf) for none.

    Raises:
        InputError: eps is negative or not finite, the norm is another one, or bounds are reversed.
    """

    eps: float | PerImage | None
    norm: float | str = math.inf
    bounds: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.eps is not None:
            check_size("eps", self.eps)
        if self.norm not in NORMS:
            raise InputError(f"norm is {self.norm!r}; attacks are defined for 1, 2 and inf.")
        if not self.bounds[0] < self.bounds[1]:
            raise InputError(f"bounds are {self.bounds}; give (smallest, largest) pixel value.")

    @property
    def p(self) -> float:
        """The norm as a number: 1.0, 2.0 or inf."""
        return NORMS[self.norm]

    def distance(self, x_adv: Images, x: Images) -> PerImage:
        """||x_adv - x||_p of each image."""
        delta = (x_adv - x).flatten(1)
        if self.p == math.inf:  # five times faster on a CPU
            return delta.abs_().amax(1)
        length: PerImage = torch.linalg.vector_norm(delta, ord=self.p, dim=1)
        return length

    def around(self, x: Images, mask: ImageMask | None = None) -> "Region":
        """The allowed set around `x`; only pixels where `mask` is True may change.

        Raises:
            InputError: eps holds one radius per image and their number is not len(x).
        """
        radius = math.inf if self.eps is None else fitted("eps", self.eps, x)
        lower, upper = self.bounds
        if self.p == math.inf:
            # The bounds win over the ball when x itself lies outside the bounds.
            low, high = (x - radius).clamp(lower, upper), (x + radius).clamp(lower, upper)
            if mask is not None:
                free, kept = mask.unsqueeze(1), x.clamp(lower, upper)
                low, high = torch.where(free, low, kept), torch.where(free, high, kept)
            return LinfRegion(x, radius, mask, low, high)
        low, high = x.new_full((), lower), x.new_full((), upper)
        if mask is not None:
            free = mask.unsqueeze(1)
            low, high = torch.where(free, low, x), torch.where(free, high, x)
        return (L2Region if self.p == 2 else L1Region)(x, radius, mask, low, high)


@dataclass(frozen=True, eq=False)
class Region(ABC):
    """The allowed set around one batch, with all that one run needs computed once.

    Attributes:
        x: the unperturbed images (n, ch, h, w).
        radius: eps, a number or (n, 1, 1, 1); infinite where there is none.
        mask: pixels that may change (n, h, w), or None for all.
        low: smallest allowed value of each coordinate, broadcastable to `x`.
        high: largest allowed value of each coordinate, broadcastable to `x`.
    """

    x: Images
    radius: Tensor | float
    mask: ImageMask | None
    low: Tensor
    high: Tensor

    def free(self, direction: Images) -> Images:
        """`direction` with the coordinates that may not change set to 0."""
        return direction if self.mask is None else direction * self.mask.unsqueeze(1)

    def movable(self) -> PerImageMask:
        """Images of which something may change: the radius is not 0 and the mask not empty."""
        movable = torch.ones(len(self.x), dtype=torch.bool, device=self.x.device)
        if self.mask is not None:
            movable = self.mask.flatten(1).any(1)
        return movable & torch.as_tensor(self.radius > 0, device=self.x.device).flatten()

    @abstractmethod
    def project(self, x_adv: Images) -> Images:
        """The nearest point of the ball, then clipped into the bounds (which only shrinks it)."""

    @abstractmethod
    def steepest(self, gradient: Images) -> Images:
        """The direction of length 1 (in the norm) that a step follows; 0 where it is 0."""

    @abstractmethod
    def noise(self, random: RandomSource) -> Images:
        """A uniform draw from the ball of radius 1, before mask and bounds."""

    def random_point(self, random: RandomSource = None) -> Images:
        """A uniform draw from the ball around x, clipped into the bounds.

        Where there is no eps, a uniform draw from the bounds.

        Raises:
            InputError: neither is finite.
        """
        if not isinstance(self.radius, Tensor) and math.isinf(self.radius):
            return self._anywhere(random)
        return self.project(self.x + self.radius * self.free(self.noise(random)))

    def _anywhere(self, random: RandomSource) -> Images:
        low, high = (side.expand_as(self.x) for side in (self.low, self.high))
        if not bool((high - low).isfinite().all()):
            raise InputError(
                "there is no eps and the bounds are infinite, so nothing to draw a start from; give "
                "finite bounds, or random_start=False."
            )
        share = _drawn(self.x, random, lambda values, source: values.uniform_(generator=source))
        return low + share * (high - low)


class LinfRegion(Region):
    """|x' - x| <= eps in every coordinate: a box, so projecting is one clamp."""

    def project(self, x_adv: Images) -> Images:
        """Clamp into the box that is ball, bounds and mask at once."""
        return x_adv.clamp(self.low, self.high)

    def steepest(self, gradient: Images) -> Images:
        """The sign of the gradient; masked coordinates are undone by `project`."""
        return gradient.sign()

    def noise(self, random: RandomSource) -> Images:
        """Independent uniform draws from [-1, 1]."""
        return _signed_uniform(self.x, random)


class L2Region(Region):
    """Euclidean ball."""

    def project(self, x_adv: Images) -> Images:
        """Scale the perturbation back to length eps, then clip."""
        delta = self.free(x_adv - self.x)
        length = per_image(delta.flatten(1).norm(dim=1), delta)
        return (self.x + delta * (self.radius / _positive(length)).clamp(max=1.0)).clamp(
            self.low, self.high
        )

    def steepest(self, gradient: Images) -> Images:
        """The gradient over its length."""
        gradient = self.free(gradient)
        # Dividing by the largest entry first keeps gradients of 1e-30 from squaring to 0.
        gradient = gradient / _positive(per_image(gradient.abs().flatten(1).amax(1), gradient))
        length = per_image(gradient.flatten(1).norm(dim=1), gradient)
        return gradient / _positive(length)

    def noise(self, random: RandomSource) -> Images:
        """A normal draw scaled to a radius u^(1/d), u uniform."""
        draw = _drawn(self.x, random, lambda values, source: values.normal_(generator=source))
        return self.steepest(draw) * _random_radius(self.x, random)


class L1Region(Region):
    """The ball of sparse changes."""

    def project(self, x_adv: Images) -> Images:
        """Euclidean projection on the L1 ball by sorting (Duchi et al., ICML 2008), then clip."""
        delta = self.free(x_adv - self.x)
        size = delta.abs().flatten(1)
        ordered = size.sort(dim=1, descending=True).values
        radius = self.radius.view(-1, 1) if isinstance(self.radius, Tensor) else self.radius
        rank = torch.arange(1, size.shape[1] + 1, device=size.device, dtype=size.dtype)
        excess = (ordered.cumsum(1) - radius) / rank
        kept = (ordered > excess).sum(1, keepdim=True).clamp(min=1)
        threshold = excess.gather(1, kept - 1).clamp(min=0)
        shrunk = (size - threshold).clamp(min=0).view_as(delta)
        return (self.x + delta.sign() * shrunk).clamp(self.low, self.high)

    def steepest(self, gradient: Images) -> Images:
        """Equal steps along the L1_SPARSITY largest coordinates: one alone would move one value."""
        flat = self.free(gradient).flatten(1)
        count = max(int(L1_SPARSITY * flat.shape[1]), 1)
        index = flat.abs().topk(count, dim=1).indices
        signs = flat.gather(1, index).sign()
        # Under a mask fewer coordinates may be free than `count`.
        signs = signs / signs.abs().sum(1, keepdim=True).clamp(min=1)
        return torch.zeros_like(flat).scatter(1, index, signs).view_as(gradient)

    def noise(self, random: RandomSource) -> Images:
        """A Laplace draw scaled to a radius u^(1/d), u uniform."""
        size = _drawn(self.x, random, lambda values, source: values.exponential_(generator=source))
        draw = self.free(size * _signed_uniform(self.x, random).sign())
        length = per_image(draw.abs().flatten(1).sum(1), draw)
        return draw / _positive(length) * _random_radius(self.x, random)


def _positive(lengths: Tensor) -> Tensor:
    """Lengths that can be divided by, in any precision."""
    return lengths.clamp(min=torch.finfo(lengths.dtype).tiny)


def _drawn(
    like: Tensor,
    random: RandomSource,
    fill: Callable[[Tensor, torch.Generator | None], Tensor],
) -> Tensor:
    """Random values of the shape of `like` (n, ...); image by image where each has its source."""
    if random is None or isinstance(random, torch.Generator):
        return fill(torch.empty_like(like), random)
    return torch.cat(
        [fill(torch.empty_like(like[i : i + 1]), source) for i, source in enumerate(random)]
    )


def _signed_uniform(x: Images, random: RandomSource) -> Tensor:
    return _drawn(x, random, lambda values, source: values.uniform_(-1, 1, generator=source))


def _random_radius(x: Images, random: RandomSource) -> Tensor:
    one_each = torch.empty(len(x), device=x.device, dtype=x.dtype)
    uniform = _drawn(one_each, random, lambda values, source: values.uniform_(generator=source))
    return per_image(uniform ** (1 / x[0].numel()), x)
