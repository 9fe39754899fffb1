"""What the adversary is allowed to do to an image."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from art_segplugin.core.types import ImageMask, Images, PerImage, PerImageMask
from art_segplugin.errors import InputError

NORMS = {1: 1.0, 2: 2.0, math.inf: math.inf, "1": 1.0, "2": 2.0, "inf": math.inf}
NORMS |= {"L1": 1.0, "L2": 2.0, "Linf": math.inf, "l1": 1.0, "l2": 2.0, "linf": math.inf}

L1_SPARSITY = 0.01
"""Share of the coordinates that one L1 step moves (SLIDE, Tramer & Boneh, arXiv:1904.13000)."""

SAMPLE = 2**13
"""Coordinates that L1 sorts: all of a small image, a sample of a large one."""

REFINEMENTS = 4
"""Passes over all coordinates that a step in a large image takes after a first guess."""

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
        return float(value)
    if not value.ndim:
        return value.item()
    if len(value) != len(x):
        raise InputError(f"{name} has {len(value)} values for {len(x)} images; give one each.")
    return per_image(value.to(x.device, torch.promote_types(x.dtype, torch.float32)), x)


def check_size(name: str, value: Any) -> None:
    """Refuse a radius or step size that is not a finite number >= 0, or one such number an image.

    Raises:
        InputError: the value is negative, infinite, NaN or of another shape.
    """
    if isinstance(value, Tensor):
        if value.ndim > 1:
            raise InputError(
                f"{name} has shape {tuple(value.shape)}; give one number or one number per image."
            )
        valid = bool(((value >= 0) & value.isfinite()).all())
    else:
        number = isinstance(value, Real) and not isinstance(value, bool)
        valid = number and 0 <= value < math.inf
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
        delta = (at_least_float32(x_adv) - at_least_float32(x)).flatten(1)
        if self.p == math.inf:  # five times faster on a CPU
            return delta.abs_().amax(1)
        return delta.abs_().sum(1) if self.p == 1 else _length(delta).squeeze(1)

    def around(self, x: Images, mask: ImageMask | None = None) -> "Region":
        """The allowed set around `x`; only pixels where `mask` is True may change.

        Raises:
            InputError: eps holds one radius per image and their number is not len(x).
        """
        radius = math.inf if self.eps is None else fitted("eps", self.eps, x)
        lower, upper = self.bounds
        exact = at_least_float32(x)
        if self.p == math.inf:
            # The bounds win over the ball when x itself lies outside the bounds.
            low, high = (exact - radius).clamp(lower, upper), (exact + radius).clamp(lower, upper)
            if exact.dtype != x.dtype:
                low, high = inwards(low, exact, x.dtype), inwards(high, exact, x.dtype)
            if mask is not None:
                free, kept = mask.unsqueeze(1), x.clamp(lower, upper)
                low, high = torch.where(free, low, kept), torch.where(free, high, kept)
            return LinfRegion(x, radius, mask, low, high)
        region = L2Region if self.p == 2 else L1Region
        if mask is None:
            return region(x, radius, mask, lower, upper)
        free = mask.unsqueeze(1)
        low, high = torch.where(free, lower, exact), torch.where(free, upper, exact)
        return region(x, radius, mask, low, high)


@dataclass(frozen=True, eq=False)
class Region(ABC):
    """The allowed set around one batch, with all that one run needs computed once.

    Points have the dtype of `x`. Lengths, sums and draws are float32 at least: half precision can
    neither count the coordinates of an image nor hold eps.

    Attributes:
        x: the unperturbed images (n, ch, h, w).
        radius: eps, a number or (n, 1, 1, 1); infinite where there is none.
        mask: pixels that may change (n, h, w), or None for all.
        low: smallest allowed value, one for all coordinates or a tensor of the shape of `x`.
        high: largest allowed value, likewise.
    """

    x: Images
    radius: Tensor | float
    mask: ImageMask | None
    low: Tensor | float
    high: Tensor | float

    def free(self, direction: Images) -> Images:
        """`direction` with the coordinates that may not change set to 0."""
        return direction if self.mask is None else direction * self.mask.unsqueeze(1)

    def movable(self) -> PerImageMask:
        """Images of which something may change: the radius is not 0 and the mask not empty."""
        movable = torch.ones(len(self.x), dtype=torch.bool, device=self.x.device)
        if self.mask is not None:
            movable = self.mask.flatten(1).any(1)
        return movable & torch.as_tensor(self.radius > 0, device=self.x.device).flatten()

    def within(self, radius: PerImage) -> "Region":
        """What of this region is within another radius of the image, one an image (n,)."""
        own = per_image(radius.to(self._x), self.x)
        return replace(self, radius=own.clamp(max=self.radius))

    @abstractmethod
    def project(self, x_adv: Images) -> Images:
        """The point of the region, ball and bounds and mask at once, that is nearest to `x_adv`.

        Where `x` itself is outside the bounds, they win over the ball.
        """

    @abstractmethod
    def steepest(self, gradient: Images) -> Images:
        """The direction of length 1 (in the norm) of the steepest ascent; 0 where it is 0."""

    def ascend(self, x_adv: Images, gradient: Images, size: Tensor | float) -> Images:
        """Where a step from `x_adv` up the gradient ends: what every step rule moves by.

        Args:
            x_adv: a point of the region.
            gradient: what to climb (n, ch, h, w).
            size: length of the step in the norm, a number or (n, 1, 1, 1).
        """
        return self.project(x_adv + size * self.steepest(gradient))

    @abstractmethod
    def noise(self, random: RandomSource) -> Images:
        """A uniform draw from the ball of radius 1 in the free coordinates, before the bounds."""

    def random_point(self, random: RandomSource = None) -> Images:
        """A uniform draw from the ball around x, clipped into the bounds.

        Where there is no eps, a uniform draw from the bounds.

        Raises:
            InputError: neither is finite.
        """
        if not isinstance(self.radius, Tensor) and math.isinf(self.radius):
            return self._anywhere(random)
        return self.project(self._x + self.radius * self.free(self.noise(random)))

    def _anywhere(self, random: RandomSource) -> Images:
        low, high = (torch.as_tensor(side).to(self._x) for side in (self.low, self.high))
        if not bool((high - low).isfinite().all()):
            raise InputError(
                "there is no eps and the bounds are infinite, so nothing to draw a start from; give "
                "finite bounds, or random_start=False."
            )
        share = _drawn(self._x, random, lambda values, source: values.uniform_(generator=source))
        return self.project(low + share * (high - low))

    @property
    def _x(self) -> Images:
        """`x`, at least in float32."""
        return at_least_float32(self.x)

    def _change(self, x_adv: Images) -> Tensor:
        """x_adv - x, (n, coordinates)."""
        return (x_adv.to(self._x) - self._x).flatten(1)

    def _room(self, at: Images, direction: Tensor, reach: Tensor | None = None) -> Tensor:
        """How far each coordinate of `at` may go until its bound, or `reach` (n, 1); (n, coordinates)."""
        farthest = direction.new_full((), math.inf) if reach is None else reach
        ahead = torch.copysign(farthest, direction).view_as(at)
        return self._clipped(ahead.add_(at)).sub_(at).abs_().flatten(1)

    def _clipped(self, points: Images) -> Images:
        """The points themselves, clipped to `low` and `high`, both numbers or both tensors."""
        return points.clamp_(self.low, self.high)  # type: ignore[arg-type]

    def _moved(self, change: Tensor) -> Images:
        """The image plus `change`, in place; clipped to the bounds and rounded towards the image."""
        moved = self._clipped(change.view_as(self.x).add_(self._x))
        return moved if moved.dtype == self.x.dtype else inwards(moved, self._x, self.x.dtype)

    def _radius_of_rows(self) -> Tensor | float:
        return self.radius.view(-1, 1) if isinstance(self.radius, Tensor) else self.radius

    def _random_radius(self, random: RandomSource) -> Tensor:
        """u^(1/d), u uniform and d the number of free coordinates: the length of a uniform draw."""
        one_each = torch.empty(len(self.x), device=self.x.device, dtype=self._x.dtype)
        uniform = _drawn(one_each, random, lambda values, source: values.uniform_(generator=source))
        coordinates: Tensor | int = self.x[:1].numel()
        if self.mask is not None:
            coordinates = (self.mask.flatten(1).sum(1) * self.x.shape[1]).clamp(min=1)
        return per_image(uniform ** (1 / coordinates), self.x)


class LinfRegion(Region):
    """|x' - x| <= eps in every coordinate: a box, so projecting is one clamp."""

    def within(self, radius: PerImage) -> "Region":
        """A smaller box."""
        smaller = super().within(radius)
        x, low, high = self._x, self._x - smaller.radius, self._x + smaller.radius
        if x.dtype != self.x.dtype:
            low, high = inwards(low, x, self.x.dtype), inwards(high, x, self.x.dtype)
        low, high = low.clamp(self.low, self.high), high.clamp(self.low, self.high)  # type: ignore[arg-type]
        return replace(smaller, low=low, high=high)

    def project(self, x_adv: Images) -> Images:
        """Clamp into the box that is ball, bounds and mask at once."""
        return x_adv.clamp(self.low, self.high).to(self.x.dtype)  # type: ignore[arg-type]

    def steepest(self, gradient: Images) -> Images:
        """The sign of the gradient; what may not change is undone by `project`."""
        return gradient.sign()

    def noise(self, random: RandomSource) -> Images:
        """Independent uniform draws from [-1, 1]."""
        return _signed_uniform(self._x, random)


class L2Region(Region):
    """Euclidean ball."""

    def project(self, x_adv: Images) -> Images:
        """Shorten the perturbation until what the bounds leave of it has length eps.

        That is clip(s * change), s the largest number up to 1 of a length of at most eps. Clipping
        after the ball alone would use less than eps. Each pass takes the coordinates for clipped
        that the pass before found at their bound: s rises to the solution and never beyond it.
        """
        change, radius = self._change(x_adv), self._radius_of_rows()
        room, size = self._room(self._x, change), change.abs()
        scale = (radius / _positive(_length(size))).clamp_(max=1.0)
        work, free = torch.empty_like(size), torch.empty_like(size)
        for _ in range(3 * REFINEMENTS if size.shape[1] <= SAMPLE else REFINEMENTS):
            torch.lt(torch.mul(size, scale, out=work), room, out=free)  # not at its bound
            torch.minimum(work, room, out=work).square_()
            total, rest = work.sum(1, keepdim=True), free.mul_(work).sum(1, keepdim=True)
            left = (radius**2 - total + rest).clamp_(min=0)
            more = scale * left.sqrt_() / _positive(rest).sqrt_()
            scale = torch.maximum(scale, more.clamp_(max=1.0))
        return self._moved(change.mul_(scale))

    def steepest(self, gradient: Images) -> Images:
        """The gradient over its length.

        As PGD and Auto-PGD are published, also at the bounds: what the bounds take away of a step,
        `project` gives to the other coordinates.
        """
        gradient = self.free(at_least_float32(gradient))
        # Dividing by the largest entry first keeps gradients of 1e-30 from squaring to 0.
        gradient = gradient / _positive(per_image(gradient.abs().flatten(1).amax(1), gradient))
        return gradient / per_image(_positive(_length(gradient.flatten(1))), gradient)

    def noise(self, random: RandomSource) -> Images:
        """A normal draw scaled to a radius u^(1/d), u uniform."""
        draw = _drawn(self._x, random, lambda values, source: values.normal_(generator=source))
        return self.steepest(draw) * self._random_radius(random)


class L1Region(Region):
    """The ball of sparse changes."""

    def project(self, x_adv: Images) -> Images:
        """Shrink all coordinates by one threshold, then clip: min(max(|change| - t, 0), room).

        That is the nearest point of ball and bounds together (Duchi et al., ICML 2008, without the
        bounds); clipping after the ball alone would use less than eps.
        """
        change = self._change(x_adv)
        return self._shrunk(change, self._room(self._x, change))

    def _shrunk(self, change: Tensor, room: Tensor | None) -> Images:
        """The projection of x + change; None for a room where nothing is beyond the bounds."""
        size, radius = change.abs(), self._radius_of_rows()
        left = torch.empty_like(size)

        def shrink(threshold: Tensor) -> Tensor:
            torch.sub(size, threshold, out=left).clamp_(min=0)
            if room is not None:
                torch.minimum(left, room, out=left)
            return left.sum(1, keepdim=True)

        few = size[:, :: _spacing(size)]
        few_room = None if room is None else room[:, :: _spacing(room)]
        share = few.shape[1] / size.shape[1]
        threshold, slope = _threshold(few, few_room, share * radius)
        if share < 1:
            passes = REFINEMENTS if room is None else 6 * REFINEMENTS
            guess, high = (threshold, slope / share), size.amax(1, keepdim=True)
            threshold = _refined(shrink, radius, *guess, high, passes)
        used = shrink(threshold)
        left.mul_((radius / _positive(used)).clamp_(max=1.0))  # what is too much, of rounding
        return self._moved(torch.copysign(left, change, out=left))

    def steepest(self, gradient: Images) -> Images:
        """Equal steps along the L1_SPARSITY largest coordinates: one alone would move one value."""
        flat = self.free(at_least_float32(gradient)).flatten(1)
        return self._filling(flat, torch.ones_like(flat), flat.new_ones(1, 1))

    def ascend(self, x_adv: Images, gradient: Images, size: Tensor | float) -> Images:
        """Such steps, each no longer than the bounds leave room for.

        What they cut off goes to the next largest coordinates. Otherwise a step would move nothing
        as soon as the largest coordinates are at the bounds.
        """
        flat = self.free(at_least_float32(gradient)).flatten(1)
        length = size.view(-1, 1) if isinstance(size, Tensor) else flat.new_full((1, 1), size)
        room = self._room(at_least_float32(x_adv), flat, length)
        point = self._filling(flat, room, length).add_(x_adv)
        return self._shrunk(point.sub_(self._x).flatten(1), None)

    def _filling(self, gradient: Tensor, room: Tensor, length: Tensor) -> Images:
        """A move of that length, the largest coordinates first, none beyond its finite `room`."""
        each = length / max(int(L1_SPARSITY * gradient.shape[1]), 1)
        strength, spacing = gradient.abs(), _spacing(gradient)
        largest, index = strength[:, ::spacing].sort(1, descending=True)
        filled = torch.minimum(room[:, ::spacing], each).gather(1, index).cumsum(1)
        enough = length * (filled.shape[1] / gradient.shape[1]) * (1 - 1e-6)
        last = (filled < enough).sum(1, keepdim=True).clamp_(max=filled.shape[1] - 1)
        room.mul_(torch.ge(strength, _positive(largest.gather(1, last)), out=strength))
        # Fewer than that many may have a gradient, which then go farther; many may be alike.
        factor = length / _positive(torch.minimum(room, each, out=strength).sum(1, keepdim=True))
        torch.minimum(room.mul_(factor.clamp(max=1.0)), each * factor, out=room)
        return torch.copysign(room, gradient, out=room).view_as(self.x)

    def noise(self, random: RandomSource) -> Images:
        """A Laplace draw scaled to a radius u^(1/d), u uniform."""
        size = _drawn(self._x, random, lambda values, source: values.exponential_(generator=source))
        draw = self.free(size * _signed_uniform(self._x, random).sign())
        length = per_image(draw.abs().flatten(1).sum(1), draw)
        return draw / _positive(length) * self._random_radius(random)


def _threshold(size: Tensor, room: Tensor | None, radius: Tensor | float) -> tuple[Tensor, Tensor]:
    """The t >= 0 at which the sum of min(max(size - t, 0), room) is the radius, by sorting.

    As t falls, a coordinate counts from its size on, until `room` of it is left, if that is limited.

    Returns:
        t, or 0 where the sum never reaches the radius, and the slope there, both (n, 1).
    """
    turns = size if room is None else torch.cat([size, (size - room).clamp_(min=0)], 1)
    turns, index = turns.sort(1, descending=True)
    slope = (1 - 2 * (index >= size.shape[1]).to(size)).cumsum(1)
    gained = (slope[:, :-1] * (turns[:, :-1] - turns[:, 1:])).cumsum(1)
    total = torch.cat([torch.zeros_like(turns[:, :1]), gained], 1)  # at each of the turns
    last = (total <= radius).sum(1, keepdim=True).sub_(1).clamp_(min=0)
    slope = slope.gather(1, last).clamp_(min=1)
    return (turns.gather(1, last) - (radius - total.gather(1, last)) / slope).clamp_(min=0), slope


def _refined(
    left: Callable[[Tensor], Tensor],
    radius: Tensor | float,
    guess: Tensor,
    slope: Tensor,
    high: Tensor,
    passes: int,
) -> Tensor:
    """The threshold >= 0 that leaves the radius: secants within a bracket, at last its chord.

    Args:
        left: threshold -> what it leaves, (n, 1) each.
        radius: what may be left.
        guess: of the threshold.
        slope: by how much less is left as the threshold rises from there.
        high: a threshold that leaves nothing.
        passes: how often to ask `left`.
    """
    low, below = -high, torch.zeros_like(high) - radius  # thresholds below 0 lead to 0
    above = torch.full_like(high, 1e9)  # what is not known is far off
    last = before = guess
    for i in range(passes):
        excess = left(guess) - radius
        over = excess > 0
        low, above = torch.where(over, guess, low), torch.where(over, excess, above)
        high, below = torch.where(over, high, guess), torch.where(over, below, excess)
        if i > 0:
            slope = (before - excess) / (guess - last)
        last, before, step = guess, excess, guess + excess / slope
        chord = low + (high - low) * (above / (above - below))
        middle = chord if i + 1 == passes else (low + high) / 2
        guess = torch.where((step > low) & (step < high), step, middle)
    return guess.nan_to_num(0.0).clamp_(min=0)


def _spacing(rows: Tensor) -> int:
    """Every how many coordinates a sample takes one; odd, as the widths of images are even."""
    return rows.shape[1] // SAMPLE | 1


def at_least_float32(values: Tensor) -> Tensor:
    """The values in float32, or in float64 if they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def inwards(values: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
    """Values in a coarser dtype, none farther from `x`, which that dtype holds, than before."""
    near, away = values.to(dtype).to(values.dtype), values - x
    info = torch.finfo(dtype)
    spacing = torch.ldexp(torch.full_like(near, info.eps / 2), near.frexp().exponent)
    spacing = spacing.clamp_(min=info.tiny * info.eps)
    nearer = near - spacing.copysign(away)
    nearer = torch.where((nearer - x) * away > 0, nearer, x)  # not past it
    return torch.where((near - x).abs() > away.abs(), nearer, near).to(dtype)


def _length(rows: Tensor) -> Tensor:
    """Euclidean, (n, 1). `vector_norm` adds up one by one: of 6 million float32, 4 digits are right."""
    return rows.square().sum(1, keepdim=True).sqrt_()


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
